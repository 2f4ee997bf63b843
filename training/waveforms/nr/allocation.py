# SPDX-License-Identifier: GPL-3.0-or-later
"""What one transmission to one user holds of an NR slot: its precoder and its DMRS (38.211 clauses
7.3.1.4, 7.4.1.1 and 7.4.1.3; 38.214 clause 5.1.2.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ofdm import RB_SUBCARRIERS
from ..rng import Rng
from .carrier import NrCarrier
from .sequences import slot_reference

# How far one group of blocks is stronger or weaker than the next (dB, standard deviation)
PRECODER_SPREAD_DB = 1.0


@dataclass(frozen=True)
class User:
    """Whom a transmission is for: its DMRS' scrambling ``identity`` (0 to 65535) and ``n_scid``."""

    identity: int
    n_scid: int = 0


@dataclass(frozen=True)
class Allocation:
    """Symbols ``first`` to ``end`` and resource blocks ``low`` to ``high`` (exclusive) of a
    ``slot`` for a ``user``: data of amplitude ``level``; DMRS, ``boost`` times as strong, in the
    symbols ``references`` on the subcarriers ``comb`` of each block; every ``group`` blocks have
    a precoder of their own."""

    slot: int
    first: int
    end: int
    low: int
    high: int
    user: User
    references: tuple[int, ...]
    comb: tuple[int, ...]
    level: float
    boost: float
    group: int


def fill(grid: Tensor, cell: NrCarrier, allocations: Sequence[Allocation], rng: Rng) -> None:
    """Put the DMRS of ``allocations`` into complex64 (slots, 14, subcarriers) that holds data, and
    send both through the same precoders.

    A precoder changes from user to user, from slot to slot and from one group of blocks to the
    next; what a receiver at one place hears of it is a gain. So data's reference signals, whose
    sequence repeats with the radio frame, do not repeat on the air as LTE's do.
    """
    _put_references(grid, cell, allocations)
    for group in {a.group for a in allocations}:
        members = [a for a in allocations if a.group == group]
        widest = max(a.high - a.low for a in members)
        gains = _precoders(len(members), widest, group, rng)
        for a, gain in zip(members, gains, strict=True):
            band = slice(a.low * RB_SUBCARRIERS, a.high * RB_SUBCARRIERS)
            part = grid[a.slot, a.first : a.end, band].unflatten(1, (-1, RB_SUBCARRIERS))
            part *= gain[: a.high - a.low, None]


def _precoders(count: int, blocks: int, group: int, rng: Rng) -> Tensor:
    """complex64 (count, blocks): a gain of random phase for each ``group`` of blocks."""
    groups = -(-blocks // group)
    size = 10.0 ** (rng.normal(count, groups) * PRECODER_SPREAD_DB / 20)
    gains = torch.polar(size, rng.tensor(count, groups) * (2 * math.pi))
    return gains.repeat_interleave(group, 1)


def _put_references(grid: Tensor, cell: NrCarrier, allocations: Sequence[Allocation]) -> None:
    """The sequence counts from the carrier's first block and depends on slot and symbol."""
    by_symbol: dict[tuple[int, tuple[int, ...]], list[Allocation]] = {}
    for a in allocations:
        for symbol in a.references:
            by_symbol.setdefault((symbol, a.comb), []).append(a)
    frame = 10 * cell.slots_per_ms
    for (symbol, comb), members in by_symbol.items():
        keys = sorted({_key(a, frame) for a in members})
        slots, identities, n_scids = (torch.tensor(column) for column in zip(*keys, strict=True))
        count = cell.resource_blocks * len(comb)
        r = slot_reference(identities, slots, symbol, count, n_scids)
        row = dict(zip(keys, r.unflatten(1, (-1, len(comb))), strict=True))
        for a in members:
            band = slice(a.low * RB_SUBCARRIERS, a.high * RB_SUBCARRIERS)
            block = grid[a.slot, symbol, band].view(-1, RB_SUBCARRIERS)
            sequence = row[_key(a, frame)][a.low : a.high] * (a.level * a.boost)
            for i, k in enumerate(comb):
                block[:, k] = sequence[:, i]


def _key(a: Allocation, frame: int) -> tuple[int, int, int]:
    return a.slot % frame, a.user.identity, a.user.n_scid
