# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE's sidelink between vehicles, C-V2X (36.211 clause 9, 36.213 clause 14): bursts of one
millisecond, without a base station."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .lte import RESOURCE_BLOCKS, SUBCARRIER_HZ
from .lte.sequences import sss
from .ofdm import RB_SUBCARRIERS, Grid, sent_blocks, symbol_starts
from .rng import Rng
from .sequences import zadoff_chu
from .smooth import most_blocks
from .uplink_references import GROUPS, pattern, shifted_base, unit

SYMBOLS = 14
# Transmission modes 3 and 4 (9.8): four symbols with DMRS; the last symbol stays empty (9.3, 9.4)
DMRS_SYMBOLS = (2, 5, 8, 11)
GUARD_SYMBOL = 13
CONTROL_BLOCKS = 2
CONTROL_BOOST = 10 ** (3 / 20)
CONTROL_GROUP = 8
# Resource blocks of a subchannel by those of the carrier, 36.331 sizeSubchannel-r14
SUBCHANNELS = {50: (5, 10, 16), 100: (10, 20, 25)}
BANDWIDTHS = (10e6, 20e6)
# The broadcast of timing, 36.211 clauses 9.6, 9.7 and 9.8: symbols, roots and DMRS
PRIMARY_SYMBOLS, SECONDARY_SYMBOLS, BROADCAST_DMRS = (1, 2), (11, 12), (4, 6, 9)
PRIMARY_ROOTS = (26, 37)
SYNC_SUBCARRIERS = 72
SYNC_PERIOD_MS = 160


@dataclass(frozen=True)
class Sidelink:
    """A pool of ``resource_blocks`` in subchannels of ``subchannel`` blocks, of which a share
    ``load`` is in use; ``sync_at``: the subframe in every 160 with the broadcast of timing, or
    None; ``sync_id``: its identity, 0 to 335."""

    resource_blocks: int
    subchannel: int
    load: float
    sync_at: int | None
    sync_id: int


def draw_sidelink(rng: Rng, bandwidth: float) -> Sidelink:
    """A pool of 10 or 20 MHz on a lonely or a busy road."""
    blocks = RESOURCE_BLOCKS[bandwidth]
    return Sidelink(
        resource_blocks=blocks,
        subchannel=rng.choice(SUBCHANNELS[blocks]),
        load=rng.choice((rng.uniform(0.02, 0.2), rng.uniform(0.2, 0.9))),
        sync_at=rng.integer(0, 40) if rng.chance(0.4) else None,
        sync_id=rng.integer(0, 335),
    )


def build_sidelink(link: Sidelink, milliseconds: int, offset: int, time: float, rng: Rng) -> Grid:
    """Fill ``milliseconds`` of the pool; arguments as in :func:`.lte.build_grid`. A block counts
    as sent in the 13 symbols of a burst."""
    count = link.resource_blocks * RB_SUBCARRIERS
    values = torch.zeros(milliseconds, SYMBOLS, count, dtype=torch.complex64)
    subchannels = link.resource_blocks // link.subchannel
    for i in range(milliseconds):
        if link.sync_at is not None and i % SYNC_PERIOD_MS == link.sync_at:
            _put_sync(values[i], link, rng)
            continue
        place = 0
        while place < subchannels:
            width = min(rng.choice((1, 1, 2, 3, subchannels)), subchannels - place)
            if rng.chance(link.load):
                # Near and far vehicles
                gain = 10 ** (-rng.uniform(0, 18) / 20) * unit(rng)
                _put_burst(values[i], link, i, place, width, gain, rng)
            place += width
    flat = values.flatten(0, 1)
    return Grid(
        values=flat,
        truth=sent_blocks(flat),
        subcarrier_hz=SUBCARRIER_HZ,
        starts=symbol_starts(2 * milliseconds, SUBCARRIER_HZ),
        offset=offset,
        time=time,
        dc_null=False,
        shift_hz=SUBCARRIER_HZ / 2,
    )


def _spread(symbols: int, count: int, order: int, rng: Rng) -> Tensor:
    """DFT-spread data (9.3.4, 9.4.4): complex64 (symbols, count)."""
    return torch.fft.fft(rng.data((symbols, count), order)) / count**0.5


def _put_burst(subframe, link: Sidelink, i: int, place: int, width: int, gain, rng: Rng) -> None:
    """A vehicle's control information (PSCCH, two blocks) and, above it, its data (PSSCH)."""
    low = place * link.subchannel
    blocks = most_blocks(width * link.subchannel - CONTROL_BLOCKS)
    # The check bits of the control information, which shape the data's DMRS (9.8)
    check = rng.integer(0, 65535)
    shift = 3 * rng.integer(0, 3)
    for first, size, level in (
        (low, CONTROL_BLOCKS, CONTROL_BOOST),
        (low + CONTROL_BLOCKS, blocks, 1.0),
    ):
        control = size == CONTROL_BLOCKS and first == low
        band = slice(first * RB_SUBCARRIERS, (first + size) * RB_SUBCARRIERS)
        count = size * RB_SUBCARRIERS
        order = 4 if control else rng.choice((4, 16))
        burst = _spread(SYMBOLS, count, order, rng)
        for n, symbol in enumerate(DMRS_SYMBOLS):
            if control:
                burst[symbol] = shifted_base(CONTROL_GROUP, count, shift)
            else:
                hop = pattern(check // GROUPS, 40)[4 * (i % 10) + n]
                group = (hop + check // 16) % GROUPS
                burst[symbol] = shifted_base(group, count, check // 2 % 8)
        burst[GUARD_SYMBOL] = 0
        subframe[:, band] = burst * (gain * level)


def _put_sync(subframe: Tensor, link: Sidelink, rng: Rng) -> None:
    """PSSS, SSSS and PSBCH in the six middle blocks."""
    centre = subframe.shape[1] // 2
    wide = slice(centre - SYNC_SUBCARRIERS // 2, centre + SYNC_SUBCARRIERS // 2)
    inner = slice(centre - 31, centre + 31)
    gain = unit(rng)
    subframe[:GUARD_SYMBOL, wide] = _spread(GUARD_SYMBOL, SYNC_SUBCARRIERS, 4, rng) * gain
    for symbol in BROADCAST_DMRS:
        row = shifted_base(link.sync_id // 16 % GROUPS, SYNC_SUBCARRIERS, link.sync_id // 2 % 8)
        subframe[symbol, wide] = row * gain
    primary = zadoff_chu(PRIMARY_ROOTS[link.sync_id // 168], 63)
    primary = torch.cat([primary[:31], primary[32:]])
    # Modes 3 and 4 use what a cell sends in subframe 5 (9.7.2).
    secondary = sss(3 * (link.sync_id % 168) + link.sync_id // 168)[1]
    for symbols, signal in ((PRIMARY_SYMBOLS, primary), (SECONDARY_SYMBOLS, secondary)):
        for symbol in symbols:
            subframe[symbol, wide] = 0
            subframe[symbol, inner] = signal * (gain * math.sqrt(SYNC_SUBCARRIERS / 62))
