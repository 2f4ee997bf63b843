# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds of other emissions share: bursts, carriers, resampling.

A kind is a function of (span, rng) that returns complex64 samples of about unit power where it
sends, and the bandwidth in Hz that its power is spread over.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import lru_cache

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span

Bursts = list[tuple[int, int]]
# Relative error of a rate that resampling may make: a cheap oscillator's.
MOST_CLOCK_ERROR = 2e-5


def draw_bursts(
    span: Span, rng: Rng, shortest: float, longest: float, gap: float, rate: float | None = None
) -> Bursts:
    """(first, last + 1) samples at ``rate`` (the span's) of bursts of random length (s) with
    random gaps up to ``gap`` times their length."""
    place = -rng.uniform(0, longest)
    bursts = []
    rate = rate or span.sample_rate
    samples = int(span.duration * rate)
    while place < span.duration and len(bursts) < 200:
        length = rng.log_uniform(shortest, longest)
        a, b = max(0, int(place * rate)), min(samples, int((place + length) * rate))
        if b - a > 8:
            bursts.append((a, b))
        place += length + rng.uniform(0.02, 1.0) * gap * length
    return bursts


def frequency(span: Span, rng: Rng, bandwidth: float, cut: bool = False) -> float:
    """A centre with which the band lies within the span; ``cut``: partly outside at times, for
    kinds that :func:`resampled` cuts off there instead of folding them over."""
    reach = max(0.0, span.sample_rate / 2 - (0.3 if cut else 0.6) * bandwidth)
    return rng.uniform(-reach, reach)


def empty(span: Span) -> Tensor:
    """Silence."""
    return torch.zeros(span.samples, dtype=torch.complex64)


def rotate(step: Tensor) -> Tensor:
    """exp(j * cumulative sum) of phase steps (radians per sample)."""
    phase = step.double().cumsum(0).remainder(2 * math.pi).float()
    return torch.polar(torch.ones_like(phase), phase)


def carrier(samples: int, hertz: float, span: Span) -> Tensor:
    """A steady complex tone."""
    step = hertz / span.sample_rate
    phase = (torch.arange(samples, dtype=torch.float64) * step).remainder(1.0) * (2 * math.pi)
    return torch.polar(torch.ones(samples), phase.float())


def multicarrier(
    samples: int, span: Span, rng: Rng, spacing: float, low: float, high: float, prefix: float
) -> Tensor:
    """OFDM between ``low`` and ``high`` Hz with about ``spacing`` Hz between subcarriers."""
    n = max(8, round(span.sample_rate / spacing))
    real = span.sample_rate / n
    k = torch.arange(math.ceil(low / real), math.floor(high / real) + 1)
    k = k[(k > -n // 2) & (k < n // 2)]
    cp = int(prefix * n)
    symbols = -(-samples // (n + cp))
    if not k.numel() or samples < 1:
        return torch.zeros(max(0, samples), dtype=torch.complex64)
    spectrum = torch.zeros(symbols, n, dtype=torch.complex64)
    spectrum[:, k % n] = rng.data((symbols, k.numel()), rng.choice((4, 16, 64)))
    body = torch.fft.ifft(spectrum).mul_(n / k.numel() ** 0.5)
    return torch.cat([body[:, n - cp :], body], dim=1).reshape(-1)[:samples]


def fsk(samples: int, span: Span, rng: Rng, rate: float, deviation: float, centre: float) -> Tensor:
    """Smoothed binary FSK of ``rate`` symbols/s around ``centre``."""
    per_symbol = max(2, round(span.sample_rate / rate))
    bits = (rng.tensor(-(-samples // per_symbol) + 2) > 0.5).float() * 2 - 1
    steps = bits.repeat_interleave(per_symbol)
    width = max(1, per_symbol // 2)
    total = torch.nn.functional.pad(steps.cumsum(0), (1, 0))
    smooth = ((total[width:] - total[:-width]) / width)[:samples]
    return rotate((smooth * deviation + centre) * (2 * math.pi / span.sample_rate))


@lru_cache(maxsize=1)
def _smooth_sizes() -> list[int]:
    sizes = {1}
    for p in (2, 3, 5, 7):
        for size in list(sizes):
            while size * p <= 6_000_000:
                size *= p
                sizes.add(size)
    return sorted(sizes)


@lru_cache(maxsize=256)
def resampling(samples: int, sample_rate: float, native: float) -> tuple[int, int]:
    """(samples at the ``native`` rate, samples at the span's) of equal length, both without large
    prime factors where that costs at most :data:`MOST_CLOCK_ERROR`."""
    sizes = _smooth_sizes()
    known = set(sizes)
    place = bisect_left(sizes, samples)
    for wide in sizes[place : place + 40]:
        exact = wide * native / sample_rate
        narrow = round(exact)
        if narrow in known and abs(narrow - exact) <= MOST_CLOCK_ERROR * exact:
            return narrow, wide
    wide = sizes[place]
    return max(2, 2 * round(wide * native / sample_rate / 2)), wide


def resampled(native: Tensor, wide: int, span: Span, centre: float) -> Tensor:
    """Samples of a whole frame from another rate to the span's, moved to ``centre`` (Hz); what
    falls outside of the span is cut off. ``wide``: from :func:`resampling`."""
    count = native.numel()
    spectrum = torch.fft.fft(native)
    out = torch.zeros(wide, dtype=torch.complex64)
    move = round(centre / span.sample_rate * wide)
    half, reach = count // 2, wide // 2
    # Positive and negative halves of the native band, each cut where the span ends
    for low, high in ((-half, 0), (0, count - half)):
        a, b = max(low, -reach - move), min(high, reach - move)
        if b <= a:
            continue
        source = spectrum[a % count : a % count + b - a]
        first, last = a + move, b + move
        if first < 0 < last:
            out[wide + first :] = source[:-first]
            out[:last] = source[-first:]
        elif last <= 0:
            out[wide + first : wide + last] = source
        else:
            out[first:last] = source
    return torch.fft.ifft(out).mul_(wide / count)[: span.samples]
