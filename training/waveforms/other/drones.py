# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of drones: OFDM of LTE's spacing and widths with a frame structure of its own, and close
relatives of other spacings.

The numbers are those that are published of DJI's downlinks (N. Schiller et al., "Drone Security
and the Mysterious Case of DJI's DroneID", NDSS 2023): 15 kHz, 601 or 1201 subcarriers with an
empty centre, prefixes of 72 samples of 15.36 MHz (80 in the first and last symbol), Zadoff-Chu
sequences of roots 600 and 147 in the fourth and sixth symbol.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..rng import Rng
from ..sequences import zadoff_chu
from ..span import Span
from .base import empty, frequency, put, with_prefix

ROOTS = (600, 147)
# The fourth and the sixth symbol of a burst, and of each further group of nine
SYNCHRONISATION = {3: ROOTS[0], 5: ROOTS[1]}
GROUP = 9
# Subcarriers beside 15 kHz: of WiMAX (11.2 MHz / 1024) and of links that are tuned to their rates
SPACINGS_HZ = {15e3: 0.7, 10.9375e3: 0.1, 12.5e3: 0.05, 20e3: 0.1, 25e3: 0.05}
# Controllers, and telemetry, in subcarriers
NARROW = (72, 96, 120, 144)


@dataclass(frozen=True)
class Numerology:
    """``spacing`` (Hz), ``count`` subcarriers about an empty centre, ``n`` of the transform,
    ``prefix`` samples, ``long_prefix`` of the first and last symbol of a group."""

    spacing: float
    count: int
    n: int
    prefix: int
    long_prefix: int

    @property
    def rate(self) -> float:
        """Samples per second."""
        return self.spacing * self.n

    @property
    def group_s(self) -> float:
        """Length of a group of symbols in seconds."""
        samples = GROUP * (self.n + self.prefix) + 2 * (self.long_prefix - self.prefix)
        return samples / self.rate


def numerology(spacing: float, count: int, rng: Rng | None = None) -> Numerology:
    """As the published one at 15 kHz; other spacings have prefixes of an eighth or a sixteenth."""
    n = 1 << math.ceil(math.log2(1.2 * count))
    if spacing == 15e3 or rng is None:
        return Numerology(spacing, count, n, 72 * n // 1024, 80 * n // 1024)
    prefix = n // rng.choice((8, 16))
    return Numerology(spacing, count, n, prefix, prefix)


def burst(groups: int, own: Numerology, rng: Rng, order: int = 4) -> Tensor:
    """``groups`` of nine symbols, data and synchronisation, at the numerology's rate; power 1."""
    k = torch.cat([torch.arange(-(own.count // 2), 0), torch.arange(1, own.count // 2 + 1)])
    values = rng.data((groups * GROUP, own.count), order)
    for symbol, root in SYNCHRONISATION.items():
        # One more than there are subcarriers: the one in the centre is not sent.
        sequence = zadoff_chu(root % (own.count + 1) or 1, own.count + 1)
        middle = own.count // 2
        values[symbol::GROUP] = torch.cat([sequence[:middle], sequence[middle + 1 :]])
    spectra = torch.zeros(groups * GROUP, own.n, dtype=torch.complex64)
    spectra[:, k % own.n] = values * own.count**-0.5
    if own.prefix == own.long_prefix:
        return with_prefix(spectra, own.prefix)
    body = torch.fft.ifft(spectra).mul_(own.n)
    parts = []
    for i, symbol in enumerate(body):
        edge = i % GROUP in (0, GROUP - 1)
        parts += [symbol[own.n - (own.long_prefix if edge else own.prefix) :], symbol]
    return torch.cat(parts)


def drone(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Bursts of 0.6 to 5 ms, 10 or 20 MHz wide, that may hop; between them, at times, a
    controller's narrow ones on channels of its own."""
    out = empty(span)
    spacing = rng.choice(list(SPACINGS_HZ), list(SPACINGS_HZ.values()))
    count = rng.choice((600, 1200))
    own = numerology(spacing, count, rng)
    width = count * spacing
    channels = [frequency(span, rng, width, cut=True) for _ in range(rng.choice((1, 1, 2, 4)))]
    small = numerology(spacing, rng.choice(NARROW), rng)
    narrow = rng.choice((0.0, 1.0), (0.6, 0.4))
    lanes = [frequency(span, rng, small.count * spacing) for _ in range(rng.choice((1, 8, 40)))]
    # As strong as the drone, in less bandwidth, or weaker and stronger by 10 dB
    narrow *= 10 ** (rng.uniform(-10, 10) / 20)
    groups = rng.integer(1, max(1, int(5e-3 / own.group_s)))
    period = groups * own.group_s + rng.choice((0.2e-3, 1e-3, 5e-3, 15e-3)) * rng.uniform(0.5, 1)
    order = rng.choice((4, 4, 16, 64))
    steady = rng.chance(0.6)
    start = -rng.uniform(0, min(period, groups * own.group_s + 1e-3))
    while start < span.duration:
        sent = groups if steady else rng.integer(1, groups)
        put(out, burst(sent, own, rng, order), own.rate, start, span, rng.choice(channels))
        if narrow:
            begin = start + groups * own.group_s + 50e-6
            put(out, narrow * burst(1, small, rng), small.rate, begin, span, rng.choice(lanes))
        start += period
    return out, width
