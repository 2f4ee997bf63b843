# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames a step takes: a function of the seed and of the step's number alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from radiofm_core.errors import UsageError

from .settings import StageConfig


class Batches:
    """The batches of one process, from the step on that ``first_step()`` tells.

    A resumed run sees what an uninterrupted one would have. A step's frames are dealt to
    ``parts`` batches; this process takes every ``world``-th of them, from ``rank`` on.

    Args:
        make: ``make(index, rng)`` gives the tensors of a batch.
        frames: how many there are to choose from, at least a step's.
    """

    def __init__(
        self,
        make: Callable[[np.ndarray, np.random.Generator], tuple[Tensor, ...]],
        stage: StageConfig,
        frames: int,
        seed: int,
        first_step: Callable[[], int],
        rank: int = 0,
        world: int = 1,
    ):
        self.parts = stage.accumulate * world
        if stage.batch % self.parts:
            raise UsageError(
                f"a batch of {stage.batch} frames cannot be dealt to {world} processes x "
                f"{stage.accumulate} parts; change batch or accumulate"
            )
        self.make, self.stage, self.frames, self.seed = make, stage, frames, seed
        self.first_step, self.rank, self.world = first_step, rank, world

    def __len__(self) -> int:
        """Of a whole run, as Lightning counts."""
        return self.stage.steps * self.stage.accumulate

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        size, per_epoch = self.stage.batch, self.frames // self.stage.batch
        epoch = order = None
        for step in range(self.first_step(), self.stage.steps):
            if step // per_epoch != epoch:
                epoch = step // per_epoch
                order = np.random.default_rng((self.seed, epoch)).permutation(self.frames)
            start = step % per_epoch * size
            for part in range(self.rank, self.parts, self.world):
                index = order[start : start + size][part :: self.parts]
                key = (self.seed, 7, step) if self.parts == 1 else (self.seed, 7, step, part)
                rng = np.random.default_rng(key)
                torch.manual_seed(int(rng.integers(1 << 62)))
                yield self.make(index, rng)
