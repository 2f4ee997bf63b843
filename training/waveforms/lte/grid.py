# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE downlink resource grids (36.211 clause 6): what is sent where."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..ofdm import RB_SUBCARRIERS, Grid, symbol_starts
from ..rng import Rng
from . import narrowband
from .carrier import FRAME_SUBFRAMES, SUBCARRIER_HZ, LteCarrier
from .control import control_symbols, put_control
from .sequences import crs, pss, sss

# How far apart a cell's antenna ports are: in strength (dB, standard deviation) and in time, as
# 36.104 clause 6.5.3 allows
PORT_SPREAD_DB = 1.0
PORT_DELAY_S = 32e-9


def build_grid(
    cell: LteCarrier,
    subframes: int,
    offset: int,
    time: float,
    rng: Rng,
    busy: Tensor | None = None,
) -> Grid:
    """Fill ``subframes`` ms of the carrier's grid, which starts with a radio frame.

    ``offset``: centre from the span's, in subcarriers; ``time``: where the span starts, seconds;
    ``busy``: (subframes,) bool, where given the only subframes with data.

    Truth: a resource block counts as sent for a whole slot if any element of it is (every slot
    has reference signals); special subframes count while their downlink part lasts, MBSFN
    subframes without data while their control region does.
    """
    count = cell.resource_blocks * RB_SUBCARRIERS
    sent = cell.sent_symbols(subframes)
    plain = cell.plain(subframes)
    control = control_symbols(cell, subframes, rng)
    amplitude = torch.zeros(subframes, cell.symbols, count)
    _put_data(amplitude, cell, plain, busy, rng)
    put_control(amplitude, cell, control, sent, rng)
    on_air = sent.clone()
    if not cell.mbsfn_load:
        region = torch.arange(cell.symbols) < control[:, None].clamp_max(2)
        on_air &= plain[:, None] | region
    amplitude *= on_air[:, :, None]
    values = amplitude * _symbols(subframes, cell.symbols * count, rng).view_as(amplitude)
    _put_broadcast(values, cell, rng)
    put_reference(values, cell, sent, plain, port_gains(cell, rng))
    _put_synchronisation(values, cell)
    truth = on_air[:, :, None].expand(-1, -1, cell.resource_blocks)
    values, truth = values.flatten(0, 1), truth.flatten(0, 1)
    if cell.nb_iot is not None:
        values, truth = narrowband.put(values, truth, cell, control, rng)
    return Grid(
        values=values,
        truth=truth,
        subcarrier_hz=SUBCARRIER_HZ,
        starts=symbol_starts(2 * subframes, SUBCARRIER_HZ, cell.extended),
        offset=offset,
        time=time,
        dc_null=True,
    )


def _symbols(subframes: int, count: int, rng: Rng) -> Tensor:
    """QAM of an order of its own in each subframe: complex64 (subframes, count)."""
    orders = [rng.choice((4, 4, 16, 64, 64, 256)) for _ in range(min(4, subframes))]
    return torch.cat([rng.data((1, count), orders[i % len(orders)]) for i in range(subframes)])


def _put_data(amplitude: Tensor, cell: LteCarrier, plain: Tensor, busy, rng: Rng) -> None:
    """PDSCH: resource block groups (36.213 table 7.1.6.1-1) on or off in each subframe, each with
    its own power; the load comes in bursts of some milliseconds."""
    subframes, _, count = amplitude.shape
    rb = count // RB_SUBCARRIERS
    group = 1 if rb <= 10 else 2 if rb <= 26 else 3 if rb <= 63 else 4
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
    if busy is not None:
        on *= busy[:, None]
    on = torch.where(plain[:, None], on, cell.mbsfn_load)
    spread = 10.0 ** (rng.normal(subframes, groups) * rng.uniform(0, 2) / 20)
    on = (on * spread).repeat_interleave(group * RB_SUBCARRIERS, 1)[:, :count]
    amplitude[:] = on[:, None, :]


def reference_places(cell: LteCarrier) -> list[tuple[int, int, int]]:
    """(port, symbol of the subframe, first subcarrier of its comb of six), 6.10.1.2."""
    half = cell.symbols // 2
    shift = cell.cell_id % 6
    places = []
    for port in range(cell.ports):
        for slot in (0, 1):
            if port < 2:
                first = 3 * port
                combs = ((0, first), (half - 3, (first + 3) % 6))
            else:
                combs = ((1, 3 * slot + 3 * (port - 2)),)
            places += [(port, slot * half + s, (v + shift) % 6) for s, v in combs]
    return places


def port_gains(cell: LteCarrier, rng: Rng) -> Tensor:
    """What the antennas' phases and cables make of each port: complex64 (ports, subcarriers).

    All ports send the same sequence (6.10.1.1), a few subcarriers apart. Were they in phase, their
    sum would peak where the cyclic prefix is taken from, as it never does on the air.
    """
    count = cell.resource_blocks * RB_SUBCARRIERS
    size = 10.0 ** (rng.normal(cell.ports, 1) * PORT_SPREAD_DB / 20)
    delay = (rng.tensor(cell.ports, 1) * 2 - 1) * PORT_DELAY_S
    hertz = (torch.arange(count) - count / 2) * SUBCARRIER_HZ
    turns = rng.tensor(cell.ports, 1) + delay * hertz
    return torch.polar(size.expand(-1, count), turns * (2 * math.pi))


def put_reference(
    values: Tensor, cell: LteCarrier, sent: Tensor, plain: Tensor, gains: Tensor
) -> None:
    """Cell-specific reference signals (6.10.1) of all ports, ``gains`` of :func:`port_gains`; in
    MBSFN subframes in the first two symbols only."""
    subframes = values.shape[0]
    boost = 10.0 ** (cell.crs_boost_db / 20)
    half = cell.symbols // 2
    frame = min(subframes, FRAME_SUBFRAMES)
    number = torch.arange(subframes)
    cache: dict[int, Tensor] = {}
    for port, symbol, first in reference_places(cell):
        if symbol not in cache:
            slots = 2 * torch.arange(frame) + symbol // half
            r = crs(cell.cell_id, cell.resource_blocks, slots, symbol % half, cell.extended)
            cache[symbol] = r * boost
        on = sent[:, symbol] if symbol < 2 else sent[:, symbol] & plain
        index = number[on]
        row = cache[symbol] * gains[port, first::6]
        values[index, symbol, first::6] = row[index % FRAME_SUBFRAMES]


def middle(values: Tensor, width: int) -> slice:
    """The ``width`` middle subcarriers."""
    centre = values.shape[2] // 2
    return slice(centre - width // 2, centre + width // 2)


def _put_broadcast(values: Tensor, cell: LteCarrier, rng: Rng) -> None:
    """PBCH (6.6.4): the middle 72 elements of four symbols in subframe 0, but for the places of
    four ports' reference signals."""
    half = cell.symbols // 2
    frames = values[::FRAME_SUBFRAMES, half : half + 4, middle(values, 72)]
    block = rng.data(frames.shape)
    k = torch.arange(values.shape[2])[middle(values, 72)]
    reserved = k % 3 == cell.cell_id % 3
    with_reference = (0, 1, 3) if cell.extended else (0, 1)
    for symbol in with_reference:
        block[:, symbol, reserved] = 0
    frames[:] = block


def _put_synchronisation(values: Tensor, cell: LteCarrier) -> None:
    """PSS and SSS (6.11.1.2, 6.11.2.2) in the middle 62 elements, five empty ones at each side."""
    half = cell.symbols // 2
    wide, place = middle(values, 72), middle(values, 62)
    if cell.tdd is None:
        pss_at, sss_at = (0, half - 1), (0, half - 2)
    else:
        pss_at, sss_at = (1, 2), (0, 2 * half - 1)
    second = sss(cell.cell_id)
    for (subframe, symbol), signal in (
        (pss_at, pss(cell.cell_id % 3).expand(2, 62)),
        (sss_at, second),
    ):
        for part in (0, 1):
            rows = values[subframe + 5 * part :: FRAME_SUBFRAMES, symbol]
            rows[:, wide] = 0
            rows[:, place] = signal[part]
