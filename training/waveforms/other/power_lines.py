# SPDX-License-Identifier: GPL-3.0-or-later
"""OFDM on power lines and what they radiate: HomePlug AV below 30 MHz (IEEE 1901), G3-PLC and
PRIME below 500 kHz (ITU-T G.9903, G.9904)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import empty, frequency, modulated, put

SPACING_HZ = 75e6 / 3072
CARRIERS = (74, 1228)
# Guard intervals of payload and frame control, in seconds
GUARDS_S, CONTROL_GUARD_S = (5.56e-6, 7.56e-6, 47.12e-6), 18.32e-6
# The preamble's symbols are an eighth of a payload symbol; seven and a half, then minus two and a
# half of them
PREAMBLE = (1.0,) * 7 + (-1.0,) * 2
# Bands of amateurs, which are left out (Hz)
NOTCHES_HZ = (
    (1.80e6, 2.00e6),
    (3.50e6, 4.00e6),
    (5.33e6, 5.41e6),
    (7.00e6, 7.30e6),
    (10.10e6, 10.15e6),
    (14.00e6, 14.35e6),
    (18.07e6, 18.17e6),
    (21.00e6, 21.45e6),
    (24.89e6, 24.99e6),
    (28.00e6, 29.70e6),
)


def _frame(seconds: float, k: Tensor, at: int, n: int, guard: float, rng: Rng) -> Tensor:
    """Samples at ``n`` times the spacing of a frame of about ``seconds`` on the carriers ``k``,
    seen from carrier ``at``."""
    rate = n * SPACING_HZ
    coarse = k[k % 8 == 0]
    own = modulated(rng.data((1, coarse.numel())), coarse - at, n, 0)
    # Its first eighth, which repeats but for the turn of the carrier that it is seen from
    eighth = torch.arange(n // 8 * len(PREAMBLE))
    turn = torch.polar(torch.ones(eighth.numel()), eighth * (-2 * math.pi * (at % n) / n))
    plain = own * torch.polar(torch.ones(n), torch.arange(n) * (2 * math.pi * (at % n) / n))
    parts = [turn * torch.cat([plain[: n // 8] * sign for sign in PREAMBLE])]
    parts.append(modulated(rng.data((1, k.numel())), k - at, n, round(CONTROL_GUARD_S * rate)))
    count = max(1, round((seconds - 120e-6) / (1 / SPACING_HZ + guard)))
    values = rng.data((count, k.numel()), rng.choice((4, 16, 64, 256)))
    parts.append(modulated(values, k - at, n, round(guard * rate)))
    return torch.cat(parts)


def power_line(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """HomePlug AV: frames of 0.2 to 2.5 ms on carriers of 24.4 kHz with notches, in a span
    anywhere below 30 MHz, which they fill as a rule."""
    out = empty(span)
    low, high = (c * SPACING_HZ for c in CARRIERS)
    at = round(rng.uniform(low, high) / SPACING_HZ)
    n = 64
    while n * SPACING_HZ < min(1.2 * span.sample_rate, 2 * high):
        n *= 2
    k = torch.arange(max(CARRIERS[0], at - n // 2 + 1), min(CARRIERS[1], at + n // 2 - 1) + 1)
    hertz = k * SPACING_HZ
    for first, last in NOTCHES_HZ:
        k, hertz = k[(hertz < first) | (hertz > last)], hertz[(hertz < first) | (hertz > last)]
    if k.numel() < 16:
        return power_line_narrow(span, rng)
    guard = rng.choice(GUARDS_S)
    # Unless a span is wider than the band, there is nothing beside it.
    gap = rng.choice((120e-6, 120e-6, 1e-3, 5e-3))
    longest = rng.log_uniform(300e-6, 2.5e-3)
    time = -rng.uniform(0, longest)
    while time < span.duration:
        length = rng.uniform(0.5, 1.0) * longest
        # What is off the carriers' raster is the receiver's own tuning.
        put(out, _frame(length, k, at, n, guard, rng), n * SPACING_HZ, time, span, 0.0)
        # An acknowledgement after 100 us
        time += length + 100e-6
        if rng.chance(0.8):
            put(out, _frame(160e-6, k, at, n, guard, rng), n * SPACING_HZ, time, span, 0.0)
            time += 160e-6
        time += gap * rng.uniform(0.5, 1.5)
    return out, k.numel() * SPACING_HZ


@dataclass(frozen=True)
class NarrowPlan:
    """``rate`` of the samples, transform ``n``, ``prefix``, carriers ``low`` to ``high``."""

    rate: float
    n: int
    prefix: int
    low: int
    high: int


G3_CENELEC = NarrowPlan(400e3, 256, 30, 23, 58)
G3_FCC = NarrowPlan(1.2e6, 256, 30, 33, 104)
PRIME = NarrowPlan(250e3, 512, 48, 86, 182)


def power_line_narrow(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """G3-PLC or PRIME of meters: symbols of 640 us, 213 us or 2 ms, 47 to 340 kHz wide."""
    out = empty(span)
    plan = rng.choice((G3_CENELEC, G3_FCC, PRIME))
    k = torch.arange(plan.low, plan.high + 1) - (plan.low + plan.high) // 2
    width = k.numel() * plan.rate / plan.n
    centre = frequency(span, rng, width)
    training = rng.data((1, k.numel()))
    time = -rng.uniform(0, 20e-3)
    while time < span.duration:
        symbols = rng.integer(13, 60)
        # A preamble of equal symbols without guards, then data
        parts = [modulated(training, k, plan.n, 0).repeat(8)]
        parts.append(modulated(rng.data((symbols, k.numel())), k, plan.n, plan.prefix))
        frame = torch.cat(parts)
        put(out, frame, plan.rate, time, span, centre)
        time += frame.numel() / plan.rate + rng.log_uniform(0.5e-3, 20e-3)
    return out, width
