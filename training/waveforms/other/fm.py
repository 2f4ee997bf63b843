# SPDX-License-Identifier: GPL-3.0-or-later
"""Analogue sound: broadcasts in FM (ITU-R BS.450), voice in narrow FM and AM."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import empty, frequency, resampled, resampling, rotate, signs

# Samples of the multiplex signal per second
RATE = 480e3
PILOT_HZ, DEVIATION_HZ = 19e3, 75e3
# The radio data system: 1187.5 bit/s in two phases each on three times the pilot (EN 50067)
RDS_HZ, RDS_BITS = 3 * PILOT_HZ, PILOT_HZ / 16
VOICE_HZ = 48e3


def audio(samples: int, highest: float, level: float, rng: Rng, rate: float) -> Tensor:
    """Sound of RMS ``level`` up to ``highest`` Hz at ``rate``: noise that falls with frequency and
    a few harmonics, peaks below 1."""
    bins = samples // 2 + 1
    f = torch.arange(bins) * (rate / samples)
    shape = (f < highest) * (f > 40) / (1 + f / 400)
    spectrum = torch.view_as_complex(rng.normal(bins, 2)) * shape
    pitch = rng.uniform(90, 400)
    for harmonic in range(1, rng.integer(2, 12)):
        place = round(harmonic * pitch * samples / rate)
        if 0 < place < bins and harmonic * pitch < highest:
            turn = 2 * math.pi * rng.uniform(0, 1)
            spectrum[place] += 20 / harmonic * complex(math.cos(turn), math.sin(turn))
    x = torch.fft.irfft(spectrum, n=samples)
    return (x / x.square().mean().sqrt().clamp_min(1e-9) * level).clamp_(-1, 1)


def sound_carrier(samples: int, rate: float, centre: float, rng: Rng) -> Tensor:
    """The sound of a television channel: FM of 50 kHz about ``centre`` (Hz), complex (samples,)
    at ``rate``."""
    slow = audio(max(64, int(samples * VOICE_HZ / rate)), 15e3, 0.2, rng, VOICE_HZ)
    fine = torch.nn.functional.interpolate(slow[None, None], samples, mode="linear")[0, 0]
    return rotate((fine * 50e3 + centre) * (2 * math.pi / rate))


def multiplex(samples: int, stereo: bool, data: bool, rng: Rng) -> Tensor:
    """The signal that modulates a broadcast, full deviation 1: (samples,) at :data:`RATE`."""
    loud = rng.uniform(0.05, 0.3)
    middle = audio(samples, 15e3, loud, rng, RATE)
    turn = (torch.arange(samples, dtype=torch.float64) * (PILOT_HZ / RATE)).remainder_(1.0)
    pilot = (turn * (2 * math.pi)).float()
    x = 0.9 * middle
    if stereo:
        side = audio(samples, 15e3, loud * rng.uniform(0.1, 0.7), rng, RATE)
        x = x + 0.09 * pilot.sin() + 0.9 * side * (2 * pilot).sin()
    if data:
        half = RATE / RDS_BITS / 2
        count = int(samples / (2 * half)) + 2
        levels = torch.stack([one := signs(count, rng), -one], dim=1).view(-1)
        place = torch.arange(samples, dtype=torch.float64) / half + rng.uniform(0, 2)
        index = place.long()
        # Half a sine in each half of a bit
        wave = levels[index] * torch.sin(math.pi * (place - index)).float()
        x = x + 0.05 * wave * (3 * pilot).sin()
    return x


def fm_broadcast(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """One to four stations with 75 kHz of deviation, mono or stereo, with or without radio data,
    on a raster of 100 kHz."""
    count, wide = resampling(span.samples, span.sample_rate, RATE)
    out = empty(span)
    middle = frequency(span, rng, 200e3)
    for i in range(rng.choice((1, 2, 3, 4), (0.6, 0.2, 0.1, 0.1))):
        x = multiplex(count, rng.chance(0.8), rng.chance(0.7), rng)
        x = rotate(x * (2 * math.pi * DEVIATION_HZ / RATE))
        centre = middle if i == 0 else middle + rng.choice((-1, 1)) * rng.integer(2, 12) * 100e3
        if abs(centre) > 0.5 * span.sample_rate:
            continue
        level = 1.0 if i == 0 else 10 ** (rng.uniform(-20, 0) / 20)
        out += resampled(x, wide, span, centre) * level
    return out, 2 * DEVIATION_HZ


def fm(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Voice: FM of 2.5 or 5 kHz of deviation, also keyed, or AM with its carrier."""
    deviation = rng.choice((2.5e3, 5e3))
    centre = frequency(span, rng, deviation)
    count, wide = resampling(span.samples, span.sample_rate, VOICE_HZ)
    voice = audio(count, 3.4e3, rng.uniform(0.02, 0.4), rng, VOICE_HZ)
    if rng.chance(0.3):
        x = (1 + voice) * torch.ones(count, dtype=torch.complex64)
    else:
        # A tone below the voice opens the other side's squelch.
        tone = rng.choice((0.0, 0.1)) * torch.sin(
            torch.arange(count) * (2 * math.pi * rng.uniform(67, 250) / VOICE_HZ)
        )
        x = rotate((voice + tone) * (2 * math.pi * deviation / VOICE_HZ))
    out = resampled(x, wide, span, centre)
    if rng.chance(0.3):
        # The key is pressed or released within the frame.
        at = rng.integer(0, span.samples - 1)
        if rng.chance(0.5):
            out[:at] = 0
        else:
            out[at:] = 0
    return out, 2 * (deviation + 3.4e3)
