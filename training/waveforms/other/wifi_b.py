# SPDX-License-Identifier: GPL-3.0-or-later
"""802.11b: direct sequence and complementary codes at 11 Mchip/s (IEEE 802.11-2020 clauses 15
and 16)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import frequency
from .linear import differential, filtered_chips, keyed
from .traffic import SIFS_S, Sent

CHIP_HZ = 11e6
BARKER = torch.tensor([1.0, -1, 1, 1, -1, 1, 1, 1, -1, -1, -1])
# Symbols of the long preamble and header, all at 1 Mbit/s; of the short one: 72 at 1, 24 at 2
LONG, SHORT = (192, 0), (72, 24)
RATES = (1.0, 2.0, 5.5, 11.0)


def _spread(symbols: Tensor) -> Tensor:
    return (symbols[:, None] * BARKER).reshape(-1)


def _complementary(count: int, full: bool, rng: Rng) -> Tensor:
    """``count`` code words of eight chips (clause 16.4.6.6): 11 Mbit/s if ``full``, else 5.5."""
    turns = torch.randint(0, 4, (4, count), generator=rng.generator) * (math.pi / 2)
    if not full:
        # Two bits choose the three phases of the code, two turn it.
        turns[1] = turns[1].div(math.pi).floor() * math.pi + math.pi / 2
        turns[2] = 0.0
        turns[3] = turns[3].div(math.pi).floor() * math.pi
    first, second, third, fourth = turns
    first = first.cumsum(0) + math.pi * (torch.arange(count) % 2)
    common = [second + third + fourth, third + fourth, second + fourth, fourth]
    common += [second + third, third, second, torch.zeros(count)]
    phase = torch.stack(common, dim=1) + first[:, None]
    phase[:, [3, 6]] += math.pi
    return torch.polar(torch.ones_like(phase), phase).reshape(-1)


def packet(seconds: float, rate: float, short: bool, rng: Rng) -> Tensor:
    """Chips of a packet of about ``seconds`` at ``rate`` Mbit/s behind its preamble."""
    slow, fast = SHORT if short and rate > 1 else LONG
    generator = rng.generator
    left = max(16, round(seconds * 1e6) - slow - fast)
    half = torch.randint(0, 2, (slow + (left if rate == 1 else 0),), generator=generator) * math.pi
    quarter = torch.randint(0, 4, (fast + (left if rate == 2 else 0),), generator=generator)
    symbols = differential(torch.cat([half, quarter * (math.pi / 2)]))
    parts = [_spread(symbols)]
    if rate > 2:
        parts.append(_complementary(round(left * 1e-6 * CHIP_HZ / 8), rate == 11, rng))
    return torch.cat(parts)


def draw_traffic(duration: float, rng: Rng) -> list[tuple[Sent, float]]:
    """Packets with their rates: beacons at 1 Mbit/s, data and their acknowledgements."""
    out = []
    gap = rng.log_uniform(100e-6, 10e-3)
    rate = rng.choice(RATES)
    time = -rng.uniform(0, 1e-3)
    while time < duration:
        if rng.chance(0.2):
            out.append((Sent(time, rng.uniform(0.8e-3, 2.8e-3), 1), 1.0))
        else:
            length = rng.log_uniform(250e-6, 3e-3)
            out.append((Sent(time, length, 0), rate))
            if rng.chance(0.8):
                out.append((Sent(time + length + SIFS_S, 250e-6, 1), min(rate, 2.0)))
        time = out[-1][0].start + out[-1][0].length + 70e-6 + rng.log_uniform(0.1, 3.0) * gap
    return out


def wifi_b(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """802.11b at 1, 2, 5.5 and 11 Mbit/s, about 16 MHz wide; partly outside of the span at
    times, and around it where that is narrower."""
    short = rng.chance(0.5)
    levels = (1.0, 10 ** (-rng.uniform(0, 12) / 20))

    def draw(count: int) -> Tensor:
        chips = torch.zeros(count, dtype=torch.complex64)
        for sent, rate in draw_traffic(span.duration, rng):
            a = round(sent.start * CHIP_HZ)
            piece = packet(sent.length, rate, short, rng)[max(0, -a) :] * levels[sent.station]
            a = max(0, a)
            piece = piece[: max(0, count - a)]
            chips[a : a + piece.numel()] = piece
        return chips

    if span.sample_rate < 20e6:
        centre = rng.uniform(-0.4, 0.4) * 16e6
    else:
        centre = frequency(span, rng, 16e6, cut=True)
    return keyed(draw, span.samples, CHIP_HZ, span, filtered_chips(), centre), CHIP_HZ
