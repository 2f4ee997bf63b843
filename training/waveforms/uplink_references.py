# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference signals of phones: their sequences hop with slot and symbol, and differ from user to
user (36.211 clauses 5.4 and 5.5, 38.211 clauses 5.2.2, 6.3.2 and 6.4.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from .ofdm import RB_SUBCARRIERS
from .rng import Rng
from .sequences import base_sequence, gold

GROUPS = 30
CYCLIC_SHIFTS = 12
# Shifts that a grant can name, 36.211 table 5.5.2.1.1-1
GRANTED_SHIFTS = (0, 6, 3, 4, 2, 8, 10, 9)


@dataclass(frozen=True)
class Phone:
    """A user: ``gain`` (complex) of the way from it; ``identity`` and ``n_scid`` of its DMRS."""

    gain: complex
    identity: int
    n_scid: int


def draw_phones(count: int, cell_id: int, most_identity: int, rng: Rng) -> list[Phone]:
    """Users at all distances, each with the cell's identity or one of its own, up to
    ``most_identity``."""
    own = rng.chance(0.5)
    return [
        Phone(
            10 ** (float(rng.normal(1)) * 4 / 20) * unit(rng),
            rng.integer(0, most_identity) if own else cell_id,
            rng.integer(0, 1),
        )
        for _ in range(count)
    ]


def unit(rng: Rng) -> complex:
    """A random phase."""
    turn = rng.uniform(0, 2 * math.pi)
    return complex(math.cos(turn), math.sin(turn))


@lru_cache(maxsize=64)
def pattern(c_init: int, count: int) -> tuple[int, ...]:
    """Bytes of a scrambling sequence, by which groups and cyclic shifts hop: the n-th is the sum
    of c(8n + i) 2^i (36.211 clauses 5.4, 5.5.1.3, 5.5.2.1.1; 38.211 clause 6.3.2.2.2)."""
    bits = gold(torch.tensor([c_init]), 8 * count)[0].view(-1, 8)
    return tuple((bits @ (2.0 ** torch.arange(8))).long().tolist())


def group_of(cell_id: int, at: int, count: int, hopping: bool) -> int:
    """The sequence group in slot (LTE) or symbol (NR) ``at`` of ``count`` in a frame."""
    hop = pattern(cell_id // GROUPS, count)[at] if hopping else 0
    return (hop + cell_id) % GROUPS


def shifted_base(group: int, length: int, shift: int) -> Tensor:
    """A base sequence with a cyclic shift of twelfths (36.211 clause 5.5.1): (length,)."""
    base = base_sequence(group, length)
    turns = (torch.arange(length) * shift % CYCLIC_SHIFTS) * (2 * math.pi / CYCLIC_SHIFTS)
    return base * torch.polar(torch.ones(length), turns)


def lte_dmrs(cell_id: int, slot: int, length: int, granted: int, hopping: bool) -> Tensor:
    """PUSCH DMRS of half a millisecond, ``slot`` 0 to 19 (36.211 clause 5.5.2.1.1): (length,)."""
    group = group_of(cell_id, slot, 20, hopping)
    own = pattern(cell_id // GROUPS * 32 + cell_id % GROUPS, 140)[7 * slot]
    return shifted_base(group, length, granted + own)


def control_block(
    cell_id: int, first: int, frame: int, references: tuple[int, ...], spread: bool, rng: Rng
) -> Tensor:
    """PUCCH in seven symbols from symbol ``first`` of the ``frame`` symbols of a frame: complex64
    (7, 12). Each symbol is a sequence with its own cyclic shift, which carries data but for the
    ``references``; ``spread``: the same symbol throughout, with a code's signs (format 1)."""
    hops = pattern(cell_id, frame)
    shifts = [hops[first + i] for i in range(7)]
    group = cell_id % GROUPS
    block = torch.stack([shifted_base(group, RB_SUBCARRIERS, shift) for shift in shifts])
    data = rng.data((7,))
    if spread:
        data = data[0] * ((rng.tensor(7) > 0.5).float() * 2 - 1)
    data[list(references)] = 1.0
    return block * data[:, None]
