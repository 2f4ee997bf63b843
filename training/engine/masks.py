# SPDX-License-Identifier: GPL-3.0-or-later
"""What masked modelling hides, and the error of what is guessed there (after arXiv 2411.09996)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from .settings import PretrainConfig


def draw_masks(
    batch: int,
    rows: int,
    cols: int,
    ratio: float,
    rng: np.random.Generator,
    kinds: tuple[str, ...] = PretrainConfig.mask_kinds,
) -> Tensor:
    """(batch, rows * cols) bool, True = hidden. Each frame draws one of ``kinds``: patches at
    ``random``, whole rows (``time``) or whole columns (``frequency``)."""
    drawn = np.array(kinds)[rng.integers(0, len(kinds), size=batch)][:, None, None]
    score = rng.random((batch, rows, cols))
    score = np.where(drawn == "time", rng.random((batch, rows, 1)), score)
    score = np.where(drawn == "frequency", rng.random((batch, 1, cols)), score)
    flat = score.reshape(batch, -1)
    hidden = max(1, round(ratio * rows * cols))
    limit = np.sort(flat, axis=1)[:, hidden - 1 : hidden]
    return torch.from_numpy(flat <= limit)


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
