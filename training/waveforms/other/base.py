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
SMALL_TRANSFORM = 30_000
# The largest transform (samples); bursts that are longer lose what lies outside of the span first,
# but for a margin
MOST_TRANSFORM, LONGEST_BURST, MARGIN = 6_500_000, 5_500_000, 64


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
    if not bursts:
        # All of the frame fell into a gap.
        a = int(rng.uniform(0, 0.7) * samples)
        bursts.append((a, min(samples, a + max(9, int(rng.log_uniform(shortest, longest) * rate)))))
    return bursts


def frequency(span: Span, rng: Rng, bandwidth: float, cut: bool = False) -> float:
    """A centre with which the band lies within the span; ``cut``: partly outside at times, and
    around the span anywhere where that is narrower, for kinds that :func:`resampled` cuts off
    there instead of folding them over."""
    reach = max(0.0, span.sample_rate / 2 - (0.3 if cut else 0.6) * bandwidth)
    if cut:
        # At least four fifths of a narrow span are filled.
        within = (bandwidth - span.sample_rate) / 2 + 0.2 * min(bandwidth, span.sample_rate)
        reach = max(reach, within)
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


def with_prefix(spectra: Tensor, prefix: int) -> Tensor:
    """OFDM symbols of (symbols, n) spectra with cyclic prefixes of ``prefix`` samples, one after
    the other; a subcarrier of amplitude 1 has that amplitude in time."""
    body = torch.fft.ifft(spectra).mul_(spectra.shape[-1])
    return torch.cat([body[..., body.shape[-1] - prefix :], body], dim=-1).reshape(-1)


def modulated(values: Tensor, k: Tensor, n: int, prefix: int) -> Tensor:
    """OFDM of power 1: ``values`` (symbols, subcarriers) on subcarriers ``k`` of ``n``."""
    spectra = torch.zeros(values.shape[0], n, dtype=torch.complex64)
    spectra[:, k % n] = values * k.numel() ** -0.5
    return with_prefix(spectra, prefix)


def signs(count: int, rng: Rng) -> Tensor:
    """(count,) of +1 and -1."""
    return (rng.tensor(count) > 0.5).float() * 2 - 1


def held(values: Tensor, samples: int, rate: float, span: Span, start: float = 0.0) -> Tensor:
    """``values``, one each 1 / ``rate`` seconds from ``start`` of them on, held until the next:
    (samples,) at the span's rate. Their rate is exact, however few samples each lasts."""
    place = torch.arange(samples, dtype=torch.float64) * (rate / span.sample_rate) + start
    return values[place.long()]


def fsk(
    samples: int,
    span: Span,
    rng: Rng,
    rate: float,
    deviation: float,
    centre: float,
    bits: Tensor | None = None,
) -> Tensor:
    """Smoothed FSK of ``rate`` symbols/s around ``centre``. ``bits``: what it begins with, +1 and
    -1 or levels between; random ones follow."""
    width = max(1, round(0.5 * span.sample_rate / rate))
    count = int((samples + width) * rate / span.sample_rate) + 2
    known = 0 if bits is None else min(count, bits.numel())
    levels = signs(count, rng)
    if known:
        levels[:known] = bits[:known]
    steps = held(levels, samples + width - 1, rate, span)
    total = torch.nn.functional.pad(steps.double().cumsum(0), (1, 0))
    smooth = (total[width:] - total[:-width]) / width
    return rotate((smooth * deviation + centre) * (2 * math.pi / span.sample_rate))


@lru_cache(maxsize=1)
def _smooth_sizes() -> tuple[list[int], set[int]]:
    """Transform sizes without large prime factors, in order and as a set."""
    sizes = {1}
    for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47):
        for size in list(sizes):
            while size * p <= MOST_TRANSFORM:
                size *= p
                sizes.add(size)
    return sorted(sizes), sizes


def smooth_size(least: int) -> int:
    """The next size of a quick transform."""
    sizes, _ = _smooth_sizes()
    return sizes[bisect_left(sizes, least)]


@lru_cache(maxsize=2048)
def resampling(samples: int, sample_rate: float, native: float) -> tuple[int, int]:
    """(samples at the ``native`` rate, samples at the span's) of equal length, ``samples`` or a
    little more, both quick to transform; their ratio errs by :data:`MOST_CLOCK_ERROR` at most, or
    by as little as can be had."""
    sizes, known = _smooth_sizes()
    best = None
    for wide in sizes[bisect_left(sizes, samples) :]:
        if wide > 1.12 * samples + 6000:
            break
        exact = wide * native / sample_rate
        narrow = max(2, round(exact))
        error = max(abs(narrow / exact - 1), MOST_CLOCK_ERROR)
        # Small transforms are quick enough whatever their factors are.
        slow = narrow > SMALL_TRANSFORM and narrow not in known
        if best is None or (error, slow) < best[0]:
            best = (error, slow), narrow, wide
            if error == MOST_CLOCK_ERROR and not slow:
                break
    return best[1:]


def resampled(native: Tensor, wide: int, span: Span, centre: float) -> Tensor:
    """Samples of a whole frame from another rate to the span's, moved to ``centre`` (Hz); what
    falls outside of the span is cut off. ``wide``: from :func:`resampling`."""
    return to_span(torch.fft.fft(native), wide, span, centre)


def to_span(spectrum: Tensor, wide: int, span: Span, centre: float) -> Tensor:
    """As :func:`resampled`, from the samples' spectrum."""
    count = spectrum.numel()
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


def _within(native: Tensor, rate: float, start: float, span: Span) -> tuple[Tensor, float]:
    """What of a burst lies in the span's time, with a little more on both sides, and its start."""
    first = max(0, math.floor(-start * rate) - MARGIN)
    end = max(first, math.ceil((span.duration - start) * rate) + MARGIN)
    return native[first:end], start + first / rate


def put(out: Tensor, native: Tensor, rate: float, start: float, span: Span, centre: float) -> None:
    """Add a burst of samples at ``rate`` to ``out``, from ``start`` (s) on, around ``centre``."""
    if native.numel() * span.sample_rate / rate > LONGEST_BURST:
        native, start = _within(native, rate, start, span)
    begin = round(start * span.sample_rate)
    # A few samples of silence, or the burst's end would ring into its start.
    length = int(native.numel() * span.sample_rate / rate) + 8
    if begin >= out.numel() or begin + length <= 0:
        return
    count, wide = resampling(length, span.sample_rate, rate)
    padded = torch.nn.functional.pad(native[:count], (0, max(0, count - native.numel())))
    burst = resampled(padded, wide, span, centre)[:length]
    first, last = max(0, begin), min(out.numel(), begin + burst.numel())
    if last > first:
        out[first:last] += burst[first - begin : last - begin]
