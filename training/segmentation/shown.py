# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames as a segmenter is shown them, with all of their evidence or a part, and the emissions that
it then finds in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from radiofm_core.errors import UsageError
from radiofm_core.spectrum.detections import FrameGeometry
from radiofm_core.spectrum.emission_statistics import EvidencePlanes
from radiofm_core.spectrum.evidence_grid import LONG_LAG_S
from radiofm_core.spectrum.spec import SpectrogramSpec

from .data.store import Batch

SCORE_BATCH = 16
# Levels (B, C, R, W) dB, resolutions (B, 2) and evidence planes to mask uint8 and confidence
# float32, (B, R, W), and, of a model that tells them, log probabilities of 4 x 4 pixels
# (B, classes, R/4, W/4)
Segment = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]
# How frames are shown: with all evidence, without that of long lags, without any
ALL, SHORT, NONE = "all", "short", "none"
WAYS = (ALL, SHORT, NONE)


def batches_of(index: np.ndarray) -> list[np.ndarray]:
    """``index`` in parts of SCORE_BATCH."""
    return [index[start : start + SCORE_BATCH] for start in range(0, len(index), SCORE_BATCH)]


def shown(batch: Batch, way: str, spec: SpectrogramSpec) -> Batch:
    """The batch with the evidence of a ``way`` of :data:`WAYS`; the rest is NaN, as where a lag
    cannot be judged."""
    if way == ALL:
        return batch
    is_long = torch.tensor([lag >= LONG_LAG_S for lag in spec.evidence_lags], dtype=torch.bool)
    gone = is_long if way == SHORT else torch.ones_like(is_long)
    hidden = gone[None, :, None, None, None]
    return batch._replace(evidence=torch.where(hidden, torch.nan, batch.evidence))


def look_at(
    batch: Batch, n: int, spec: SpectrogramSpec
) -> tuple[FrameGeometry, EvidencePlanes | None]:
    """Where the pixels of a batch's frame lie, its centre at 0 Hz, and its evidence; None of a spec
    without lags."""
    bin_hz, row_s = (float(x) for x in batch.resolution[n])
    rate = bin_hz * spec.cols
    row_samples = round(row_s * rate)
    geometry = FrameGeometry(0, rate, 0.0, (0, 0.0), row_samples, spec.cols)
    if not spec.evidence_lags:
        return geometry, None
    return geometry, EvidencePlanes.of(batch.evidence[n].numpy(), spec, rate, row_samples)


def groups_of(
    batch: Batch,
    n: int,
    answer: tuple[Tensor, ...],
    spec: SpectrogramSpec,
    class_names: Sequence[str],
):
    """What belongs together in the ``n``-th frame of a batch by the ``answer`` of a
    :data:`Segment`, as the blocks find it: a
    :class:`gnuradio.radiofm.runtime.frame_groups.FrameGroups`. ``class_names``: the
    model's, noise first.

    Raises UsageError where the project's native part is not installed.
    """
    try:
        from gnuradio.radiofm.runtime.frame_groups import find_frame_groups
    except ImportError as error:
        raise UsageError(
            f"emissions are found by the GNU Radio module, which cannot be imported ({error}); run "
            "./dev build first, and use its Python (.venv/bin/python)"
        ) from error
    mask, confidence, *scores = answer
    geometry, planes = look_at(batch, n, spec)
    return find_frame_groups(
        mask[n].numpy(),
        confidence[n].numpy(),
        batch.level[n, 0].numpy(),
        geometry,
        class_names,
        scores[0][n].numpy() if scores else None,
        planes,
    )
