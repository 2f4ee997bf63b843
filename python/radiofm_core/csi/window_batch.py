# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an activity model on windows of any kinds, and checks what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ..errors import one_line
from .model import ActivityModel
from .windows import CsiWindow

# How far a model's probabilities may be from adding up to 1: those of bfloat16 are
SUM_TOLERANCE = 0.02


@dataclass(frozen=True)
class Classified:
    """One window's probabilities, float32 (classes,), or why there are none."""

    probabilities: np.ndarray | None = None
    problem: str = ""


def classify_windows(
    model: ActivityModel, windows: Sequence[CsiWindow], max_batch: int
) -> list[Classified]:
    """Classify windows; those of one kind together, at most ``max_batch`` in one call.

    Returns:
        One answer a window, in their order. When the model fails on a batch, its windows are
        tried one by one, so that a bad one takes no good one with it.
    """
    found: list[Classified] = [Classified()] * len(windows)
    for places in _batches(windows, max_batch):
        answers = _classify(model, [windows[place] for place in places])
        for place, answer in zip(places, answers, strict=True):
            found[place] = answer
    return found


def _batches(windows: Sequence[CsiWindow], max_batch: int) -> Iterator[list[int]]:
    order = sorted(range(len(windows)), key=lambda place: windows[place].kind)
    for _, group in groupby(order, key=lambda place: windows[place].kind):
        places = list(group)
        for first in range(0, len(places), max_batch):
            yield places[first : first + max_batch]


def _classify(model: ActivityModel, windows: list[CsiWindow]) -> list[Classified]:
    """The answers to windows of one kind."""
    try:
        values = np.stack([window.values for window in windows])
        received = np.stack([window.received for window in windows])
        shares = model.classify(values, windows[0].antennas, received)
        classes = len(model.info.classes)
        if shares.shape != (len(windows), classes):
            raise ValueError(
                f"expected probabilities of shape {(len(windows), classes)}, got {shares.shape}"
            )
    except Exception as error:  # whatever a model raises, out of memory included
        if len(windows) == 1:
            shape = " x ".join(map(str, windows[0].values.shape))
            problem = f"the model fails on a window of {shape} ({one_line(error)})"
            return [Classified(problem=problem)]
        return [_classify(model, [window])[0] for window in windows]
    return [_checked(row) for row in shares]


def _checked(shares: np.ndarray) -> Classified:
    problem = ""
    total = float(shares.sum())
    if not np.isfinite(shares).all():
        bad = np.count_nonzero(~np.isfinite(shares))
        problem = f"the model gave {bad} probabilities that are not finite"
    elif shares.min() < 0 or abs(total - 1) > SUM_TOLERANCE:
        problem = (
            f"the model gave invalid probabilities: minimum {shares.min():.3g}, sum {total:.3g}"
        )
    return Classified(problem=problem) if problem else Classified(shares)
