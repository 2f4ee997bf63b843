# SPDX-License-Identifier: GPL-3.0-or-later
"""Pseudo-random and Zadoff-Chu sequences that LTE and NR share."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

GOLD_OFFSET = 1600
GOLD_LENGTH = 4500


@lru_cache(maxsize=1)
def _gold_basis() -> tuple[Tensor, Tensor]:
    """The first m-sequence, and the second one for each of 31 unit initial states:
    (GOLD_LENGTH,) and (31, GOLD_LENGTH) of 0.0 and 1.0."""
    total = GOLD_OFFSET + GOLD_LENGTH
    first = [1] + [0] * 30
    # Bit i of an element tells that it depends on bit i of the initial state.
    second = [1 << i for i in range(31)]
    for n in range(total - 31):
        first.append(first[n + 3] ^ first[n])
        second.append(second[n + 3] ^ second[n + 2] ^ second[n + 1] ^ second[n])
    masks = np.array(second[GOLD_OFFSET:], np.int64)
    basis = (masks[None, :] >> np.arange(31)[:, None]) & 1
    x1 = np.array(first[GOLD_OFFSET:], np.float32)
    return torch.from_numpy(x1), torch.from_numpy(basis.astype(np.float32))


def gold(c_init: Tensor, length: int) -> Tensor:
    """The sequences c(n) of 36.211 clause 7.2 = 38.211 clause 5.2.1: (N,) initial states to
    float (N, ``length``) of 0 and 1."""
    x1, basis = _gold_basis()
    bits = ((c_init.long()[:, None] >> torch.arange(31)) & 1).float()
    return (bits @ basis[:, :length] + x1[:length]).remainder_(2.0)


def gold_qpsk(c_init: Tensor, count: int) -> Tensor:
    """Reference signals r(m) = (1 - 2c(2m) + j(1 - 2c(2m + 1))) / sqrt 2: complex64 (N, count)."""
    signs = gold(c_init, 2 * count).mul_(-(2**0.5)).add_(0.5**0.5)
    return torch.view_as_complex(signs.view(-1, count, 2))


def m_sequence(degree: int, taps: tuple[int, ...], start: tuple[int, ...]) -> np.ndarray:
    """x(i + degree) = sum of x(i + tap) mod 2 from x(0), x(1), ... = ``start``: one period as
    +1 and -1 (1 - 2x), float32."""
    x = list(start)
    for i in range(2**degree - 1 - degree):
        x.append(sum(x[i + t] for t in taps) % 2)
    return 1.0 - 2.0 * np.array(x, np.float32)


def zadoff_chu(root: int, length: int, count: int | None = None) -> Tensor:
    """exp(-j pi root n (n + 1) / length), extended cyclically to ``count``: complex64."""
    n = np.arange(count or length) % length
    phase = (root * n * (n + 1)) % (2 * length)
    return torch.from_numpy(np.exp(-1j * math.pi * phase / length).astype(np.complex64))


@lru_cache(maxsize=1024)
def base_sequence(group: int, length: int) -> Tensor:
    """The uplink's reference sequence of a group, sequence number 0 (36.211 clause 5.5.1 =
    38.211 clause 5.2.2.1). Lengths below 36, for which the standards print tables, get a
    Zadoff-Chu sequence of the same envelope instead."""
    prime = next(
        p for p in range(length - 1, 1, -1) if all(p % d for d in range(2, int(p**0.5) + 1))
    )
    q = math.floor(prime * (group + 1) / 31 + 0.5)
    return zadoff_chu(max(1, q % prime), prime, length)
