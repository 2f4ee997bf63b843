# SPDX-License-Identifier: GPL-3.0-or-later
"""Telegrams of sensors, keys, toys and transponders: FSK and on-off keying in bursts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import carrier, draw_bursts, empty, frequency, fsk, held, signs

CHIP_S = 0.5e-6
# Mode A and C (ICAO annex 10, 3.1.1): pulses of 0.45 us each 1.45 us between two that frame them
REPLY_PULSE_S, REPLY_STEP_S, REPLY_PULSES = 0.45e-6, 1.45e-6, 14
# Replies may be off by 1 MHz (Mode S: 1090 MHz +- 1 MHz).
REPLY_OFF_HZ = 1e6


@dataclass(frozen=True)
class Plan:
    """``rate`` bit/s (Manchester's halves count), ``deviation`` Hz (0: on-off keying), burst
    lengths ``shortest`` and ``longest`` (s), ``coded``: how bits become levels."""

    rate: float
    deviation: float
    shortest: float
    longest: float
    coded: str = "plain"


# Z-Wave R1, R2, R3 (ITU-T G.9959 table 7-1), tyre sensors, meters (EN 13757-4 S, T, C), pagers
FSK_PLANS = (
    Plan(19.2e3, 20e3, 5e-3, 40e-3, "manchester"),
    Plan(40e3, 20e3, 2e-3, 20e-3),
    Plan(100e3, 29e3, 1e-3, 12e-3),
    Plan(20e3, 35e3, 4e-3, 10e-3, "manchester"),
    Plan(32.768e3, 50e3, 3e-3, 30e-3, "manchester"),
    Plan(100e3, 45e3, 1e-3, 20e-3),
    Plan(1200.0, 4.5e3, 40e-3, 400e-3),
)
# Keys and sensors at 315, 433 and 868 MHz
OOK_PLANS = (
    Plan(8.2e3, 0.0, 5e-3, 15e-3, "manchester"),
    Plan(20e3, 0.0, 4e-3, 12e-3, "manchester"),
    Plan(2.5e3, 0.0, 20e-3, 70e-3, "width"),
    Plan(4e3, 0.0, 10e-3, 60e-3, "width"),
    Plan(1e3, 0.0, 30e-3, 100e-3, "gap"),
    Plan(100e3, 0.0, 0.5e-3, 3e-3, "manchester"),
)


def levels(count: int, coded: str, rng: Rng) -> Tensor:
    """(count,) or more of +1 and -1: bits as ``coded``."""
    bits = signs(count, rng)
    if rng.chance(0.4):
        # A key or a sensor says its few bytes several times.
        word = bits[: rng.integer(12, 66)]
        bits = word.repeat(-(-count // word.numel()))[:count]
    if coded == "manchester":
        return torch.stack([bits, -bits], dim=1).flatten()[:count]
    if coded == "width":
        # A third on for 0, two thirds for 1
        return torch.stack([torch.ones(count), bits, -torch.ones(count)], dim=1).flatten()[:count]
    if coded == "gap":
        # A short pulse, then a pause of one or three
        off = -torch.ones(count)
        rows = torch.stack([torch.ones(count), off, off, off], dim=1)
        keep = torch.ones(count, 4, dtype=torch.bool)
        keep[:, 2:] = (bits > 0)[:, None]
        return rows[keep][:count]
    return bits


def telegram(samples: int, plan: Plan, centre: float, span: Span, rng: Rng) -> Tensor:
    """A burst: a preamble of alternating levels, then data."""
    count = int(samples * plan.rate / span.sample_rate) + 2
    keyed = levels(count, plan.coded, rng)
    first = min(count, rng.choice((16, 32, 64)))
    keyed[:first] = torch.tensor([1.0, -1.0]).repeat(first // 2 + 1)[:first]
    if plan.deviation:
        return fsk(samples, span, rng, plan.rate, plan.deviation, centre, keyed)
    on = held((keyed > 0).float(), samples, plan.rate, span)
    return carrier(samples, centre, span) * on


def _telegrams(plan: Plan, span: Span, rng: Rng) -> tuple[Tensor, float]:
    width = 2 * plan.deviation + plan.rate
    centre = frequency(span, rng, width)
    out = empty(span)
    gap = rng.choice((0.5, 3.0, 6.0))
    for a, b in draw_bursts(span, rng, plan.shortest, plan.longest, gap):
        out[a:b] = telegram(b - a, plan, centre, span, rng)
    return out, width


def fsk_bursts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """FSK telegrams on one channel: Z-Wave, meters, tyre sensors, pagers, and any others."""
    if rng.chance(0.5):
        return _telegrams(rng.choice(FSK_PLANS), span, rng)
    rate = rng.log_uniform(2e3, min(500e3, span.sample_rate / 8))
    plan = Plan(rate, rate * rng.uniform(0.25, 1.5), 500e-6, 40e-3)
    return _telegrams(plan, span, rng)


def ook_bursts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """On-off keying: remote controls, tyre sensors, key fobs, and any others."""
    if rng.chance(0.5):
        return _telegrams(rng.choice(OOK_PLANS), span, rng)
    rate = rng.log_uniform(1e3, min(2e6, span.sample_rate / 1.5))
    coded = rng.choice(("plain", "plain", "manchester", "width", "gap"))
    return _telegrams(Plan(rate, 0.0, 60e-6, 30e-3, coded), span, rng)


def remote_control(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A toy's or a model's transmitter: short bursts that repeat exactly, each 5 to 20 ms, with the
    same content as long as the sticks rest; on one channel or hopping over a few."""
    rate = rng.log_uniform(20e3, min(1.2e6, span.sample_rate / 3))
    deviation = rng.choice((0.0, rate * rng.uniform(0.25, 0.6)), (0.2, 0.8))
    coded = rng.choice(("plain", "manchester")) if deviation == 0.0 else "plain"
    width = 2 * deviation + rate
    period = rng.choice((5e-3, 7e-3, 9e-3, 10e-3, 10e-3, 11e-3, 14e-3, 18e-3, 20e-3))
    length = min(0.6 * period, rng.log_uniform(200e-6, 5e-3))
    channels = [frequency(span, rng, width) for _ in range(rng.choice((1, 1, 2, 4)))]
    samples = max(16, round(length * span.sample_rate))
    plan = Plan(rate, deviation, length, length, coded)
    bursts = [telegram(samples, plan, centre, span, rng) for centre in channels]
    resting = rng.chance(0.8)
    out = empty(span)
    start, number = -rng.uniform(0, 1) * min(period, span.duration), 0
    while start < span.duration:
        which = number % len(channels)
        burst = bursts[which]
        if not resting:
            burst = telegram(samples, plan, channels[which], span, rng)
        begin = round(start * span.sample_rate)
        first, last = max(0, begin), min(span.samples, begin + samples)
        if last > first:
            out[first:last] = burst[first - begin : last - begin]
        start, number = start + period, number + 1
    return out, width


def _mode_s(rng: Rng) -> Callable[[Tensor], Tensor]:
    """Level by time (s): a preamble of four pulses, then 56 or 112 bits by pulse position."""
    preamble = torch.zeros(16)
    preamble[[0, 2, 7, 9]] = 1.0
    bits = (rng.tensor(rng.choice((56, 112, 112))) > 0.5).float()
    chips = torch.cat([preamble, torch.stack([bits, 1 - bits], dim=1).flatten(), torch.zeros(1)])
    return lambda t: chips[(t / CHIP_S).long().clamp_max(len(chips) - 1)]


def _mode_ac(rng: Rng) -> Callable[[Tensor], Tensor]:
    """Level by time (s): two framing pulses and up to twelve between."""
    pulses = (rng.tensor(REPLY_PULSES + 2) > 0.5).float()
    pulses[[0, REPLY_PULSES]] = 1.0
    pulses[[REPLY_PULSES // 2, REPLY_PULSES + 1]] = 0.0

    def level(t: Tensor) -> Tensor:
        index = (t / REPLY_STEP_S).long().clamp_max(REPLY_PULSES + 1)
        return pulses[index] * (t - index * REPLY_STEP_S < REPLY_PULSE_S)

    return level


def transponders(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Replies of aircraft (ICAO annex 10, volume 4): Mode S and ADS-B of 64 or 120 us, Mode A and
    C of 21 us, from many senders that differ in strength and a little in frequency."""
    out = empty(span)
    centre = frequency(span, rng, 2e6) if span.sample_rate > 4e6 else rng.uniform(-1e5, 1e5)
    off = min(REPLY_OFF_HZ, 0.2 * span.sample_rate) * rng.uniform(0, 1)
    gap, older = rng.choice((2.0, 8.0, 40.0)), rng.choice((0.0, 0.3))
    for a, _ in draw_bursts(span, rng, 64e-6, 120e-6, gap):
        b = min(span.samples, a + int(121e-6 * span.sample_rate))
        t = torch.arange(b - a) / span.sample_rate
        keying = (_mode_ac if rng.chance(older) else _mode_s)(rng)(t)
        level = 10 ** (rng.uniform(-15, 0) / 20)
        out[a:b] += carrier(b - a, centre + rng.uniform(-off, off), span) * keying * level
    return out, min(2e6, span.sample_rate)
