# SPDX-License-Identifier: GPL-3.0-or-later
"""NR downlink resource grids (3GPP TS 38.211 clause 7, 38.213): SSB, CORESET, PDSCH, CSI-RS."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ..ofdm import RB_SUBCARRIERS, Grid, sent_blocks, symbol_starts
from ..rng import Rng
from .allocation import fill
from .carrier import SLOT_SYMBOLS, SSB_BLOCKS, SSB_SYMBOLS, NrCarrier
from .sequences import csi_rs, pbch_dmrs, pss, sss
from .shared import put_control, put_data

# Gaps up to this many symbols inside a transmission still count as transmission.
CLOSED_GAP_SYMBOLS = 3
SSB_SUBCARRIERS = SSB_BLOCKS * RB_SUBCARRIERS


def build_grid(cell: NrCarrier, milliseconds: int, offset: int, time: float, rng: Rng) -> Grid:
    """Fill ``milliseconds`` of the carrier's grid; arguments as in :func:`.lte.build_grid`. At
    60 kHz the SS/PBCH blocks are in a grid of their own: :func:`build_grids`."""
    slots = milliseconds * cell.slots_per_ms
    blocks = cell.resource_blocks
    down = cell.downlink_symbols(slots)
    amplitude = torch.zeros(slots, SLOT_SYMBOLS, blocks * RB_SUBCARRIERS)
    # Data come after the control region, so that each element has one precoder.
    control_symbols = rng.choice((1, 2, 3), (0.5, 0.35, 0.15))
    sent = put_data(amplitude, cell, down, control_symbols, rng)
    sent += put_control(amplitude, cell, down, control_symbols, rng)
    occupied = amplitude.view(slots * SLOT_SYMBOLS, -1).amax(1) > 0
    values = torch.zeros(slots * SLOT_SYMBOLS, blocks * RB_SUBCARRIERS, dtype=torch.complex64)
    if bool(occupied.any()):
        symbols = rng.data((int(occupied.sum()), values.shape[1]), rng.choice((4, 16, 64, 256)))
        values[occupied] = amplitude.flatten(0, 1)[occupied] * symbols
    grid = values.view_as(amplitude)
    fill(grid, cell, sent, rng)
    _put_tracking(grid, cell, down, rng)
    _put_csi(grid, cell, down, rng)
    if cell.subcarrier_hz == cell.ssb_hz:
        _put_ssb(values, cell, milliseconds, rng)
    return _finish(values, cell.subcarrier_hz, milliseconds, offset, time)


def build_grids(
    cell: NrCarrier, milliseconds: int, offset: int, time: float, rng: Rng
) -> list[Grid]:
    """The carrier's grid and, where their spacings differ, that of its SS/PBCH blocks."""
    main = build_grid(cell, milliseconds, offset, time, rng)
    if cell.subcarrier_hz == cell.ssb_hz or not cell.ssb_beams:
        return [main]
    ratio = round(cell.subcarrier_hz / cell.ssb_hz)
    slots = milliseconds * round(cell.ssb_hz / 15e3)
    values = torch.zeros(
        slots * SLOT_SYMBOLS, cell.resource_blocks * ratio * RB_SUBCARRIERS, dtype=torch.complex64
    )
    _put_ssb(values, cell, milliseconds, rng)
    # Data keep clear of them (38.214 clause 5.1.4), as they do in one grid.
    sent = sent_blocks(values).unflatten(1, (-1, ratio)).any(2)
    taken = (sent.any(1)[:, None] & sent.any(0)).repeat_interleave(ratio, 0)
    kept = main.values.unflatten(1, (-1, RB_SUBCARRIERS)) * ~taken[..., None]
    main = _finish(kept.flatten(1), cell.subcarrier_hz, milliseconds, offset, time)
    return [main, _finish(values, cell.ssb_hz, milliseconds, offset * ratio, time)]


def _finish(values: Tensor, spacing: float, milliseconds: int, offset: int, time: float) -> Grid:
    return Grid(
        values=values,
        truth=truth_of_values(values),
        subcarrier_hz=spacing,
        starts=symbol_starts(2 * milliseconds * round(spacing / 15e3), spacing),
        offset=offset,
        time=time,
        dc_null=False,
    )


def truth_of_values(values: Tensor) -> Tensor:
    """What counts as sent of an NR grid: (symbols, subcarriers) to (symbols, blocks) bool."""
    return close_gaps(sent_blocks(values), CLOSED_GAP_SYMBOLS)


def close_gaps(sent: Tensor, most: int) -> Tensor:
    """Fill gaps of at most ``most`` symbols between two sent ones: (symbols, blocks) bool."""
    index = torch.arange(sent.shape[0])[:, None]
    far = sent.shape[0] + most + 1
    before = torch.where(sent, index, -far).cummax(0).values
    after = torch.where(sent, index, 2 * far).flip(0).cummin(0).values.flip(0)
    return after - before <= most + 1


def _put_tracking(grid: Tensor, cell: NrCarrier, down: Tensor, rng: Rng) -> None:
    """TRS (7.4.1.5, density 3): every fourth element, two symbols in each of two slots in a row."""
    if not cell.trs_period_slots:
        return
    symbol = rng.integer(4, 5)
    shift = rng.integer(0, 3)
    begin = rng.integer(0, cell.trs_period_slots - 1)
    frame = 10 * cell.slots_per_ms
    for i in range(grid.shape[0]):
        if (i - begin) % cell.trs_period_slots in (0, 1):
            for s in (symbol, symbol + 4):
                if down[i, s]:
                    row = grid[i, s, shift::4]
                    row[:] = csi_rs(cell.cell_id, torch.tensor([i % frame]), s, len(row))[0]


def _put_csi(grid: Tensor, cell: NrCarrier, down: Tensor, rng: Rng) -> None:
    """CSI-RS of two or four ports, density 1 (7.4.1.5.3): adjacent elements of each block, in
    pairs that carry the sequence with a sign of the sum of their ports."""
    if not cell.csi_period_slots:
        return
    ports, symbol = rng.choice((2, 4)), rng.integer(5, 13)
    first = 2 * rng.integer(0, 6 - ports // 2)
    begin = rng.integer(0, cell.csi_period_slots - 1)
    frame = 10 * cell.slots_per_ms
    for i in range(begin, grid.shape[0], cell.csi_period_slots):
        if down[i, symbol]:
            blocks = grid[i, symbol].view(-1, RB_SUBCARRIERS)
            r = csi_rs(cell.cell_id, torch.tensor([i % frame]), symbol, 2 * blocks.shape[0])
            pairs = r.view(-1, 2)
            for k in range(first, first + ports, 2):
                blocks[:, k : k + 2] = pairs


@lru_cache(maxsize=16)
def _ssb_masks(cell_id: int) -> tuple[Tensor, Tensor]:
    """Elements of the PBCH and of its DMRS in a block (7.4.3.1): (4, 240) bool each."""
    pbch = torch.zeros(SSB_SYMBOLS, SSB_SUBCARRIERS, dtype=torch.bool)
    pbch[1] = pbch[3] = True
    pbch[2, :48] = pbch[2, 192:] = True
    comb = torch.arange(SSB_SUBCARRIERS) % 4 == cell_id % 4
    return pbch, pbch & comb


def ss_block(cell_id: int, index: int, rng: Rng) -> Tensor:
    """An SS/PBCH block (7.4.3.1): complex64 (4, 240); ``index`` as in :func:`pbch_dmrs`."""
    pbch, reference = _ssb_masks(cell_id)
    block = torch.where(pbch, rng.data((SSB_SYMBOLS, SSB_SUBCARRIERS)), 0)
    block[reference] = pbch_dmrs(cell_id, index)
    block[0, 56:183] = pss(cell_id % 3)
    block[2, 56:183] = sss(cell_id)
    return block


def _put_ssb(values: Tensor, cell: NrCarrier, milliseconds: int, rng: Rng) -> None:
    """SS/PBCH blocks: 20 resource blocks x 4 symbols at the candidate places of 38.213 clause 4.1.
    Beams arrive with different strengths. (symbols, subcarriers)."""
    if not cell.ssb_beams:
        return
    gains = 10.0 ** (-rng.tensor(cell.ssb_beams) * rng.uniform(0, 10) / 20)
    level = 10.0 ** (cell.ssb_boost_db / 20)
    low = cell.ssb_block * RB_SUBCARRIERS + cell.ssb_shift
    band = slice(low, low + SSB_SUBCARRIERS)
    half_frame = 5 * round(cell.ssb_hz / 15e3) * SLOT_SYMBOLS
    few = cell.ssb_beams <= 4
    for half in range(-(-milliseconds // 5)):
        if (half - cell.ssb_half_frame) % (cell.ssb_period_ms // 5):
            continue
        for beam, start in enumerate(cell.ssb_symbols()):
            symbol = half * half_frame + start
            if symbol + SSB_SYMBOLS <= values.shape[0]:
                index = beam % 4 + 4 * (half % 2) if few else beam
                block = ss_block(cell.cell_id, index, rng)
                values[symbol : symbol + SSB_SYMBOLS, band] = block * (level * gains[beam])
