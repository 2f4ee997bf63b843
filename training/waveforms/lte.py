# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE downlink resource grids (3GPP TS 36.211): which resource elements are sent, how strongly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .ofdm import RB_SUBCARRIERS, Grid, symbol_starts
from .rng import Rng

SUBCARRIER_HZ = 15e3
RESOURCE_BLOCKS = {1.4e6: 6, 3e6: 15, 5e6: 25, 10e6: 50, 15e6: 75, 20e6: 100}
# Uplink-downlink configurations, 36.211 table 4.2-2
TDD_SUBFRAMES = (
    "DSUUUDSUUU",
    "DSUUDDSUUD",
    "DSUDDDSUDD",
    "DSUUUDDDDD",
    "DSUUDDDDDD",
    "DSUDDDDDDD",
    "DSUUUDSUUD",
)
# DwPTS symbols of the special subframe configurations 0-8, normal prefix, 36.211 table 4.2-1
DWPTS_SYMBOLS = (3, 9, 10, 11, 12, 3, 9, 10, 11)
FRAME_SUBFRAMES = 10


@dataclass(frozen=True)
class LteCarrier:
    """One downlink carrier. ``tdd``: an uplink-downlink configuration, or None for FDD."""

    resource_blocks: int
    tdd: int | None
    special: int
    ports: int
    cell_id: int
    load: float
    control_load: float
    crs_boost_db: float


def draw_carrier(rng: Rng, bandwidth: float) -> LteCarrier:
    """A random carrier of a bandwidth in :data:`RESOURCE_BLOCKS`."""
    return LteCarrier(
        resource_blocks=RESOURCE_BLOCKS[bandwidth],
        tdd=rng.choice((1, 2, 2, 2, 0, 3, 4, 5, 6)) if rng.chance(0.4) else None,
        special=rng.choice((5, 6, 7, 7, 7, 4, 0, 3)),
        ports=rng.choice((1, 2, 4), (0.25, 0.55, 0.2)),
        cell_id=rng.integer(0, 503),
        load=rng.choice(
            (0.0, rng.uniform(0, 0.3), rng.uniform(0.3, 1), 1.0), (0.25, 0.4, 0.2, 0.15)
        ),
        control_load=rng.uniform(0.05, 1.0),
        crs_boost_db=rng.choice((0.0, 3.0, 6.0), (0.4, 0.5, 0.1)),
    )


def build_grid(cell: LteCarrier, subframes: int, offset: int, time: float, rng: Rng) -> Grid:
    """Fill ``subframes`` ms of the carrier's grid.

    ``offset``: centre from the span's, in subcarriers; ``time``: where the span starts, seconds.
    """
    rb = cell.resource_blocks
    grid = torch.zeros(subframes, 14, rb * RB_SUBCARRIERS)
    sent = _symbols_sent(cell, subframes)
    _put_data(grid, cell, rng)
    _put_control(grid, cell, rng)
    _put_reference(grid, cell)
    grid *= sent[:, :, None]
    _put_synchronisation(grid, cell, sent)
    # A resource block counts as sent for a whole slot if any element of it is; the special
    # subframe's downlink part counts symbol by symbol.
    truth = sent[:, :, None].expand(-1, -1, rb)
    return Grid(
        amplitude=grid.flatten(0, 1),
        truth=truth.reshape(-1, rb),
        subcarrier_hz=SUBCARRIER_HZ,
        starts=symbol_starts(2 * subframes, SUBCARRIER_HZ),
        offset=offset,
        time=time,
        dc_null=True,
    )


def _symbols_sent(cell: LteCarrier, subframes: int) -> Tensor:
    """(subframes, 14) bool: the base station transmits."""
    sent = torch.ones(subframes, 14, dtype=torch.bool)
    if cell.tdd is None:
        return sent
    for i in range(subframes):
        kind = TDD_SUBFRAMES[cell.tdd][i % FRAME_SUBFRAMES]
        if kind == "U":
            sent[i] = False
        elif kind == "S":
            sent[i, DWPTS_SYMBOLS[cell.special] :] = False
    return sent


def _put_data(grid: Tensor, cell: LteCarrier, rng: Rng) -> None:
    """PDSCH: resource block groups on or off in each subframe, each with its own power; the load
    comes in bursts of some milliseconds."""
    subframes, _, count = grid.shape
    rb = count // RB_SUBCARRIERS
    group = max(1, min(4, rb // 12))
    groups = -(-rb // group)
    if cell.load in (0.0, 1.0):
        load = torch.full((subframes,), cell.load)
    else:
        load = rng.walk(subframes, 0.0, 1.0, rng.uniform(0.05, 0.6))
        load = (load * cell.load / load.mean().clamp_min(0.05)).clamp_max(1.0)
    # Allocations are runs of groups, not salt and pepper: a slow random profile is cut at a level.
    profile = rng.tensor(subframes, groups)
    if rng.chance(0.7):
        profile = (profile + profile.roll(1, 1) + profile.roll(2, 1)) / 3
        rank = profile.argsort(1).argsort(1).float() / groups
        profile = rank + 0.5 / groups
    on = (profile < load[:, None]).float()
    level = 10.0 ** (rng.choice((-3.0, 0.0, 0.0, 1.8)) / 20)
    spread = 10.0 ** (rng.normal(subframes, groups) * rng.uniform(0, 2) / 20)
    on = (on * level * spread).repeat_interleave(group * RB_SUBCARRIERS, 1)[:, :count]
    grid[:] = on[:, None, :]


def _put_control(grid: Tensor, cell: LteCarrier, rng: Rng) -> None:
    """PCFICH, PHICH and PDCCH: the first symbols, in groups of four elements (REG)."""
    subframes, _, count = grid.shape
    most = 3 if count > 10 * RB_SUBCARRIERS else 4
    symbols = rng.integer(1, most)
    groups = count // 4
    for symbol in range(symbols):
        used = cell.control_load if symbol else max(cell.control_load, 0.15)
        busy = used * rng.walk(subframes, 0.2, 1.0, 0.5)
        on = (rng.tensor(subframes, groups) < busy[:, None]).float()
        grid[:, symbol] = on.repeat_interleave(4, 1)


def _put_reference(grid: Tensor, cell: LteCarrier) -> None:
    """Cell-specific reference signals (6.10.1.2): every sixth element of an antenna port; the
    ports' combs interleave, each leaving the others' elements empty."""
    boost = 10.0 ** (cell.crs_boost_db / 20)
    shift = cell.cell_id % 6
    combs = {0: ((0, 0), (4, 3)), 1: ((0, 3), (4, 0)), 2: ((1, 0),), 3: ((1, 3),)}
    for port in range(cell.ports):
        for slot in (0, 7):
            for symbol, v in combs[port]:
                if port >= 2 and slot == 7:
                    v = 3 - v
                grid[:, slot + symbol, (v + shift) % 6 :: 6] = boost


def _put_synchronisation(grid: Tensor, cell: LteCarrier, sent: Tensor) -> None:
    """PSS and SSS (6.11): 62 elements of the middle 72, every 5 ms; PBCH (6.6): the middle 72
    in four symbols of subframe 0."""
    subframes, _, count = grid.shape
    middle = slice(count // 2 - 36, count // 2 + 36)
    signal = torch.zeros(72)
    signal[5:-5] = 1.0
    for i in range(subframes):
        place = i % FRAME_SUBFRAMES
        if cell.tdd is None and place in (0, 5):
            grid[i, 5, middle] = signal
            grid[i, 6, middle] = signal
        if cell.tdd is not None and place in (0, 5):
            grid[i, 13, middle] = signal
        if cell.tdd is not None and place in (1, 6) and sent[i, 2]:
            grid[i, 2, middle] = signal
        if place == 0:
            block = grid[i, 7:11, middle]
            block[block == 0] = 1.0
