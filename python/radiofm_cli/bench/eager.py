# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle's model as it is without what the blocks do for its speed."""

from __future__ import annotations

import numpy as np
import torch

from radiofm_core import keys
from radiofm_core.bundle import BundleInfo
from radiofm_core.errors import RadiofmError
from radiofm_core.spectrum.frame_model import evidence_shape

try:
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    # FlopCounterMode knows attention on GPUs only
    _ATTENTION = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
except (ImportError, AttributeError) as error:
    raise RadiofmError(
        f"radiofm bench needs PyTorch 2.2 or later, which counts operations; this is "
        f"{torch.__version__}"
    ) from error


class EagerModel:
    """A segmentation model in fp32 on the CPU, run operation by operation as written.

    TorchScript's interpreter does that when its optimisations are switched off; Python would come
    on top.
    """

    def __init__(self, info: BundleInfo):
        self._spec = info.spec
        self._module = torch.jit.load(str(info.path), map_location="cpu").eval().float()

    def segment(self, frames_db: np.ndarray, meta: dict) -> np.ndarray:
        """Masks, uint8 (batch, rows, cols), of float32 (batch, channels, rows, cols) in dB."""
        inputs = self._inputs(frames_db, meta)
        with torch.inference_mode(), torch.jit.optimized_execution(False):
            return self._module(*inputs)[0].numpy()

    def count_flops(self, frames_db: np.ndarray, meta: dict) -> int:
        """Operations of all matrix products and convolutions, two for each multiplication."""
        inputs = self._inputs(frames_db, meta)
        counter = FlopCounterMode(display=False, custom_mapping={_ATTENTION: _attention_flops})
        with torch.inference_mode(), torch.jit.optimized_execution(False), counter:
            self._module(*inputs)
        return counter.get_total_flops()

    def _inputs(self, frames_db: np.ndarray, meta: dict) -> tuple[torch.Tensor, ...]:
        resolution = torch.tensor(
            [meta[keys.SAMPLE_RATE] / meta[keys.COLS], meta[keys.ROW_DURATION]]
        )
        inputs = torch.from_numpy(frames_db), resolution.expand(len(frames_db), 2)
        if not self._spec.evidence_lags:
            return inputs
        # none that is judged: it costs as much
        shape = evidence_shape(self._spec, len(frames_db), frames_db.shape[2])
        return *inputs, torch.full(shape, torch.nan)


def _attention_flops(query, key, value, *rest, out_shape=None, **options) -> int:
    return sdpa_flop_count(query, key, value)
