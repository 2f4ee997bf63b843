# SPDX-License-Identifier: GPL-3.0-or-later
"""NR downlink resource grids (3GPP TS 38.211, 38.213): SSB, CORESET, PDSCH, TRS."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .ofdm import RB_SUBCARRIERS, Grid, symbol_starts
from .rng import Rng

# Resource blocks by (subcarrier spacing, bandwidth), 38.104 table 5.3.2-1
RESOURCE_BLOCKS = {
    15e3: {5e6: 25, 10e6: 52, 15e6: 79, 20e6: 106, 25e6: 133, 30e6: 160, 40e6: 216, 50e6: 270},
    30e3: {
        5e6: 11,
        10e6: 24,
        15e6: 38,
        20e6: 51,
        25e6: 65,
        30e6: 78,
        40e6: 106,
        50e6: 133,
        60e6: 162,
        80e6: 217,
        100e6: 273,
    },
    60e3: {10e6: 11, 20e6: 24, 40e6: 51, 60e6: 79, 100e6: 135},
}
SSB_BLOCKS = 20
SSB_SYMBOLS = 4
SLOT_SYMBOLS = 14
# Gaps up to this many symbols inside a transmission still count as transmission.
CLOSED_GAP_SYMBOLS = 3
TDD_PATTERNS = ("DDDSU", "DDDDDDDSUU", "DDSUU", "DDDSUDDSUU", "DSUUU")


@dataclass(frozen=True)
class NrCarrier:
    """One downlink carrier. ``tdd``: a slot pattern, or None for FDD. ``widest_user``: the most
    resource blocks that one user is given."""

    resource_blocks: int
    subcarrier_hz: float
    tdd: str | None
    ssb_beams: int
    ssb_period_ms: int
    ssb_block: int
    load: float
    control_load: float
    trs_period_slots: int
    ssb_boost_db: float
    widest_user: int


def draw_carrier(rng: Rng, bandwidth: float) -> NrCarrier:
    """A random carrier of ``bandwidth`` (Hz); the spacing is one that has this bandwidth."""
    spacings = [s for s in (15e3, 30e3, 60e3) if bandwidth in RESOURCE_BLOCKS[s]]
    spacing = rng.choice(spacings, [{15e3: 0.5, 30e3: 0.6, 60e3: 0.05}[s] for s in spacings])
    blocks = RESOURCE_BLOCKS[spacing][bandwidth]
    return NrCarrier(
        resource_blocks=blocks,
        subcarrier_hz=spacing,
        tdd=rng.choice(TDD_PATTERNS) if rng.chance(0.55 if spacing > 15e3 else 0.15) else None,
        ssb_beams=rng.choice((1, 2, 4, 8), (0.5, 0.15, 0.15, 0.2)) if blocks >= SSB_BLOCKS else 0,
        ssb_period_ms=rng.choice((5, 10, 20, 40), (0.15, 0.2, 0.6, 0.05)),
        ssb_block=rng.integer(0, max(0, blocks - SSB_BLOCKS)),
        load=rng.choice(
            (0.0, rng.uniform(0, 0.3), rng.uniform(0.3, 1), 1.0), (0.25, 0.3, 0.3, 0.15)
        ),
        control_load=rng.uniform(0.0, 1.0),
        trs_period_slots=rng.choice((0, 20, 40, 80), (0.4, 0.2, 0.2, 0.2)),
        ssb_boost_db=rng.choice((0.0, 3.0, 6.0), (0.6, 0.3, 0.1)),
        widest_user=blocks if rng.chance(0.7) else rng.integer(1, min(12, blocks)),
    )


def build_grid(cell: NrCarrier, milliseconds: int, offset: int, time: float, rng: Rng) -> Grid:
    """Fill ``milliseconds`` of the carrier's grid; arguments as in :func:`.lte.build_grid`."""
    per_ms = round(cell.subcarrier_hz / 15e3)
    slots = milliseconds * per_ms
    blocks = cell.resource_blocks
    grid = torch.zeros(slots, SLOT_SYMBOLS, blocks * RB_SUBCARRIERS)
    down = _downlink_symbols(cell, slots)
    _put_data(grid, cell, down, rng)
    _put_control(grid, cell, down, rng)
    _put_tracking(grid, cell, down, rng)
    _put_ssb(grid, cell, per_ms, rng)
    flat = grid.flatten(0, 1)
    sent = flat.unflatten(1, (blocks, RB_SUBCARRIERS)).amax(2) > 0
    return Grid(
        amplitude=flat,
        truth=close_gaps(sent, CLOSED_GAP_SYMBOLS),
        subcarrier_hz=cell.subcarrier_hz,
        starts=symbol_starts(2 * slots, cell.subcarrier_hz),
        offset=offset,
        time=time,
        dc_null=False,
    )


def close_gaps(sent: Tensor, most: int) -> Tensor:
    """Fill gaps of at most ``most`` symbols between two sent ones: (symbols, blocks) bool."""
    index = torch.arange(sent.shape[0])[:, None]
    far = sent.shape[0] + most + 1
    before = torch.where(sent, index, -far).cummax(0).values
    after = torch.where(sent, index, 2 * far).flip(0).cummin(0).values.flip(0)
    return after - before <= most + 1


def _downlink_symbols(cell: NrCarrier, slots: int) -> Tensor:
    """(slots, 14) bool: symbols that the base station may use."""
    down = torch.ones(slots, SLOT_SYMBOLS, dtype=torch.bool)
    if cell.tdd is not None:
        for i in range(slots):
            kind = cell.tdd[i % len(cell.tdd)]
            if kind == "U":
                down[i] = False
            elif kind == "S":
                down[i, 10:] = False
    return down


def _put_data(grid: Tensor, cell: NrCarrier, down: Tensor, rng: Rng) -> None:
    """PDSCH: in busy slots one to three users, each with a run of blocks and of symbols; a DMRS
    symbol has every second element, boosted by 3 dB, with or without data between."""
    slots = grid.shape[0]
    if cell.load == 0.0:
        return
    busy = (
        rng.walk(slots, 0.0, 1.0, rng.uniform(0.1, 0.7)) if cell.load < 1.0 else torch.zeros(slots)
    )
    blocks = cell.resource_blocks
    first = rng.integer(1, 2)
    for i in range(slots):
        usable = int(down[i].sum())
        if usable <= first + 1 or float(busy[i]) > cell.load:
            continue
        users = 1 if cell.load == 1.0 else rng.integer(1, 3)
        for _ in range(users):
            whole = (rng.chance(0.35) or cell.load == 1.0) and cell.widest_user == blocks
            width = blocks if whole else rng.integer(1, cell.widest_user)
            low = 0 if whole else rng.integer(0, blocks - width)
            end = usable if rng.chance(0.8) else rng.integer(first + 1, usable)
            span = slice(low * RB_SUBCARRIERS, (low + width) * RB_SUBCARRIERS)
            level = 10.0 ** (rng.uniform(-2, 2) / 20)
            grid[i, first:end, span] = level
            dmrs = 2 if first <= 2 < end else first
            grid[i, dmrs, span] = 0.0 if rng.chance(0.5) else level
            grid[i, dmrs, span][::2] = level * 1.41


def _put_control(grid: Tensor, cell: NrCarrier, down: Tensor, rng: Rng) -> None:
    """PDCCH: aggregated control channel elements (six blocks by one symbol) in a CORESET of one
    to three symbols at the head of some slots."""
    slots, _, count = grid.shape
    blocks = count // RB_SUBCARRIERS
    width = min(blocks, rng.choice((24, 48, 96, 270))) // 6 * 6
    if width < 6:
        return
    low = rng.integer(0, blocks - width) * RB_SUBCARRIERS
    symbols = rng.integer(1, 2)
    share = rng.uniform(0.1, 1.0)
    on = rng.tensor(slots, width // 6) < share
    on &= (rng.tensor(slots) < cell.control_load * max(cell.load, 0.1))[:, None]
    on &= down[:, :1]
    elements = on.float().repeat_interleave(6 * RB_SUBCARRIERS, 1)
    band = slice(low, low + elements.shape[1])
    for symbol in range(symbols):
        grid[:, symbol, band] = torch.maximum(grid[:, symbol, band], elements)


def _put_tracking(grid: Tensor, cell: NrCarrier, down: Tensor, rng: Rng) -> None:
    """TRS: every fourth element, two symbols in each of two slots in a row."""
    if not cell.trs_period_slots:
        return
    symbol = rng.integer(4, 5)
    shift = rng.integer(0, 3)
    begin = rng.integer(0, cell.trs_period_slots - 1)
    for i in range(grid.shape[0]):
        if (i - begin) % cell.trs_period_slots in (0, 1):
            for s in (symbol, symbol + 4):
                if down[i, s]:
                    grid[i, s, shift::4] = grid[i, s, shift::4].clamp_min(1.0)


def _put_ssb(grid: Tensor, cell: NrCarrier, slots_per_ms: int, rng: Rng) -> None:
    """SS/PBCH blocks: 20 blocks x 4 symbols at the candidate starts of 38.213 clause 4.1, cases A
    and C (symbols 2 and 8 of each slot). Beams arrive with different strengths."""
    if not cell.ssb_beams:
        return
    gains = 10.0 ** (-rng.tensor(cell.ssb_beams) * rng.uniform(0, 10) / 20)
    level = 10.0 ** (cell.ssb_boost_db / 20)
    low = cell.ssb_block * RB_SUBCARRIERS
    band = slice(low, low + SSB_BLOCKS * RB_SUBCARRIERS)
    flat = grid.view(-1, grid.shape[2])
    block = torch.full((SSB_SYMBOLS, SSB_BLOCKS * RB_SUBCARRIERS), level)
    block[0] = 0.0  # PSS: the middle 127 elements only
    block[0, 56:183] = level
    block[2, 48:56] = 0.0  # guards around the SSS
    block[2, 183:192] = 0.0
    period = cell.ssb_period_ms * slots_per_ms * SLOT_SYMBOLS
    for start in range(0, flat.shape[0], period):
        for beam in range(cell.ssb_beams):
            symbol = start + (beam // 2) * SLOT_SYMBOLS + (2, 8)[beam % 2]
            if symbol + SSB_SYMBOLS <= flat.shape[0]:
                flat[symbol : symbol + SSB_SYMBOLS, band] = block * gains[beam]
