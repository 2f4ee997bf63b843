# SPDX-License-Identifier: GPL-3.0-or-later
"""Spread spectrum with codes that repeat: W-CDMA (3GPP TS 25.211, 25.213), CDMA2000 (3GPP2
C.S0002), satellite navigation (IS-GPS-200)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import frequency, resampling, signs
from .linear import filtered_chips, keyed, root_raised_cosine, spread_spectrum

UMTS_HZ, UMTS_FRAME, UMTS_SLOT = 3.84e6, 38400, 2560
CDMA_HZ = 1.2288e6
GPS_HZ, GPS_CODE, GPS_BIT = 1.023e6, 1023, 20
# Taps of the second register that make the codes of satellites 1 to 16
GPS_TAPS = ((2, 6), (3, 7), (4, 8), (5, 9), (1, 9), (2, 10), (1, 8), (2, 9), (3, 10), (2, 3))
GPS_TAPS += ((3, 4), (5, 6), (6, 7), (7, 8), (8, 9), (9, 10))


def register(degree: int, taps: tuple[int, ...], start: tuple[int, ...], count: int) -> np.ndarray:
    """x(i + degree) = sum of x(i + tap) mod 2 from ``start`` on: uint8 (count,).

    A linear recurrence holds with all distances doubled, too, so ever longer pieces come at once.
    """
    x = np.zeros(count, np.uint8)
    x[:degree] = start
    known, scale = degree, 1
    while known < count:
        while known >= 2 * degree * scale:
            scale *= 2
        step = min((degree - max(taps)) * scale, count - known)
        first = known - degree * scale
        for tap in taps:
            begin = first + tap * scale
            x[known : known + step] ^= x[begin : begin + step]
        known += step
    return x


@lru_cache(maxsize=1)
def _umts_registers() -> tuple[np.ndarray, np.ndarray]:
    count = 131072 + UMTS_FRAME + 16 * 512
    x = register(18, (7, 0), (1,) + (0,) * 17, count)
    return x, register(18, (10, 7, 5, 0), (1,) * 18, count)


def scrambling_code(number: int) -> Tensor:
    """Primary downlink scrambling code 0 to 511 (25.213 clause 5.2.2): complex64 (38400,) of
    +-1 +-j over sqrt 2."""
    x, y = _umts_registers()
    n = 16 * number
    parts = [
        1.0 - 2.0 * (x[n + at : n + at + UMTS_FRAME] ^ y[at : at + UMTS_FRAME])
        for at in (0, 131072)
    ]
    return torch.from_numpy((parts[0] + 1j * parts[1]).astype(np.complex64)) * 0.5**0.5


@lru_cache(maxsize=2)
def walsh(size: int) -> Tensor:
    """(size, size) of +1 and -1: a code in each row."""
    rows = torch.ones(1, 1)
    while rows.shape[0] < size:
        rows = torch.cat([torch.cat([rows, rows], 1), torch.cat([rows, -rows], 1)])
    return rows


def users(count: int, size: int, gains: Tensor, rng: Rng, order: int = 4) -> Tensor:
    """Data of several users with codes of ``size`` chips and ``gains`` (size,): complex64
    (count,)."""
    symbols = -(-count // size)
    data = rng.data((symbols, size), 4)
    if order == 2:
        data = data.real * 2**0.5 + 0j
    spread = torch.view_as_real(data * gains).transpose(1, 2) @ walsh(size)
    return torch.complex(spread[:, 0].reshape(-1), spread[:, 1].reshape(-1))[:count]


@lru_cache(maxsize=1)
def primary_synchronisation() -> Tensor:
    """25.213 clause 5.2.3.1: complex64 (256,) of power 1."""
    a = torch.tensor([1.0, 1, 1, 1, 1, 1, -1, -1, 1, -1, 1, -1, 1, -1, -1, 1])
    order = torch.tensor([1.0, 1, 1, -1, -1, 1, -1, -1, 1, 1, 1, -1, 1, -1, 1, 1])
    return (order[:, None] * a).reshape(-1) * (1 + 1j) * 0.5**0.5


def umts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """W-CDMA downlink: the pilot channel and the synchronisation channel, which repeat each 10 ms,
    the broadcast channel, and users."""
    code = scrambling_code(rng.integer(0, 511))
    begin = rng.integer(0, UMTS_FRAME - 1)
    # In dB against the cell's full power; the pilot takes a tenth of it, whoever else is there.
    gains = torch.zeros(64)
    active = torch.randperm(62, generator=rng.generator)[: rng.integer(0, 20)] + 2
    gains[active] = 10 ** ((rng.tensor(active.numel()) * 15 - 25) / 20)
    secondary = signs(15 * 256, rng).view(15, 256) * ((1 + 1j) * 0.5**0.5)

    def draw(count: int) -> Tensor:
        total = count + begin
        frames = -(-total // UMTS_FRAME)
        chips = users(frames * UMTS_FRAME, 64, gains, rng)
        chips += 10 ** (-10 / 20)
        slots = chips.view(-1, UMTS_SLOT)
        # Broadcast: code 1 of 256, silent in a slot's first 256 chips
        bits = rng.data((slots.shape[0], 9)) * 10 ** (-12 / 20)
        half = torch.ones(256)
        half[128:] = -1
        slots[:, 256:] += (bits[:, :, None] * half).flatten(1)
        chips *= code.repeat(frames)
        # Synchronisation channels are not scrambled.
        sync = primary_synchronisation() + secondary
        slots.view(-1, 15, UMTS_SLOT)[:, :, :256] += sync * 10 ** (-15 / 20)
        chips = chips[begin : begin + count]
        return chips / chips.abs().square().mean().sqrt()

    centre = frequency(span, rng, 4.7e6, cut=True)
    x = keyed(draw, span.samples, UMTS_HZ, span, root_raised_cosine(0.22), centre)
    return x, UMTS_HZ


@lru_cache(maxsize=1)
def short_code() -> Tensor:
    """The pilot's sequences of 2^15 chips (C.S0002 clause 2.1.3.1.15): complex64 of power 1."""
    parts = []
    for taps in ((13, 9, 8, 7, 5, 0), (12, 11, 10, 6, 5, 4, 3, 0)):
        x = register(15, taps, (0,) * 14 + (1,), 2**15 - 1)
        # A further 0 after the fourteen at the start
        parts.append(1.0 - 2.0 * np.concatenate([[0], x]))
    return torch.from_numpy((parts[0] + 1j * parts[1]).astype(np.complex64)) * 0.5**0.5


def cdma2000(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A CDMA2000 1x downlink: a pilot that repeats each 26.7 ms, paging, synchronisation and
    users on Walsh codes of 64 chips; one to three carriers 1.25 MHz apart."""
    begin = rng.integer(0, 2**15 - 1)
    centre = frequency(span, rng, 1.23e6, cut=True)
    out = torch.zeros(span.samples, dtype=torch.complex64)
    for i in range(rng.integer(1, 3)):
        gains = torch.zeros(64)
        active = torch.randperm(63, generator=rng.generator)[: rng.integer(0, 25)] + 1
        gains[active] = 10 ** ((rng.tensor(active.numel()) * 12 - 24) / 20)
        # Synchronisation and paging
        gains[32], gains[1] = 10 ** (-17 / 20), 10 ** (-11 / 20)

        def draw(count: int, gains=gains) -> Tensor:
            chips = users(count, 64, gains, rng, order=2) + 10 ** (-7 / 20)
            code = short_code()
            chips *= code.repeat(-(-(count + begin) // len(code)))[begin : begin + count]
            return chips / chips.abs().square().mean().sqrt()

        at = centre + i * 1.25e6
        x = keyed(draw, span.samples, CDMA_HZ, span, root_raised_cosine(0.15), at)
        out += x * 10 ** (rng.uniform(-4, 0) / 20)
    return out, CDMA_HZ


@lru_cache(maxsize=16)
def gps_code(satellite: int) -> Tensor:
    """The coarse code of a satellite (0 for number 1): (1023,) of +1 and -1."""
    first = register(10, (7, 0), (1,) * 10, GPS_CODE)
    second = register(10, (8, 7, 4, 2, 1, 0), (1,) * 10, GPS_CODE)
    # Stage s of the register holds what comes out 10 - s chips later.
    taps = GPS_TAPS[satellite]
    delayed = [np.roll(second, -(10 - stage)) for stage in taps]
    return torch.from_numpy(1.0 - 2.0 * (first ^ delayed[0] ^ delayed[1])).float()


def gnss(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Satellite navigation: codes of 1.023 Mchip/s that repeat each millisecond, from several
    satellites with their Doppler shifts, mostly below the floor."""
    count, wide = resampling(span.samples, span.sample_rate, GPS_HZ)
    total = torch.zeros(count, dtype=torch.complex64)
    chosen = torch.randperm(len(GPS_TAPS), generator=rng.generator)[: rng.integer(1, 8)]
    periods = -(-count // GPS_CODE) + 1
    cycles = torch.arange(count, dtype=torch.float64) / GPS_HZ
    for satellite in chosen.tolist():
        # A bit of data lasts twenty codes.
        at = rng.integer(0, GPS_BIT - 1)
        bits = signs(periods // GPS_BIT + 2, rng).repeat_interleave(GPS_BIT)[at : at + periods]
        begin = rng.integer(0, GPS_CODE - 1)
        chips = (bits[:, None] * gps_code(satellite)).reshape(-1)[begin : begin + count]
        phase = (cycles * rng.uniform(-5e3, 5e3) + rng.uniform(0, 1)).remainder_(1.0)
        level = 10 ** (rng.uniform(-10, 0) / 20)
        total += torch.polar(chips.abs() * level, (phase * (2 * np.pi)).float()) * chips
    total /= total.abs().square().mean().sqrt()
    depth = rng.choice((rng.uniform(10, 40), 0.0), (0.8, 0.2))
    centre = frequency(span, rng, 2 * GPS_HZ, cut=True)
    pulse = filtered_chips(rng.choice((1.0, 2.0, 5.0)))
    x = spread_spectrum(torch.fft.fft(total), wide, span, pulse, centre)[: span.samples]
    return x * 10 ** (-depth / 20), GPS_HZ
