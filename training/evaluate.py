# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores a recipe's segmenter on its validation frames and on the benchmark.

``python -m training.evaluate --recipe R.yaml``
"""

from __future__ import annotations

import json
from functools import partial

import numpy as np
from torch import nn
from tqdm import tqdm

from .calibrate import CalibrationError, calibrate
from .command import run_stage
from .engine import runs
from .segmentation import classes
from .segmentation.benchmark import frames as benchmark
from .segmentation.benchmark.report import table
from .segmentation.benchmark.scoring import score
from .segmentation.data.parts import frame_set
from .segmentation.objective import confusion, predictions, scores
from .segmentation.recipe import Recipe


def evaluate(recipe: Recipe) -> dict:
    """Train or load, then score the validation frames and, unless the recipe leaves it out, the
    benchmark; prints and returns the scores, and writes them to ``evaluation.json`` in the
    recipe's run folder. Raises OutputError if it cannot be written."""
    result = measure(recipe)
    print(json.dumps({k: v for k, v in result.items() if k != "benchmark"}, indent=1))
    if "benchmark" in result:
        print(table(result["benchmark"]))
    return result


def measure(recipe: Recipe) -> dict:
    """What :func:`evaluate` does, without a word."""
    model = calibrate(recipe)
    result = score_validation(recipe, model)
    if recipe.benchmark:
        result["benchmark"] = score_benchmark(recipe, model)
    runs.save_text(recipe.run_folder / "evaluation.json", json.dumps(result, indent=1) + "\n")
    return result


def score_validation(recipe: Recipe, model: nn.Module) -> dict:
    """The scores of the validation frames, and how well the confidences are calibrated."""
    frames = frame_set(recipe, "validation")
    counts = np.zeros((len(classes.NAMES), len(classes.NAMES)), np.int64)
    before, after = CalibrationError(), CalibrationError()
    bar = partial(tqdm, desc="evaluate", unit="batch")
    for logits, truth in predictions(model, frames, progress=bar):
        shares = model.calibrated(logits)
        counts += confusion(shares.argmax(1).cpu().numpy(), truth.cpu().numpy(), len(counts))
        before.add(logits.softmax(1), truth)
        after.add(shares, truth)
    calibration = {
        "temperature": round(float(model.temperature), 3),
        "offsets": [round(x, 3) for x in model.offsets.tolist()],
        "error_before": round(before.value(), 4),
        "error_after": round(after.value(), 4),
    }
    return {"validation": scores(counts), "calibration": calibration, "frames": len(frames)}


def score_benchmark(recipe: Recipe, model: nn.Module) -> dict:
    """What :func:`training.segmentation.benchmark.scoring.score` tells of the recipe's benchmark frames, which
    are prepared where they are not there yet."""
    folder = benchmark.prepare(recipe.folder, recipe.benchmark, recipe.spec, recipe.data.workers)
    return score(model, benchmark.BenchmarkSet(folder, recipe.spec))


if __name__ == "__main__":
    run_stage(evaluate, __doc__)
