# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..waveforms.span import IGNORE


def confusion(mask: np.ndarray, truth: np.ndarray, count: int) -> np.ndarray:
    """Pixel counts (truth, predicted) of ``count`` classes where the truth is scored."""
    scored = truth != IGNORE
    pairs = truth[scored].astype(np.int64) * count + mask[scored]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def scores(counts: np.ndarray, names: Sequence[str]) -> dict:
    """Pixel accuracy, IoU by class (None where the truth has none of it) and their mean from a
    confusion matrix (truth, predicted) of the classes ``names``."""
    hit = np.diag(counts).astype(float)
    union = counts.sum(0) + counts.sum(1) - np.diag(counts)
    held = counts.sum(1) > 0
    iou = {name: round(hit[i] / union[i], 4) if held[i] else None for i, name in enumerate(names)}
    found = [value for value in iou.values() if value is not None]
    return {
        "pixel_accuracy": round(hit.sum() / max(1, counts.sum()), 4),
        "mean_iou": round(float(np.mean(found or [0.0])), 4),
        "iou": iou,
    }
