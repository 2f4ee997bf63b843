# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores a recipe's segmenter on its validation frames.

``python -m training.evaluate --recipe R.yaml``
"""

from __future__ import annotations

import json
from functools import partial

import numpy as np
from tqdm import tqdm

from . import classes
from .calibrate import CalibrationError, calibrate
from .cli import run_stage
from .data.parts import frame_set
from .objectives.segmentation import confusion, predictions, scores
from .recipe import Recipe


def evaluate(recipe: Recipe) -> dict:
    """Train or load, then score the validation frames; prints and returns the scores."""
    model = calibrate(recipe)
    frames = frame_set(recipe, "validation")
    temperature = float(model.temperature)
    counts = np.zeros((len(classes.NAMES), len(classes.NAMES)), np.int64)
    before, after = CalibrationError(), CalibrationError()
    bar = partial(tqdm, desc="evaluate", unit="batch")
    for logits, truth in predictions(model, frames, progress=bar):
        counts += confusion(logits.argmax(1).cpu().numpy(), truth.cpu().numpy(), len(counts))
        before.add(logits.softmax(1), truth)
        after.add((logits / temperature).softmax(1), truth)
    calibration = {
        "temperature": round(temperature, 3),
        "error_before": round(before.value(), 4),
        "error_after": round(after.value(), 4),
    }
    result = {"validation": scores(counts), "calibration": calibration, "frames": len(frames)}
    print(json.dumps(result, indent=1))
    return result


if __name__ == "__main__":
    run_stage(evaluate, __doc__)
