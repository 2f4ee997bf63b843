# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeded random choices: every scene is a function of its seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")
POOL = 1 << 18


@lru_cache(maxsize=4)
def _qam_pool(order: int) -> Tensor:
    """complex64 (POOL,) symbols of a square constellation, always the same."""
    side = math.isqrt(order)
    generator = torch.Generator().manual_seed(order)
    levels = torch.randint(0, side, (POOL, 2), generator=generator) * 2.0 - (side - 1)
    return torch.view_as_complex(levels * (1.5 / (order - 1)) ** 0.5)


class Rng:
    """A seeded generator with the draws that scenes need."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def uniform(self, low: float, high: float) -> float:
        """A float in [low, high)."""
        return low + (high - low) * float(torch.rand(1, generator=self.generator))

    def log_uniform(self, low: float, high: float) -> float:
        """A float in [low, high), uniform in its logarithm."""
        return math.exp(self.uniform(math.log(low), math.log(high)))

    def integer(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return int(torch.randint(low, high + 1, (1,), generator=self.generator))

    def chance(self, probability: float) -> bool:
        """True with ``probability``."""
        return self.uniform(0.0, 1.0) < probability

    def choice(self, items: Sequence[Item], weights: Sequence[float] | None = None) -> Item:
        """One of ``items``."""
        if weights is None:
            return items[self.integer(0, len(items) - 1)]
        w = torch.tensor(weights, dtype=torch.float64)
        return items[int(torch.multinomial(w, 1, generator=self.generator))]

    def tensor(self, *shape: int) -> Tensor:
        """Uniform [0, 1) floats."""
        return torch.rand(*shape, generator=self.generator)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal floats."""
        return torch.randn(*shape, generator=self.generator)

    def data(self, shape: Sequence[int], order: int = 4) -> Tensor:
        """complex64 QAM symbols of mean power 1, read from random places of a fixed pool;
        ``order``: 4, 16, 64 or 256."""
        count = math.prod(shape)
        pool = _qam_pool(order)
        pieces = []
        while count > 0:
            start = self.integer(0, len(pool) - 1 - min(count, len(pool) // 2))
            pieces.append(pool[start : start + count])
            count -= len(pieces[-1])
        if not pieces:
            return torch.zeros(tuple(shape), dtype=torch.complex64)
        # A copy, whose owner may write to it
        return torch.cat(pieces).view(tuple(shape))

    def walk(self, steps: int, low: float, high: float, pace: float) -> Tensor:
        """A slowly changing level in [low, high]: (steps,)."""
        jumps = (self.tensor(steps) < pace).cumsum(0)
        levels = self.tensor(int(jumps[-1]) + 1) * (high - low) + low
        return levels[jumps]
