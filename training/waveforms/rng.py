# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeded random choices: every scene is a function of its seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")


class Rng:
    """A seeded generator with the draws that scenes need."""

    _QPSK = torch.tensor([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j], dtype=torch.complex64) * 0.5**0.5

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

    def qpsk(self, shape: Sequence[int]) -> Tensor:
        """complex64 QPSK symbols of amplitude 1."""
        return self._QPSK[torch.randint(0, 4, tuple(shape), generator=self.generator)]

    def walk(self, steps: int, low: float, high: float, pace: float) -> Tensor:
        """A slowly changing level in [low, high]: (steps,)."""
        jumps = (self.tensor(steps) < pace).cumsum(0)
        levels = self.tensor(int(jumps[-1]) + 1) * (high - low) + low
        return levels[jumps]
