# SPDX-License-Identifier: GPL-3.0-or-later
"""Chirps, tones, pulses."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import carrier, draw_bursts, empty, frequency, multicarrier, rotate


def lora(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """LoRa packets: eight up-chirps, two shifted ones, two and a quarter down, then chirps each
    shifted by its symbol."""
    width = min(rng.choice((125e3, 250e3, 500e3, 1.625e6)), 0.8 * span.sample_rate)
    factor = rng.integer(7, 11)
    period = 2**factor / width
    centre = frequency(span, rng, width)
    out = empty(span)
    sign = rng.choice((1.0, -1.0), (0.85, 0.15))
    for a, b in draw_bursts(span, rng, 20 * period, 60 * period, rng.choice((0.2, 2.0))):
        t = torch.arange(b - a) / (period * span.sample_rate) + rng.uniform(0, 20)
        index = t.long()
        shift = rng.tensor(int(index[-1]) + 2)
        shift[:8] = 0
        shift[10:13] = 0
        up = torch.ones_like(shift)
        up[10:12] = -1
        turn = (t.remainder(1.0) + shift[index]).remainder(1.0) - 0.5
        step = turn * up[index] * sign * width + centre
        out[a:b] = rotate(step * (2 * math.pi / span.sample_rate))
    return out, width / 4


def radar(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Linear sweeps, continuous or as pulses at a steady rate."""
    width = rng.uniform(0.1, 0.9) * span.sample_rate
    period = rng.log_uniform(30e-6, 5e-3)
    centre = frequency(span, rng, width)
    sign = rng.choice((-1.0, 1.0))
    out = empty(span)
    if rng.chance(0.5):
        # Pulses: the same sweep in a part of each interval
        duty = rng.log_uniform(0.02, 0.4)
        t = torch.arange(span.samples) / (period * span.sample_rate) + rng.uniform(0, 1)
        turn = t.remainder(1.0)
        step = (turn / duty - 0.5) * sign * width + centre
        return rotate(step * (2 * math.pi / span.sample_rate)) * (turn < duty), width / 4
    longest = max(20 * period, 5e-3)
    for a, b in draw_bursts(span, rng, max(period, 100e-6), longest, rng.choice((0.1, 2.0))):
        turn = (torch.arange(b - a) / (period * span.sample_rate)).remainder(1.0) - 0.5
        out[a:b] = rotate((turn * sign * width + centre) * (2 * math.pi / span.sample_rate))
    return out, width / 4


def tones(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """One to five steady or drifting carriers."""
    out = empty(span)
    for _ in range(rng.integer(1, 5)):
        centre = frequency(span, rng, 0.0)
        if rng.chance(0.2):
            drift = rng.normal(1).item() * 20e3
            step = (centre + drift * torch.linspace(0, 1, span.samples)) / span.sample_rate
            x = rotate(step * (2 * math.pi))
        else:
            x = carrier(span.samples, centre, span)
        out += x * 10 ** (rng.uniform(-10, 0) / 20)
    return out, 4e3


def pulses(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Short wide pulses: radar, ignition, switching supplies."""
    out = empty(span)
    width = rng.uniform(0.3, 1.0) * span.sample_rate
    for a, b in draw_bursts(span, rng, 1e-6, 30e-6, rng.choice((20.0, 300.0))):
        out[a:b] = multicarrier(b - a, span, rng, 100e3, -width / 2, width / 2, 0.0)
    return out, width
