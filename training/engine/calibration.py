# SPDX-License-Identifier: GPL-3.0-or-later
"""Confidence that means what it says: a temperature for all logits ("On Calibration of Modern
Neural Networks", arXiv 1706.04599) and an offset for each class ("Maximum Likelihood with
Bias-Corrected Calibration", arXiv 1901.06852). The offsets undo that the loss weighs rare classes
more."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

BINS = 15
TEMPERATURES = (0.1, 10.0)
WEIGHT_DECAY = 1e-4


class CalibrationError:
    """Expected calibration error (15 bins of equal width): how far the confidence lies from the
    share of correct answers, on average. 0 is best."""

    def __init__(self):
        # answers, sum of confidences, answers right
        self.bins = np.zeros((3, BINS))

    def add(self, confidence: Tensor, is_right: Tensor) -> None:
        """Both of one shape: the probability of each answer, and whether it is right."""
        confidence, right = confidence.flatten().double(), is_right.flatten().double()
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


def fit_temperature(logits: Tensor, truth: Tensor) -> float:
    """As :func:`fit`, without offsets."""
    return _fit(logits, truth, False)[0]


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
