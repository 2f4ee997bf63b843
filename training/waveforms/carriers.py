# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE and NR carriers as emissions of a scene: downlinks, uplinks, and carriers that both share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import lte, nr
from .lte.grid import reference_places
from .ofdm import RB_SUBCARRIERS, Grid, draw_sender, emit
from .rng import Rng
from .span import LTE, NR, SUBCARRIER_HZ, Emission, Span
from .uplink import build_uplink, draw_uplink, lte_pattern


@dataclass(frozen=True)
class Place:
    """Where a carrier goes: nominal ``bandwidth`` and ``offset`` (Hz), ``time`` (s) of the span's
    start in a grid of ``milliseconds``; ``inside``: the span lies within the carrier."""

    bandwidth: float
    offset: float
    time: float
    milliseconds: int
    inside: bool = False

    def subcarriers(self, spacing: float) -> int:
        """The offset in subcarriers."""
        return round(self.offset / spacing)


def lte_carrier(place: Place, span: Span, snr_db: float, rng: Rng) -> list[Emission]:
    """A downlink, and in some TDD carriers a phone in its uplink subframes."""
    cell = lte.draw_carrier(rng, place.bandwidth)
    at = place.subcarriers(SUBCARRIER_HZ)
    grid = lte.build_grid(cell, place.milliseconds, at, place.time, rng)
    out = [emit(grid, span, LTE, snr_db, rng)]
    if cell.tdd is not None and not cell.extended and rng.chance(0.25):
        up = draw_uplink(rng, True, cell.resource_blocks, 15e3, lte_pattern(cell.tdd))
        grids = build_uplink(up, place.milliseconds, at, place.time, rng)
        out.append(emit(grids, span, LTE, snr_db + rng.uniform(-15, 15), rng))
    return out


def nr_carrier(place: Place, span: Span, snr_db: float, rng: Rng) -> list[Emission]:
    """A downlink, and in some TDD carriers a phone in its uplink slots."""
    cell = nr.draw_carrier(rng, place.bandwidth)
    if place.inside:
        # A fully loaded carrier around the span could not be told from noise.
        cell = replace(cell, load=min(cell.load, 0.6))
    at = place.subcarriers(cell.subcarrier_hz)
    grids = nr.build_grids(cell, place.milliseconds, at, place.time, rng)
    out = [emit(grids, span, NR, snr_db, rng)]
    if cell.tdd is not None and rng.chance(0.25):
        up = draw_uplink(rng, False, cell.resource_blocks, cell.subcarrier_hz, cell.tdd)
        grids = build_uplink(up, place.milliseconds, at, place.time, rng)
        out.append(emit(grids, span, NR, snr_db + rng.uniform(-15, 15), rng))
    return out


def uplink(is_lte: bool, place: Place, span: Span, rng: Rng) -> list[Emission]:
    """A carrier that holds nothing but an uplink (FDD)."""
    if is_lte:
        spacing, blocks = SUBCARRIER_HZ, lte.RESOURCE_BLOCKS[place.bandwidth]
    else:
        spacing = next(s for s in (15e3, 30e3, 60e3) if place.bandwidth in nr.RESOURCE_BLOCKS[s])
        blocks = nr.RESOURCE_BLOCKS[spacing][place.bandwidth]
    up = draw_uplink(rng, is_lte, blocks, spacing, None)
    at = place.subcarriers(spacing)
    grids = build_uplink(up, place.milliseconds, at, place.time, rng)
    return [emit(grids, span, LTE if is_lte else NR, rng.uniform(-5, 40), rng)]


def shared_grids(cell: lte.LteCarrier, host: nr.NrCarrier, place: Place, rng: Rng):
    """Grids of an LTE carrier and of the NR carrier that shares its subframes (dynamic spectrum
    sharing): LTE keeps control region and reference signals everywhere and data in its own
    subframes; NR sends in the others, around LTE's reference signals and after its control
    region, and its SS/PBCH blocks in MBSFN subframes."""
    ms = place.milliseconds
    own = rng.walk(ms, 0.0, 1.0, 0.4) < rng.uniform(0.1, 0.7)
    at = place.subcarriers(SUBCARRIER_HZ)
    base = lte.build_grid(cell, ms, at, place.time, rng, busy=own)
    guest = nr.build_grid(host, ms, at, place.time, rng)
    values = guest.values.unflatten(0, (-1, 14))
    plain = cell.plain(ms)
    # SS/PBCH blocks are in MBSFN subframes alone (the host's half frame and beams fit there).
    values[own & plain] = 0
    values[:, :2] = 0
    values[torch.arange(ms) % 10 == 0] = 0
    columns = guest.positions - at
    for _, symbol, first in reference_places(cell):
        count = cell.resource_blocks * RB_SUBCARRIERS
        k = torch.arange(first, count, 6) - count // 2
        k = torch.where(k >= 0, k + 1, k)
        hit = torch.isin(columns, k)
        for i in torch.arange(ms)[plain].tolist():
            values[i, symbol, hit] = 0
    return base, _again(guest, values.flatten(0, 1))


def _again(grid: Grid, values: Tensor) -> Grid:
    return replace(grid, values=values, truth=nr.truth_of_values(values))


def shared(place: Place, span: Span, snr_db: float, rng: Rng) -> list[Emission]:
    """A carrier that LTE and NR share. Labels: the stronger in a pixel, so NR where it sends data
    or an SS/PBCH block, LTE in its own subframes and where only its reference signals are."""
    cell = replace(
        lte.draw_carrier(rng, place.bandwidth),
        tdd=None,
        extended=False,
        mbsfn=(2,),
        mbsfn_load=0.0,
        nb_iot=None,
        ports=rng.choice((1, 2, 4)),
        control_symbols=rng.choice((1, 2)),
    )
    blocks = cell.resource_blocks
    host = replace(
        nr.draw_carrier(rng, 10e6 if place.bandwidth < 15e6 else 20e6),
        resource_blocks=blocks,
        subcarrier_hz=15e3,
        tdd=None,
        ssb_beams=0,
        load=rng.uniform(0.4, 1.0),
        control_load=0.0,
        sib1=False,
        widest_user=None,
    )
    base, guest = shared_grids(cell, host, place, rng)
    guest_values = guest.values.unflatten(0, (-1, 14))
    if blocks >= 20:
        # Symbols 2 to 5 of the MBSFN subframe hold one block every 20 ms.
        low = (blocks - 20) // 2 * RB_SUBCARRIERS
        for i in range(2, place.milliseconds, 20):
            guest_values[i, 2:6, low : low + 240] = nr.ss_block(host.cell_id, 0, rng)
        guest = _again(guest, guest.values)
    sender = draw_sender(rng)
    return [
        emit(base, span, LTE, snr_db, rng, sender),
        emit(guest, span, NR, snr_db, rng, sender),
    ]
