# SPDX-License-Identifier: GPL-3.0-or-later
"""What masked modelling hides, and the error of what is guessed there (after arXiv 2411.09996)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from .settings import PretrainConfig

MOST_REGIONS = 4


def draw_masks(
    batch: int,
    rows: int,
    cols: int,
    ratio: float,
    rng: np.random.Generator,
    kinds: tuple[str, ...] = PretrainConfig.mask_kinds,
) -> Tensor:
    """(batch, rows * cols) bool, True = hidden. Each frame draws one of ``kinds``: patches at
    ``random``, whole rows (``time``) or whole columns (``frequency``), one to MOST_REGIONS
    rectangles (``region``), or all but such (``around``: inverse block masks)."""
    drawn = np.array(kinds)[rng.integers(0, len(kinds), size=batch)][:, None, None]
    score = rng.random((batch, rows, cols))
    score = np.where(drawn == "time", rng.random((batch, rows, 1)), score)
    score = np.where(drawn == "frequency", rng.random((batch, 1, cols)), score)
    if "region" in kinds or "around" in kinds:
        # patches of one distance are in any order
        distance = _distances(batch, rows, cols, rng) + 1e-3 * rng.random((batch, rows, cols))
        score = np.where(drawn == "region", distance, score)
        score = np.where(drawn == "around", -distance, score)
    flat = score.reshape(batch, -1)
    hidden = max(1, round(ratio * rows * cols))
    limit = np.sort(flat, axis=1)[:, hidden - 1 : hidden]
    return torch.from_numpy(flat <= limit)


def _distances(batch: int, rows: int, cols: int, rng: np.random.Generator) -> np.ndarray:
    """(batch, rows, cols): how far each patch is from the nearest of a frame's few places; patches
    that are equally far from one make a rectangle around it."""
    shape = (batch, MOST_REGIONS, 1, 1)
    # up to four times as long in time as in frequency, or the other way round
    stretch = 2.0 ** rng.uniform(-1, 1, shape)
    down = np.abs(np.arange(rows)[:, None] - rng.uniform(0, rows, shape)) / rows * stretch
    across = np.abs(np.arange(cols) - rng.uniform(0, cols, shape)) / cols / stretch
    is_there = np.arange(MOST_REGIONS)[:, None, None] < rng.integers(
        1, MOST_REGIONS + 1, (batch, 1, 1, 1)
    )
    return np.where(is_there, np.maximum(down, across), np.inf).min(axis=1)


def masked_loss(reconstruction: Tensor, target: Tensor, masked: Tensor) -> Tensor:
    """Mean squared error of what is hidden.

    Args:
        reconstruction, target: (B, C, R, W); each patch is a square of it, or one place.
        masked: (B, T) bool, True where a patch is hidden.
    """
    side = math.isqrt(target.shape[2] * target.shape[3] // masked.shape[1])
    rows, cols = target.shape[2] // side, target.shape[3] // side
    grid = masked.view(-1, 1, rows, 1, cols, 1).float()
    error = (reconstruction - target).square()
    error = error.unflatten(3, (cols, side)).unflatten(2, (rows, side))
    return (error * grid).sum() / (grid.sum() * side * side * target.shape[1])
