# SPDX-License-Identifier: GPL-3.0-or-later
"""Confidence that means what it says: one temperature for all logits ("On Calibration of Modern
Neural Networks", arXiv 1706.04599), found on the recipe's ``calibration`` frames.

``python -m training.calibrate --recipe R.yaml``
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from . import processes, runs
from .cli import run_stage
from .data.parts import frame_set
from .data.store import FrameSet
from .finetune import finetune
from .objectives.segmentation import predictions
from .recipe import Recipe
from .waveforms.span import IGNORE

BINS = 15
PIXELS_PER_FRAME = 2048
TEMPERATURES = (0.1, 10.0)


class CalibrationError:
    """Expected calibration error (15 bins of equal width, every scored pixel): how far the
    confidence lies from the share of right pixels, on average. 0 is best."""

    def __init__(self):
        # pixels, sum of confidences, pixels right
        self.bins = np.zeros((3, BINS))

    def add(self, probabilities: Tensor, truth: Tensor) -> None:
        """(B, classes, R, W) and (B, R, W); truth 255 is not scored."""
        confidence, mask = probabilities.max(1)
        scored = truth != IGNORE
        confidence, right = confidence[scored].double(), (mask == truth)[scored].double()
        # Bins are open below and closed above, as in the paper.
        number = ((confidence * BINS).ceil().long() - 1).clamp(0, BINS - 1)
        for row, weights in enumerate((torch.ones_like(right), confidence, right)):
            found = torch.bincount(number, weights, minlength=BINS)
            self.bins[row] += found.cpu().numpy()

    def value(self) -> float:
        """0 .. 1."""
        count, confidence, right = self.bins
        return float(np.abs(confidence - right).sum() / max(1.0, count.sum()))


def fit_temperature(logits: Tensor, truth: Tensor) -> float:
    """The temperature of the least cross entropy, within 0.1 .. 10.

    Args:
        logits: (N, classes).
        truth: (N,) class indexes.
    """
    logits, truth = logits.float(), truth.long()
    # The loss is convex in 1 / T: a golden-section search on log T cannot miss.
    low, high = np.log(TEMPERATURES)
    golden = (5**0.5 - 1) / 2

    def loss(log_t: float) -> float:
        return float(functional.cross_entropy(logits / float(np.exp(log_t)), truth))

    a, b = high - golden * (high - low), low + golden * (high - low)
    loss_a, loss_b = loss(a), loss(b)
    while high - low > 1e-3:
        if loss_a < loss_b:
            high, b, loss_b = b, a, loss_a
            a = high - golden * (high - low)
            loss_a = loss(a)
        else:
            low, a, loss_a = a, b, loss_b
            b = low + golden * (high - low)
            loss_b = loss(b)
    return float(np.exp((low + high) / 2))


def find_temperature(model: nn.Module, frames: FrameSet) -> float:
    """:func:`fit_temperature` on a part of each frame's scored pixels."""
    draw = torch.Generator().manual_seed(0)
    kept_logits, kept_truth = [], []
    bar = partial(tqdm, desc="calibrate", unit="batch")
    for batch, truths in predictions(model, frames, progress=bar):
        for logits, truth in zip(batch.cpu(), truths.cpu(), strict=True):
            scored = (truth.flatten() != IGNORE).nonzero()[:, 0]
            chosen = scored[torch.randperm(len(scored), generator=draw)[:PIXELS_PER_FRAME]]
            kept_logits.append(logits.flatten(1)[:, chosen].T)
            kept_truth.append(truth.flatten()[chosen])
    return fit_temperature(torch.cat(kept_logits), torch.cat(kept_truth))


def calibrate(recipe: Recipe) -> nn.Module:
    """Run or load all stages; returns the segmenter with its temperature, 1 where the recipe has
    no calibration frames."""
    model = finetune(recipe).to(processes.device())
    if recipe.data.calibration is None:
        return model
    path = recipe.checkpoint("calibrate")
    facts = {**runs.about(recipe, "refine"), "calibration": str(recipe.data.calibration)}
    if path.exists():
        temperature = runs.read(path, facts)["temperature"]
    else:
        temperature = find_temperature(model, frame_set(recipe, "calibration"))
        runs.save(path, {"about": facts, "temperature": temperature})
    model.temperature.fill_(temperature)
    return model


if __name__ == "__main__":
    run_stage(calibrate, __doc__)
