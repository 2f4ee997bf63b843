# SPDX-License-Identifier: GPL-3.0-or-later
"""NR's PDSCH and PDCCH: who is sent what, where (38.211 clause 7.3, 38.214 clause 5.1)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from ..ofdm import RB_SUBCARRIERS
from ..rng import Rng
from .allocation import Allocation, User
from .carrier import NrCarrier

# Subcarriers of a block that one CDM group's DMRS take, 38.211 table 7.4.1.1.2-1 and -2
DMRS_COMBS = {1: (0, 2, 4, 6, 8, 10), 2: (0, 1, 6, 7)}
PDCCH_COMB = (1, 5, 9)
DMRS_BOOST = 2**0.5
# Resource blocks of a control channel element of one symbol (7.3.2.2)
CCE_BLOCKS = 6
# As many blocks as no carrier has: one precoder for a whole allocation
WIDEBAND = 300
MOST_IDENTITY = 65535


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


def draw_users(cell: NrCarrier, rng: Rng) -> list[User]:
    """Those that a cell serves: with identities of their own, or the cell's where none is
    configured (7.4.1.1.1), and either value of n_SCID."""
    own = rng.chance(0.75)
    return [
        User(rng.integer(0, MOST_IDENTITY) if own else cell.cell_id, rng.integer(0, 1))
        for _ in range(rng.integer(6, 24))
    ]


def put_data(
    amplitude: Tensor, cell: NrCarrier, down: Tensor, first: int, rng: Rng
) -> list[Allocation]:
    """PDSCH: in busy slots one to three users side by side, each with a run of blocks and of
    symbols from ``first`` on. ``amplitude``: (slots, 14, subcarriers), filled. A DMRS symbol has
    every second element (type 1) or four of twelve (type 2), boosted by 3 dB, with or without
    data between."""
    out: list[Allocation] = []
    slots, blocks = amplitude.shape[0], cell.resource_blocks
    if cell.sib1 and cell.ssb_beams and cell.load < 1.0:
        out += _system_information(amplitude, cell, down, rng)
    if cell.load == 0.0:
        return out
    full = cell.load == 1.0
    busy = torch.zeros(slots) if full else rng.walk(slots, 0.0, 1.0, rng.uniform(0.1, 0.7))
    busy[[a.slot for a in out]] = 2.0
    widest = min(cell.widest_user or blocks, blocks)
    clear = rng.chance(0.5)
    users = draw_users(cell, rng)
    group = rng.choice((2, 4, WIDEBAND), (0.5, 0.4, 0.1))
    usable_of = down.sum(1).tolist()
    for i in (busy <= cell.load).nonzero().ravel().tolist():
        usable = usable_of[i]
        if usable <= first + 1:
            continue
        for low, high in _shares(blocks, widest, full, rng):
            end = usable if full or rng.chance(0.8) else rng.integer(first + 1, usable)
            level = 10.0 ** (rng.uniform(-2, 2) / 20)
            user = rng.choice(users)
            a = _data(cell, i, first, end, low, high, user, level, group)
            out.append(_mark(amplitude, a, clear))
    return out


def _shares(blocks: int, widest: int, full: bool, rng: Rng) -> list[tuple[int, int]]:
    """Blocks of a slot's users, side by side: (low, high) of each."""
    if widest == blocks and (full or rng.chance(0.35)):
        users = rng.integer(1, 3)
        cuts = sorted({0, blocks, *(rng.integer(0, blocks) for _ in range(users - 1))})
        return list(itertools.pairwise(cuts))
    shares, low = [], 0
    for left in range(rng.integer(1, 3), 0, -1):
        room = blocks - low
        if room < 1:
            break
        width = rng.integer(1, max(1, min(widest, room)))
        # As much to the left as lets the others in
        low += rng.integer(0, (room - width) // left)
        shares.append((low, low + width))
        low += width
    return shares


def _mark(amplitude: Tensor, a: Allocation, clear: bool) -> Allocation:
    """Fill the allocation's places; ``clear``: no data in its DMRS' symbols."""
    band = slice(a.low * RB_SUBCARRIERS, a.high * RB_SUBCARRIERS)
    amplitude[a.slot, a.first : a.end, band] = a.level
    for symbol in a.references:
        if clear:
            amplitude[a.slot, symbol, band] = 0.0
        # The sequence replaces these values; until then they only mark the place as sent.
        amplitude[a.slot, symbol, band].view(-1, RB_SUBCARRIERS)[:, 0] = a.level
    return a


def _data(cell: NrCarrier, slot, first, end, low, high, user, level, group) -> Allocation:
    """A PDSCH."""
    symbols = dmrs_symbols(first, end, cell.dmrs_added)
    return Allocation(
        slot=slot,
        first=first,
        end=end,
        low=low,
        high=high,
        user=user,
        references=tuple(s for s in symbols if first <= s < end),
        comb=DMRS_COMBS[cell.dmrs_type],
        level=level,
        boost=DMRS_BOOST,
        group=group,
    )


def _system_information(amplitude, cell: NrCarrier, down: Tensor, rng: Rng) -> list[Allocation]:
    """SIB1: a PDSCH of some blocks, every 20 ms for each beam (38.213 clause 13)."""
    out: list[Allocation] = []
    blocks = cell.resource_blocks
    width = min(blocks, rng.integer(4, 24))
    low = min(cell.ssb_block * (1 if cell.subcarrier_hz == cell.ssb_hz else 0), blocks - width)
    begin = rng.integer(0, 9)
    for beam in range(cell.ssb_beams):
        for slot in range(begin + beam, amplitude.shape[0], 20 * cell.slots_per_ms):
            end = int(down[slot].sum())
            if end > 5:
                user = User(cell.cell_id)
                a = _data(cell, slot, 2, end, low, low + width, user, 1.0, WIDEBAND)
                out.append(_mark(amplitude, a, False))
    return out


def put_control(
    amplitude: Tensor, cell: NrCarrier, down: Tensor, symbols: int, rng: Rng
) -> list[Allocation]:
    """PDCCH: aggregated control channel elements in a CORESET of ``symbols`` at the head of some
    slots; every block's elements 1, 5 and 9 are DMRS, each element has its own precoder."""
    slots, _, count = amplitude.shape
    blocks = count // RB_SUBCARRIERS
    width = min(blocks, rng.choice((24, 48, 96, 270))) // CCE_BLOCKS * CCE_BLOCKS
    if width < CCE_BLOCKS:
        return []
    low = rng.integer(0, blocks - width)
    share = rng.uniform(0.1, 1.0)
    on = rng.tensor(slots, width // CCE_BLOCKS) < share
    on &= (rng.tensor(slots) < cell.control_load * max(cell.load, 0.1))[:, None]
    on &= down[:, :1]
    user = User(rng.choice((cell.cell_id, rng.integer(0, MOST_IDENTITY))))
    out: list[Allocation] = []
    for slot in on.any(1).nonzero().ravel().tolist():
        edge = torch.zeros(1, dtype=torch.int32)
        runs = on[slot].int().diff(prepend=edge, append=edge)
        begins = (runs == 1).nonzero().ravel().tolist()
        ends = (runs == -1).nonzero().ravel().tolist()
        for a, b in zip(begins, ends, strict=True):
            element = Allocation(
                slot=slot,
                first=0,
                end=symbols,
                low=low + CCE_BLOCKS * a,
                high=low + CCE_BLOCKS * b,
                user=user,
                references=tuple(range(symbols)),
                comb=PDCCH_COMB,
                level=1.0,
                boost=1.0,
                group=CCE_BLOCKS,
            )
            band = slice(element.low * RB_SUBCARRIERS, element.high * RB_SUBCARRIERS)
            amplitude[slot, :symbols, band] = 1.0
            out.append(element)
    return out
