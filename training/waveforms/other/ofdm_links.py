# SPDX-License-Identifier: GPL-3.0-or-later
"""OFDM that belongs to no standard here: drawn spacing, guard, width, pilots and bursts, so that a
model learns what the known ones have and others have not."""

from __future__ import annotations

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import draw_bursts, frequency, modulated, resampled, smooth_size

SPACING_HZ = (5e3, 320e3)
# Spacings of LTE, NR and 802.11 (kHz), and how near to them (relative) none is drawn: what is
# 15 kHz and no cell has kinds of its own.
KNOWN_KHZ = (7.5, 15, 30, 60, 120, 240, 312.5, 156.25, 78.125, 31.25)
APART = 0.03
GUARDS = (4, 4, 8, 10, 16, 32)
MOST_NATIVE = 2_500_000


def draw_spacing(rng: Rng) -> float:
    """Hz, none of a standard that has a class of its own."""
    while True:
        spacing = rng.log_uniform(*SPACING_HZ)
        if all(abs(spacing / (1e3 * known) - 1) > APART for known in KNOWN_KHZ):
            return spacing


def link(span: Span, rng: Rng, width: float, centre: float) -> tuple[Tensor, float]:
    """Bursts or a steady carrier about ``width`` Hz wide."""
    spacing = draw_spacing(rng)
    count = max(12, round(width / spacing))
    n = 16
    while n < 1.1 * count:
        n = n * 3 // 2 if n & (n - 1) == 0 and n * 3 // 2 >= 1.1 * count else n * 2
    if n * spacing * span.duration > MOST_NATIVE:
        # As dear as can be: the outer subcarriers of one that is far wider than the span go.
        n = 1 << int(MOST_NATIVE / (spacing * span.duration)).bit_length() - 1
        count = int(n / 1.1)
    k = torch.arange(count) - count // 2
    if rng.chance(0.7):
        k = k[k != 0]
    # The drawn spacing, moved by less than a hundredth to where transforms are quick
    wide = smooth_size(span.samples)
    total = smooth_size(round(wide * n * spacing / span.sample_rate))
    native = total / wide * span.sample_rate
    spacing = native / n
    x = torch.zeros(total, dtype=torch.complex64)
    order = rng.choice((4, 16, 64, 256))
    prefix = max(1, n // rng.choice(GUARDS))
    every, boost = rng.choice((0, 4, 7, 12)), rng.choice((1.0, 1.41))
    pilots = rng.data((1, k.numel()))
    preamble = rng.choice((0, 1, 2))
    if rng.chance(0.35):
        bursts = [(0, total)]
    else:
        longest = rng.log_uniform(200e-6, 10e-3)
        shortest = max(4 / spacing, min(longest / 2, 50e-6))
        longest = max(longest, 2 * shortest)
        bursts = draw_bursts(span, rng, shortest, longest, rng.choice((0.05, 0.5, 4.0)), native)
    for a, b in bursts:
        values = rng.data((-(-(b - a) // (n + prefix)), k.numel()), order)
        if every:
            values[:, ::every] = pilots[:, ::every] * boost
        values[:preamble] = pilots
        b = min(b, total)
        x[a:b] = modulated(values, k, n, prefix)[: b - a]
    return resampled(x, wide, span, centre), count * spacing


def ofdm_link(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A link whose band is in the span, or cut by one end of it."""
    width = rng.log_uniform(min(300e3, 0.3 * span.sample_rate), min(40e6, span.sample_rate))
    return link(span, rng, width, frequency(span, rng, width, cut=True))


def wide_bursts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A link as wide as the span and wider: without edges in frequency."""
    width = span.sample_rate * rng.uniform(1.0, 2.0)
    return link(span, rng, width, rng.uniform(-0.1, 0.1) * span.sample_rate)
