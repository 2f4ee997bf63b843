# SPDX-License-Identifier: GPL-3.0-or-later
"""Digital broadcasts in OFDM: DVB-T (EN 300 744), DVB-T2 (EN 302 755), ISDB-T (ARIB STD-B31), DAB
(EN 300 401) and DRM (ES 201 980). Their carriers are on all the time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..rng import Rng
from ..sequences import m_sequence
from ..span import Span
from .base import frequency, modulated, resampled, resampling

# Samples per second in channels of 5 to 8 MHz (DVB-T clause 4.4; T2 1.7 MHz as well)
DVB_RATES = {5: 40e6 / 7, 6: 48e6 / 7, 7: 8e6, 8: 64e6 / 7}
T2_RATES = {1.7: 131e6 / 71, **DVB_RATES}
# (active subcarriers, transform) of DVB-T
DVB_MODES = ((1705, 2048), (6817, 8192))
# Continual pilots of the 2k mode; the 8k mode repeats them each 1704 (DVB-T table 7)
CONTINUAL = (0, 48, 54, 87, 141, 156, 192, 201, 255, 279, 282, 333, 432, 450, 483, 525, 531, 618)
CONTINUAL += (636, 714, 759, 765, 780, 804, 873, 888, 918, 939, 942, 969, 984, 1050, 1101, 1107)
CONTINUAL += (1110, 1137, 1140, 1146, 1206, 1269, 1323, 1377, 1491, 1683, 1704)
# Active subcarriers of T2 by transform (table 61, normal mode), guards as a part of it
T2_ACTIVE = {1024: 853, 2048: 1705, 4096: 3409, 8192: 6817, 16384: 13633, 32768: 27265}
T2_GUARDS = (1 / 128, 1 / 32, 1 / 16, 19 / 256, 1 / 8, 19 / 128, 1 / 4)
# (subcarriers between pilots of all symbols, symbols until they come again) of PP1 to PP8
T2_PILOTS = ((3, 4), (6, 2), (6, 4), (12, 2), (12, 4), (24, 2), (24, 4), (6, 16))
# Samples of the P1 symbol's parts: its end, shifted by one subcarrier, precedes and follows it.
P1_BEFORE, P1_BODY, P1_AFTER = 542, 1024, 482
# ISDB-T: transforms and segments of 1/14 of 6 MHz; one segment alone is the narrow service.
ISDB_RATE, ISDB_SEGMENT = 512e6 / 63, {2048: 108, 4096: 216, 8192: 432}
# DAB mode I, clause 14: a null symbol, then 76 symbols of 1536 subcarriers
DAB_RATE, DAB_NULL, DAB_PREFIX, DAB_FFT = 2.048e6, 2656, 504, 2048


@dataclass(frozen=True)
class Pilots:
    """Each ``apart`` x ``period`` subcarriers in a symbol, ``apart`` further in the next, of
    amplitude ``boost``; the ``continual`` ones are in every symbol."""

    apart: int
    period: int
    boost: float
    continual: tuple[int, ...] = ()


def _with_pilots(values: Tensor, pilots: Pilots) -> Tensor:
    """``values`` (symbols, subcarriers) with pilots, whose signs belong to their subcarriers."""
    active = values.shape[1]
    # DVB-T clause 4.5.2: x^11 + x^2 + 1 from a state of ones, anew in each symbol
    signs = torch.from_numpy(m_sequence(11, (2, 0), (1,) * 11))
    own = (signs.repeat(active // 2047 + 1)[:active] * pilots.boost) + 0j
    k = torch.arange(active)
    for phase in range(pilots.period):
        at = k[pilots.apart * phase :: pilots.apart * pilots.period]
        values[phase :: pilots.period, at] = own[at]
    if pilots.continual:
        at = torch.tensor([c for c in pilots.continual if c < active])
        values[:, at] = own[at]
    return values


def _steady(
    span: Span, rng: Rng, native: float, active: int, n: int, prefix: int, pilots: Pilots | None
) -> tuple[Tensor, int]:
    """Samples at ``native`` for the span and how many there are at the span's rate."""
    count, wide = resampling(span.samples, span.sample_rate, native)
    symbols = count // (n + prefix) + 2
    values = rng.data((symbols, active), rng.choice((4, 16, 64, 256)))
    if pilots is not None:
        values = _with_pilots(values, pilots)
    x = modulated(values, torch.arange(active) - active // 2, n, prefix)
    start = rng.integer(0, n + prefix - 1)
    return x[start : start + count], wide


def _widths(rates: dict, span: Span) -> list:
    """Channels with both edges in the span: a steady one that fills it is like noise."""
    return [w for w in rates if rates[w] < 0.95 * span.sample_rate]


def dvb_t(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """DVB-T in 2k or 8k mode with its scattered and continual pilots and any guard interval."""
    widths = _widths(DVB_RATES, span)
    if not widths:
        return dab(span, rng)
    native = DVB_RATES[rng.choice(widths)]
    active, n = rng.choice(DVB_MODES)
    continual = tuple(c + 1704 * i for i in range(active // 1704) for c in CONTINUAL)
    pilots = Pilots(3, 4, 4 / 3, continual)
    x, wide = _steady(span, rng, native, active, n, n // rng.choice((4, 8, 16, 32)), pilots)
    used = active * native / n
    return resampled(x, wide, span, frequency(span, rng, used, cut=True)), used


def dvb_t2(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """DVB-T2, 1k to 32k, with scattered pilots, at times with the P1 symbol of a new frame."""
    widths = _widths(T2_RATES, span)
    if not widths:
        return dab(span, rng)
    native = T2_RATES[rng.choice(widths)]
    n = rng.choice(list(T2_ACTIVE), (1, 1, 1, 2, 2, 6))
    active = T2_ACTIVE[n]
    prefix = round(n * rng.choice(T2_GUARDS))
    pilots = Pilots(*rng.choice(T2_PILOTS), 4 / 3)
    x, wide = _steady(span, rng, native, active, n, prefix, pilots)
    if rng.chance(0.5):
        first = first_symbol(rng)
        at = rng.integer(-first.numel(), x.numel())
        first = first[max(0, -at) : max(0, x.numel() - at)]
        x[max(0, at) : max(0, at) + first.numel()] = first
    used = active * native / n
    return resampled(x, wide, span, frequency(span, rng, used, cut=True)), used


def first_symbol(rng: Rng) -> Tensor:
    """P1 of DVB-T2 (clause 9.8): 384 of 853 subcarriers in a body of 1024 samples, whose parts
    come once more before and after it, one subcarrier higher."""
    k = torch.randperm(853, generator=rng.generator)[:384].sort().values - 426
    body = modulated(rng.data((1, 384)), k, P1_BODY, 0)
    turn = torch.polar(torch.ones(P1_BODY), torch.arange(P1_BODY) * (2 * math.pi / P1_BODY))
    higher = body * turn
    return torch.cat([higher[:P1_BEFORE], body, higher[P1_BEFORE : P1_BEFORE + P1_AFTER]])


def isdb_t(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """ISDB-T of thirteen segments, or the one segment of its narrow service."""
    n, segment = rng.choice(list(ISDB_SEGMENT.items()))
    segments = 13 if span.sample_rate > 6e6 and rng.chance(0.8) else 1
    active = segment * segments + 1
    native = ISDB_RATE
    if segments == 1:
        n, native = n // 8, native / 8
    prefix = n // rng.choice((4, 8, 16, 32))
    x, wide = _steady(span, rng, native, active, n, prefix, Pilots(3, 4, 4 / 3))
    used = active * native / n
    return resampled(x, wide, span, frequency(span, rng, used, cut=True)), used


def dab(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """DAB: differential QPSK on 1536 subcarriers of 1 kHz, a silent symbol each 96 ms."""
    count, wide = resampling(span.samples, span.sample_rate, DAB_RATE)
    symbols = count // (DAB_FFT + DAB_PREFIX) + 2
    k = torch.cat([torch.arange(-768, 0), torch.arange(1, 769)])
    x = modulated(rng.data((symbols, 1536)), k, DAB_FFT, DAB_PREFIX)
    start = rng.integer(0, DAB_FFT)
    x = x[start : start + count]
    null = rng.integer(-DAB_NULL, int(96e-3 * DAB_RATE))
    x[max(0, null) : max(0, null + DAB_NULL)] = 0
    centre = frequency(span, rng, 1.536e6, cut=True)
    return resampled(x, wide, span, centre), 1.536e6


# DRM, robustness modes: (subcarriers, useful part in s, guard in s)
DRM_MODES = ((227, 24e-3, 2.6667e-3), (207, 21.333e-3, 5.3333e-3), (139, 14.667e-3, 5.3333e-3))
DRM_PLUS = (213, 2.25e-3, 0.25e-3)


def drm(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """DRM of 10 kHz below 30 MHz or of 96 kHz in band II."""
    active, useful, guard = DRM_PLUS if rng.chance(0.6) else rng.choice(DRM_MODES)
    n = 1 << math.ceil(math.log2(1.1 * active))
    native = n / useful
    # Gain references: about one in twenty is a pilot, boosted by sqrt 2
    pilots = Pilots(4, 5, 2**0.5)
    x, wide = _steady(span, rng, native, active, n, round(guard * native), pilots)
    used = active / useful
    return resampled(x, wide, span, frequency(span, rng, used)), used
