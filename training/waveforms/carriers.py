# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE and NR carriers as emissions of a scene: downlinks, uplinks, sidelinks, and carriers that
both share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import lte, nr
from .lte.grid import reference_places
from .ofdm import RB_SUBCARRIERS, Grid, draw_sender, emit
from .rng import Rng
from .sidelink import BANDWIDTHS as SIDELINK_BANDWIDTHS
from .sidelink import build_sidelink, draw_sidelink
from .span import LTE, NR, SUBCARRIER_HZ, Emission, Span
from .uplink import build_uplink, draw_uplink, lte_pattern

# Their numbers in a truth
NUMBERS = {"lte": LTE, "nr": NR}
# Signal-to-noise ratio (dB) below which more NR carriers than elsewhere are fully loaded
FAINT_DB = 10.0
# Kinds of carriers: with a downlink, with nothing but phones (or vehicles), shared by both
# technologies
DOWNLINK, UPLINK, SHARED = "downlink", "uplink", "shared"


@dataclass(frozen=True)
class Place:
    """Where a carrier goes: nominal ``bandwidth`` and ``offset`` (Hz), ``time`` (s) of the span's
    start in a grid of ``milliseconds``; ``inside``: the span lies within the carrier."""

    bandwidth: float
    offset: float
    time: float
    milliseconds: int
    inside: bool = False

    @classmethod
    def drawn(cls, bandwidth: float, offset: float, span: Span, rng: Rng, inside=False) -> Place:
        """With the span's start at any time in the first 10 ms of the grid."""
        time = rng.integer(0, 9) * 1e-3 + rng.uniform(0, 1e-3)
        return cls(bandwidth, offset, time, int((time + span.duration) * 1e3) + 2, inside)

    @property
    def edges(self) -> tuple[float, float]:
        """Low and high edge of the channel, Hz from the span's centre."""
        return self.offset - self.bandwidth / 2, self.offset + self.bandwidth / 2

    def subcarriers(self, spacing: float) -> int:
        """The offset in subcarriers."""
        return round(self.offset / spacing)


def draw_kind(technology: str, place: Place, rng: Rng) -> str:
    """:data:`DOWNLINK` as a rule."""
    if rng.chance(0.15) and not place.inside:
        return UPLINK
    if technology == "lte" and place.bandwidth >= 5e6 and rng.chance(0.06):
        return SHARED
    return DOWNLINK


def build(technology: str, cell: lte.LteCarrier | nr.NrCarrier, place: Place, rng: Rng):
    """The downlink grid or grids of ``cell``, for :func:`.ofdm.emit`."""
    make = lte.build_grid if technology == "lte" else nr.build_grids
    return make(cell, place.milliseconds, place.subcarriers(_spacing(cell)), place.time, rng)


def draw_cell(technology: str, bandwidth: float, rng: Rng) -> lte.LteCarrier | nr.NrCarrier:
    """A random carrier of either technology."""
    return (lte if technology == "lte" else nr).draw_carrier(rng, bandwidth)


def downlink(
    technology: str, place: Place, span: Span, snr_db: float, rng: Rng, phone_spread_db: float
) -> list[Emission]:
    """A downlink, and in some TDD carriers a phone in its uplink subframes or slots, up to
    ``phone_spread_db`` stronger or weaker."""
    cell = draw_cell(technology, place.bandwidth, rng)
    if technology == "nr" and place.inside:
        # A fully loaded carrier around the span could not be told from noise.
        cell = replace(cell, load=min(cell.load, 0.6))
    elif technology == "nr" and snr_db < FAINT_DB and rng.chance(0.25):
        # Without the gaps by which the eye knows NR, near the floor
        cell = replace(cell, load=1.0)
    out = [emit(build(technology, cell, place, rng), span, NUMBERS[technology], snr_db, rng)]
    extended = technology == "lte" and cell.extended
    if cell.tdd is not None and not extended and rng.chance(0.25):
        slots = lte_pattern(cell.tdd) if technology == "lte" else cell.tdd
        up = draw_uplink(rng, technology == "lte", cell.resource_blocks, _spacing(cell), slots)
        at = place.subcarriers(_spacing(cell))
        grids = build_uplink(up, place.milliseconds, at, place.time, rng)
        phone_db = snr_db + rng.uniform(-phone_spread_db, phone_spread_db)
        out.append(emit(grids, span, NUMBERS[technology], phone_db, rng))
    return out


def uplink(technology: str, place: Place, span: Span, snr_db: float, rng: Rng) -> list[Emission]:
    """A carrier that holds nothing but phones (FDD) or, in a third of LTE's of 10 and 20 MHz,
    vehicles that talk to each other."""
    if technology == "lte" and place.bandwidth in SIDELINK_BANDWIDTHS and rng.chance(0.35):
        link = draw_sidelink(rng, place.bandwidth)
        at = place.subcarriers(SUBCARRIER_HZ)
        grid = build_sidelink(link, place.milliseconds, at, place.time, rng)
        return [emit(grid, span, LTE, snr_db, rng)]
    if technology == "lte":
        spacing, blocks = SUBCARRIER_HZ, lte.RESOURCE_BLOCKS[place.bandwidth]
    else:
        spacing = min(s for s, table in nr.RESOURCE_BLOCKS.items() if place.bandwidth in table)
        blocks = nr.RESOURCE_BLOCKS[spacing][place.bandwidth]
    up = draw_uplink(rng, technology == "lte", blocks, spacing, None)
    grids = build_uplink(up, place.milliseconds, place.subcarriers(spacing), place.time, rng)
    return [emit(grids, span, NUMBERS[technology], snr_db, rng)]


def _spacing(cell: lte.LteCarrier | nr.NrCarrier) -> float:
    return cell.subcarrier_hz if isinstance(cell, nr.NrCarrier) else SUBCARRIER_HZ


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
