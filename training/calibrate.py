# SPDX-License-Identifier: GPL-3.0-or-later
"""Confidence that means what it says: a temperature for all logits ("On Calibration of Modern
Neural Networks", arXiv 1706.04599) and an offset for each class ("Maximum Likelihood with
Bias-Corrected Calibration", arXiv 1901.06852), found on the recipe's ``calibration`` frames. The
offsets undo that the loss weighs rare classes more.

``python -m training.calibrate --recipe R.yaml``
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from .command import run_stage
from .engine import processes, runs
from .finetune import finetune
from .segmentation.data.parts import frame_set
from .segmentation.data.store import FrameSet
from .segmentation.objective import predictions
from .segmentation.recipe import Recipe
from .waveforms.span import IGNORE

BINS = 15
PIXELS_PER_FRAME = 2048
TEMPERATURES = (0.1, 10.0)
WEIGHT_DECAY = 1e-4


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


def fit(logits: Tensor, truth: Tensor) -> tuple[float, Tensor]:
    """Temperature T and offsets o of the least cross entropy of ``(logits + o) / T``.

    Args:
        logits: (N, classes).
        truth: (N,) class indexes.

    Returns:
        T within 0.1 .. 10, and float32 (classes,), 0 for the first class.
    """
    return _fit(logits, truth, True)


def _fit(logits: Tensor, truth: Tensor, offsets: bool) -> tuple[float, Tensor]:
    logits, truth = logits.float(), truth.long()
    log_scale = torch.zeros((), requires_grad=True)
    bias = torch.zeros(logits.shape[1], requires_grad=offsets)
    searched = [log_scale, bias] if offsets else [log_scale]
    search = torch.optim.LBFGS(searched, max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        # A class that the frames do not hold would be pushed away without end.
        value = functional.cross_entropy(logits * log_scale.exp() + bias, truth)
        value = value + WEIGHT_DECAY * bias.square().sum()
        value.backward()
        return value

    search.step(loss)
    temperature = min(max(math.exp(-log_scale.item()), TEMPERATURES[0]), TEMPERATURES[1])
    return temperature, (bias.detach() - bias.detach()[0]) * temperature


def fit_temperature(logits: Tensor, truth: Tensor) -> float:
    """As :func:`fit`, without offsets."""
    return _fit(logits, truth, False)[0]


def find(model: nn.Module, frames: FrameSet) -> tuple[float, Tensor]:
    """:func:`fit` on a part of each frame's scored pixels."""
    draw = torch.Generator().manual_seed(0)
    kept_logits, kept_truth = [], []
    bar = partial(tqdm, desc="calibrate", unit="batch")
    for batch, truths in predictions(model, frames, progress=bar):
        for logits, truth in zip(batch.cpu(), truths.cpu(), strict=True):
            scored = (truth.flatten() != IGNORE).nonzero()[:, 0]
            chosen = scored[torch.randperm(len(scored), generator=draw)[:PIXELS_PER_FRAME]]
            kept_logits.append(logits.flatten(1)[:, chosen].T)
            kept_truth.append(truth.flatten()[chosen])
    return fit(torch.cat(kept_logits), torch.cat(kept_truth))


def calibrate(recipe: Recipe) -> nn.Module:
    """Run or load all stages; returns the segmenter, calibrated where the recipe has calibration
    frames."""
    model = finetune(recipe).to(processes.device())
    if recipe.data.calibration is None:
        return model
    path = recipe.checkpoint("calibrate")
    facts = {**runs.about(recipe, "refine"), "calibration": str(recipe.data.calibration)}
    if path.exists():
        found = runs.read(path, facts)
    else:
        temperature, offsets = find(model, frame_set(recipe, "calibration"))
        found = {"about": facts, "temperature": temperature, "offsets": offsets}
        runs.save(path, found)
    model.temperature.fill_(found["temperature"])
    model.offsets.copy_(found["offsets"])
    return model


if __name__ == "__main__":
    run_stage(calibrate, __doc__)
