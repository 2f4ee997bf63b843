# SPDX-License-Identifier: GPL-3.0-or-later
"""Analogue television, 625 lines at 50 fields and 525 at 59.94 (ITU-R BT.470): by FM as from
drones and wireless cameras, by AM with a vestigial sideband as on the air and in cables."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..rng import Rng
from ..span import Span
from .base import frequency, resampled, resampling, rotate, smooth_size, to_span
from .fm import sound_carrier

# Both standards have a whole number of samples in a line at this rate (ITU-R BT.601).
RATE = 13.5e6
SYNC, WHITE = -0.3, 0.7
BURST = 0.15


@dataclass(frozen=True)
class Standard:
    """``lines`` of ``per_line`` samples in two fields; ``subcarrier`` of colour in Hz; samples of
    the picture's start and length in a line; ``top``: a field's first line with a picture, of
    ``rows``. The rest is in half lines: equalising and broad pulses, from and to."""

    lines: int
    per_line: int
    subcarrier: float
    left: int
    width: int
    top: int
    rows: int
    equalising: tuple[tuple[int, int], ...]
    broad: tuple[int, int]
    alternates: bool


PAL = Standard(625, 864, 4433618.75, 142, 702, 22, 287, ((-5, 0), (5, 10)), (0, 5), True)
NTSC = Standard(525, 858, 315e6 / 88, 127, 711, 20, 241, ((0, 6), (12, 18)), (6, 12), False)
# Samples of the horizontal, equalising and broad pulses, and of the burst's start and length
LINE_PULSE, EQUALISING_PULSE, BROAD_PULSE = 63, 32, 366
BURST_AT, BURST_LENGTH = 75, 32


def _picture(rows: int, cols: int, rng: Rng) -> Tensor:
    """(rows, cols) in 0 to 1: smooth shades, finer ones, boxes with sharp edges."""
    image = torch.zeros(rows, cols)
    for grid, share in ((6, 1.0), (24, 0.4), (90, 0.15)):
        coarse = rng.normal(1, 1, grid, grid)
        image += share * interpolate(coarse, (rows, cols), mode="bilinear")[0, 0]
    for _ in range(rng.integer(0, 6)):
        y, x = rng.integer(0, rows - 12), rng.integer(0, cols - 12)
        image[y : y + rng.integer(8, rows), x : x + rng.integer(8, cols // 2)] = rng.normal(1)
    return (0.5 + 0.25 * image * rng.uniform(0.2, 1.2)).clamp_(0, 1)


def _blanking(standard: Standard) -> Tensor:
    """A frame's synchronising pulses: (2 lines, samples of half a line)."""
    halves = torch.zeros(2 * standard.lines, standard.per_line // 2)
    halves[::2, :LINE_PULSE] = SYNC
    for field in (0, standard.lines):
        for first, last in standard.equalising:
            rows = torch.arange(field + first, field + last) % len(halves)
            halves[rows] = 0.0
            halves[rows, :EQUALISING_PULSE] = SYNC
        rows = torch.arange(field + standard.broad[0], field + standard.broad[1])
        halves[rows, :BROAD_PULSE] = SYNC
    return halves


def composite(samples: int, standard: Standard, rng: Rng) -> Tensor:
    """Luminance, colour and pulses in volts at :data:`RATE` from any place in a still picture on:
    (samples,)."""
    frame = _blanking(standard).view(standard.lines, standard.per_line)
    colour = torch.zeros(2, standard.lines, standard.per_line)
    left, right = standard.left, standard.left + standard.width
    luminance = _picture(2 * standard.rows, standard.width, rng)
    tint = interpolate(rng.normal(1, 2, 12, 12), (standard.rows, standard.width), mode="bilinear")
    saturation = rng.choice((0.0, 0.08, 0.15))
    for field in (0, 1):
        first = standard.top + field * (standard.lines + 1) // 2
        rows = slice(first, first + standard.rows)
        frame[rows, left:right] = luminance[field::2] * WHITE
        colour[:, rows, left:right] = tint[0] * saturation
        burst = slice(BURST_AT, BURST_AT + BURST_LENGTH)
        colour[0, rows, burst] = -BURST
        if standard.alternates:
            colour[1, rows, burst] = BURST
    total = standard.lines * standard.per_line
    place = torch.arange(samples) + rng.integer(0, total - 1)
    flat = frame.view(-1)[place % total]
    if saturation == 0.0 and rng.chance(0.7):
        # Black and white, without a burst
        return flat
    turn = (place.double() * (standard.subcarrier / RATE)).remainder_(1.0).float() * (2 * math.pi)
    second = colour[1].view(-1)[place % total]
    if standard.alternates:
        second = second * (1.0 - 2.0 * (place // standard.per_line % 2))
    return flat + colour[0].view(-1)[place % total] * turn.sin() + second * turn.cos()


def video_fm(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """FM by a composite signal, with a sound carrier or two above it: 8 to 27 MHz wide."""
    standard = rng.choice((PAL, NTSC))
    swing = rng.log_uniform(3e6, 10e6)
    factor = 2 if swing < 6e6 else 3
    count, wide = resampling(span.samples, span.sample_rate, factor * RATE)
    own = composite(smooth_size(count // factor + 1), standard, rng)
    spectrum = torch.fft.rfft(own)
    f = torch.arange(spectrum.numel()) / own.numel() * (RATE / 1e6)
    if rng.chance(0.5):
        # Pre-emphasis of 625 lines (ITU-R F.405): f in MHz
        spectrum = spectrum * 0.28 * torch.complex(torch.ones_like(f), 3.195 * f)
        spectrum = spectrum / torch.complex(torch.ones_like(f), 0.639 * f)
    spectrum[f > 6.0] = 0
    fine = torch.fft.irfft(spectrum, n=factor * own.numel())[:count] * factor
    hertz = (fine - 0.2) * (swing * rng.choice((1.0, 1.0, -1.0)))
    for _ in range(rng.integer(0, 2)):
        tone = sound_carrier(count, factor * RATE, rng.choice((5.5e6, 6.0e6, 6.5e6)), rng)
        hertz = hertz + tone.real * (0.06 * swing)
    x = rotate(hertz * (2 * math.pi / (factor * RATE)))
    width = swing + 6e6
    return resampled(x, wide, span, frequency(span, rng, width, cut=True)), width


def video_am(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Negative AM with a lower sideband of 0.75 MHz and an FM sound carrier above the upper one."""
    standard = rng.choice((PAL, NTSC))
    count, wide = resampling(span.samples, span.sample_rate, RATE)
    upper, sound = (5.0, rng.choice((5.5, 6.0))) if standard is PAL else (4.2, 4.5)
    # From a peak at the pulses to a fifth of it in white
    spectrum = torch.fft.fft((0.76 - 0.8 * composite(count, standard, rng)) + 0j)
    f = torch.fft.fftfreq(count) * (RATE / 1e6)
    low, high = ((f + 1.25) / 0.5).clamp(0, 1), ((upper + 0.3 - f) / 0.3).clamp(0, 1)
    spectrum = spectrum * low * high
    level = 0.65 * 10 ** (-rng.uniform(10, 16) / 20)
    spectrum += torch.fft.fft(sound_carrier(count, RATE, sound * 1e6, rng) * level)
    if span.sample_rate < 7e6 and rng.chance(0.7):
        # A narrow receiver is tuned to the picture's carrier or near it.
        centre = rng.uniform(-0.4, 0.3) * span.sample_rate
    else:
        centre = frequency(span, rng, 7e6, cut=True) - 2.1e6
    return to_span(spectrum, wide, span, centre), 2e6
