# SPDX-License-Identifier: GPL-3.0-or-later
"""NR's PDSCH and PDCCH with the places of their DMRS (38.211 clauses 7.3 and 7.4.1)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..ofdm import RB_SUBCARRIERS
from ..rng import Rng
from .carrier import NrCarrier

# Subcarriers of a block that one CDM group's DMRS take, 38.211 table 7.4.1.1.2-1 and -2
DMRS_COMBS = {1: (0, 2, 4, 6, 8, 10), 2: (0, 1, 6, 7)}
PDCCH_COMB = (1, 5, 9)
DMRS_BOOST = 2**0.5
Place = tuple[int, int, int, int, tuple[int, ...], float]


def dmrs_symbols(first: int, end: int, added: int) -> tuple[int, ...]:
    """Symbols with PDSCH DMRS in a slot, mapping type A, single symbol (7.4.1.1.2-3); ``end``:
    one after the allocation's last symbol."""
    if end >= 13:
        more = ((), (11,), (7, 11), (5, 8, 11))[added]
    elif end >= 10:
        more = ((), (9,), (6, 9), (6, 9))[added]
    elif end >= 8:
        more = ((), (7,), (7,), (7,))[added]
    else:
        more = ()
    return (max(2, first), *more)


def put_data(amplitude: Tensor, cell: NrCarrier, down: Tensor, rng: Rng) -> list[Place]:
    """PDSCH: in busy slots one to three users, each with a run of blocks and of symbols.
    ``amplitude``: (slots, 14, subcarriers), filled; returns the DMRS' places. A DMRS symbol has
    every second element (type 1) or four of twelve (type 2), boosted by 3 dB, with or without
    data between."""
    places: list[Place] = []
    slots, blocks = amplitude.shape[0], cell.resource_blocks
    if cell.sib1 and cell.ssb_beams and cell.load < 1.0:
        places += _system_information(amplitude, cell, down, rng)
    if cell.load == 0.0:
        return places
    full = cell.load == 1.0
    busy = torch.zeros(slots) if full else rng.walk(slots, 0.0, 1.0, rng.uniform(0.1, 0.7))
    widest = cell.widest_user or blocks
    first = rng.integer(1, 2)
    clear = rng.chance(0.5)
    usable_of = down.sum(1).tolist()
    for i in (busy <= cell.load).nonzero().ravel().tolist():
        usable = usable_of[i]
        if usable <= first + 1:
            continue
        for _ in range(1 if full else rng.integer(1, 3)):
            whole = widest == blocks and (full or rng.chance(0.35))
            width = blocks if whole else rng.integer(1, widest)
            low = 0 if whole else rng.integer(0, blocks - width)
            end = usable if rng.chance(0.8) else rng.integer(first + 1, usable)
            level = 10.0 ** (rng.uniform(-2, 2) / 20)
            places += _allocate(amplitude, cell, i, first, end, low, low + width, level, clear)
    return places


def _allocate(amplitude, cell, slot, first, end, low, high, level, clear) -> list[Place]:
    band = slice(low * RB_SUBCARRIERS, high * RB_SUBCARRIERS)
    amplitude[slot, first:end, band] = level
    comb = DMRS_COMBS[cell.dmrs_type]
    places = []
    for symbol in dmrs_symbols(first, end, cell.dmrs_added):
        if first <= symbol < end:
            if clear:
                amplitude[slot, symbol, band] = 0.0
            # The sequence replaces these values; until then they only mark the place as sent.
            amplitude[slot, symbol, band].view(-1, RB_SUBCARRIERS)[:, 0] = level
            places.append((slot, symbol, low, high, comb, level * DMRS_BOOST))
    return places


def _system_information(amplitude, cell, down, rng) -> list[Place]:
    """SIB1: PDCCH in CORESET 0 and a PDSCH of some blocks, every 20 ms (38.213 clause 13)."""
    places: list[Place] = []
    blocks = cell.resource_blocks
    width = min(blocks, rng.integer(4, 24))
    low = min(cell.ssb_block * (1 if cell.subcarrier_hz == cell.ssb_hz else 0), blocks - width)
    begin = rng.integer(0, 9)
    for beam in range(cell.ssb_beams):
        for slot in range(begin + beam, amplitude.shape[0], 20 * cell.slots_per_ms):
            usable = int(down[slot].sum())
            if usable > 5:
                places += _allocate(amplitude, cell, slot, 2, usable, low, low + width, 1.0, False)
    return places


def put_control(amplitude: Tensor, cell: NrCarrier, down: Tensor, rng: Rng) -> list[Place]:
    """PDCCH: aggregated control channel elements (six blocks by one symbol) in a CORESET of one
    to three symbols at the head of some slots; every block's elements 1, 5 and 9 are DMRS."""
    slots, _, count = amplitude.shape
    blocks = count // RB_SUBCARRIERS
    width = min(blocks, rng.choice((24, 48, 96, 270))) // 6 * 6
    if width < 6:
        return []
    low = rng.integer(0, blocks - width)
    symbols = rng.choice((1, 2, 3), (0.5, 0.35, 0.15))
    share = rng.uniform(0.1, 1.0)
    on = rng.tensor(slots, width // 6) < share
    on &= (rng.tensor(slots) < cell.control_load * max(cell.load, 0.1))[:, None]
    on &= down[:, :1]
    if not bool(on.any()):
        return []
    elements = on.float().repeat_interleave(6 * RB_SUBCARRIERS, 1)
    band = slice(low * RB_SUBCARRIERS, low * RB_SUBCARRIERS + elements.shape[1])
    for symbol in range(symbols):
        held = amplitude[:, symbol, band]
        amplitude[:, symbol, band] = torch.maximum(held, elements)
    places: list[Place] = []
    for slot in on.any(1).nonzero().ravel().tolist():
        edge = torch.zeros(1, dtype=torch.int32)
        runs = on[slot].int().diff(prepend=edge, append=edge)
        begins = (runs == 1).nonzero().ravel().tolist()
        ends = (runs == -1).nonzero().ravel().tolist()
        for a, b in zip(begins, ends, strict=True):
            for symbol in range(symbols):
                places.append((slot, symbol, low + 6 * a, low + 6 * b, PDCCH_COMB, 1.0))
    return places
