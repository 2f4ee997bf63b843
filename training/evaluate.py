# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores a recipe's segmenter on its validation frames.

``python -m training.evaluate --recipe R.yaml``
"""

from __future__ import annotations

import json

import numpy as np
import torch
from tqdm import tqdm

from . import classes
from .cli import run_stage
from .data.parts import frame_set
from .finetune import finetune
from .loop import autocast
from .recipe import Recipe
from .waveforms.span import IGNORE

BATCH = 16


def confusion(mask: np.ndarray, truth: np.ndarray, count: int) -> np.ndarray:
    """Pixel counts (truth, predicted) where the truth is scored."""
    scored = truth != IGNORE
    pairs = truth[scored].astype(np.int64) * count + mask[scored]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def scores(counts: np.ndarray) -> dict:
    """Pixel accuracy, IoU by class and their mean from a confusion matrix."""
    hit = np.diag(counts).astype(float)
    union = counts.sum(0) + counts.sum(1) - np.diag(counts)
    iou = {n: round(hit[i] / max(1, union[i]), 4) for i, n in enumerate(classes.NAMES)}
    return {
        "pixel_accuracy": round(hit.sum() / max(1, counts.sum()), 4),
        "mean_iou": round(float(np.mean(list(iou.values()))), 4),
        "iou": iou,
    }


def evaluate(recipe: Recipe) -> dict:
    """Train or load, then score the validation frames; prints and returns the scores."""
    model = finetune(recipe).eval()
    frames = frame_set(recipe, "validation")
    counts = np.zeros((len(classes.NAMES), len(classes.NAMES)), np.int64)
    for start in tqdm(range(0, len(frames), BATCH), desc="evaluate", unit="batch"):
        level, truth, resolution = frames.batch(np.arange(start, min(start + BATCH, len(frames))))
        with torch.inference_mode(), autocast():
            mask = model.logits(level, resolution).argmax(1)
        counts += confusion(mask.numpy(), truth.numpy(), len(classes.NAMES))
    result = {"validation": scores(counts), "frames": len(frames)}
    print(json.dumps(result, indent=1))
    return result


if __name__ == "__main__":
    run_stage(evaluate, __doc__)
