# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that says of each patch of a spectrogram what it is like, as a vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import BundleError
from ..model import check_shapes
from .frame_model import FrameModel


class EncoderModel(FrameModel):
    """Turns spectrograms into vectors, one for each patch of ``row_multiple`` rows and as many
    columns: what a pre-trained encoder knows before anyone has told it of classes.

    The module answers tokens, float (batch, width, rows / row_multiple, cols / row_multiple).
    """

    def answer_empty(self) -> np.ndarray:
        """Embed one empty frame."""
        return self.embed(*self.empty(self.info.spec))

    def embed(
        self,
        frames_db: np.ndarray,
        resolution: tuple[float, float] | Sequence[tuple[float, float]],
        evidence: np.ndarray | None = None,
    ) -> np.ndarray:
        """Vectors of the patches, float32 (batch, width, rows / row_multiple, cols /
        row_multiple); arguments as of :meth:`inputs`.

        Raises:
            BundleError: the model answers another shape.
            UsageError: evidence of another shape, or for a model that takes none.
        """
        import torch

        with torch.inference_mode():
            tokens = self._module(*self.inputs(frames_db, resolution, evidence))
        patch = self.info.spec.row_multiple
        batch, _, rows, cols = frames_db.shape
        if not isinstance(tokens, torch.Tensor) or tokens.ndim != 4:
            raise BundleError("the model's output: expected one tensor of four dimensions")
        check_shapes((tokens,), (batch, tokens.shape[1], rows // patch, cols // patch))
        return tokens.float().cpu().numpy()
