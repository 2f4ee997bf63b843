# SPDX-License-Identifier: GPL-3.0-or-later
"""A receiver's frequency response and sample clock, applied to samples: analogue and decimation
filters, and the resampling that a wrong clock amounts to, both in one pass of overlap-save."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from .rng import Rng

# Points of a response over the span, and of the transforms that apply it
POINTS = 1024
# Samples that each transform yields; the impulse response has one tap more.
HOP = POINTS // 2
# Transforms at a time: few enough to stay in a processor's cache
BATCH = 64
# Delays within a batch are rounded to parts of a sample: an error of -37 dB at the span's edges.
DELAY_STEPS = 128
# Without prefixes, filters and clock errors need this many samples.
LEAST_SAMPLES = 4 * POINTS
KAISER_BETA = 9.0


@dataclass(frozen=True)
class Response:
    """What a filter passes. ``gain``: complex64 (POINTS,) in the order of an FFT, impulse response
    of at most HOP + 1 taps around zero delay; ``depth_db``: how deep its stop band lies, 0 where
    it has none."""

    gain: Tensor
    depth_db: float = 0.0

    @property
    def flat(self) -> bool:
        """Whether it passes everything alike."""
        return bool((self.gain == 1).all())

    def power(self, cols: int) -> Tensor:
        """Power gain in each of ``cols`` columns of a spectrogram: (cols,)."""
        return in_columns(torch.fft.fftshift(self.gain.abs().square()), cols)


FLAT = Response(torch.ones(POINTS, dtype=torch.complex64))


def in_columns(power: Tensor, cols: int) -> Tensor:
    """A power spectrum (POINTS,) of ascending frequencies as a spectrogram of Hann windows of
    ``cols`` samples shows it: float32 (cols,)."""
    window = torch.hann_window(min(cols, POINTS), periodic=True, dtype=torch.float64)
    kernel = torch.fft.rfft(torch.fft.fft(window, n=POINTS).abs().square())
    seen = torch.fft.irfft(torch.fft.rfft(power.double()) * kernel / kernel[0].real, n=POINTS)
    return seen[torch.arange(cols) * POINTS // cols].clamp_min(0).float()


def response_of(shape_db: Tensor, depth_db: float = 0.0) -> Response:
    """The filter with a limited impulse response that comes near ``shape_db`` (POINTS,), dB at
    ascending frequencies. A Kaiser window spreads steps over about 1 % of the span and holds the
    error some 90 dB below."""
    wanted = torch.fft.ifftshift(10.0 ** (shape_db.double() / 20))
    taps = torch.fft.fftshift(torch.fft.ifft(wanted))
    window = torch.zeros(POINTS, dtype=torch.float64)
    low = POINTS // 2 - HOP // 2
    window[low : low + HOP + 1] = torch.kaiser_window(
        HOP + 1, periodic=False, beta=KAISER_BETA, dtype=torch.float64
    )
    gain = torch.fft.fft(torch.fft.ifftshift(taps * window))
    return Response(gain.to(torch.complex64), depth_db)


def draw_response(rng: Rng) -> Response:
    """None at all, the gentle slopes of an analogue front end, or a plateau between stop bands."""
    kind = rng.choice(("flat", "gentle", "plateau"), (0.2, 0.4, 0.4))
    if kind == "flat":
        return FLAT
    x = torch.linspace(-1, 1, POINTS + 1)[:-1]
    shape = _gentle(x, rng)
    depth = 0.0
    if kind == "plateau":
        depth = rng.uniform(20, 80)
        shape += _plateau(x, depth, rng)
    elif rng.chance(0.6):
        corner = rng.uniform(0.8, 1.0)
        shape -= rng.uniform(3, 40) * ((x.abs() - corner) / 0.2).clamp_min(0).square() * 4
    if rng.chance(0.06):
        # Coupled by a capacitor: a hole around the centre
        shape -= rng.uniform(10, 40) * torch.exp(-((x / rng.uniform(0.004, 0.02)) ** 2))
    return response_of(shape, depth)


def _gentle(x: Tensor, rng: Rng) -> Tensor:
    """Tilt and ripple in dB."""
    tilt = rng.uniform(-1, 1) * rng.choice((0.3, 1.5, 3.0))
    return tilt * x + rng.uniform(0, 0.6) * torch.cos(x * rng.uniform(2, 15) + rng.uniform(0, 6))


def _plateau(x: Tensor, depth: float, rng: Rng) -> Tensor:
    """A pass band of 30 to 100 % of the span in dB: centred or not, with any transition, its two
    sides alike or not, over a stop band that may have lobes."""
    width = rng.choice((rng.uniform(0.3, 0.8), rng.uniform(0.8, 1.0)), (0.75, 0.25))
    centre = 0.0 if rng.chance(0.55) else rng.uniform(-1, 1) * 0.9 * (1 - width)
    transition = rng.log_uniform(0.005, 0.3)
    alike = rng.chance(0.6)
    family = rng.choice(("cosine", "straight", "butterworth"))
    place = (x - centre) / width
    out = -rng.uniform(0, 4) * place.square().clamp_max(1) * rng.choice((0.0, 1.0))
    out += rng.choice((0.0, rng.uniform(0, 1.5))) * torch.cos(place * rng.uniform(5, 40))
    for sign in (-1.0, 1.0):
        beyond = (sign * place - 1).clamp_min(0) * width
        if family == "butterworth":
            order = min(40.0, depth / 20 / math.log10(1 + transition / width))
            ratio = (sign * place).clamp_min(0)
            loss = (10 * torch.log10(1 + ratio ** (2 * order))).clamp_max(depth)
        else:
            u = (beyond / transition).clamp_max(1)
            loss = depth * (u if family == "straight" else 0.5 - 0.5 * torch.cos(math.pi * u))
        out -= loss
        if not alike:
            transition = rng.log_uniform(0.005, 0.3)
            depth = max(15.0, depth - rng.uniform(0, 25))
    if rng.chance(0.3):
        stop = (out < -0.9 * depth).float()
        lobes = 20 * torch.log10(torch.sin(x * rng.uniform(10, 60)).abs().clamp_min(0.1))
        out += stop * lobes
    return out


@lru_cache(maxsize=1)
def _delays() -> Tensor:
    """complex64 (3 * DELAY_STEPS, POINTS): delays of 0 to 3 samples."""
    delay = torch.arange(3 * DELAY_STEPS, dtype=torch.float64) / DELAY_STEPS
    turns = torch.outer(delay, torch.fft.fftfreq(POINTS, dtype=torch.float64))
    angle = turns.remainder(1.0) * (-2 * math.pi)
    return torch.polar(torch.ones_like(angle), angle).to(torch.complex64)


def filtered(iq: Tensor, response: Response, clock_ppm: float = 0.0) -> Tensor:
    """Samples after a filter, taken by a clock that is off.

    Args:
        iq: complex64 (samples,), LEAST_SAMPLES or more.
        clock_ppm: a clock that is fast by so much (at most 100 either way) takes more samples of
            the same time: sample n is what was at n - clock_ppm * 1e-6 * (n - samples / 2). The
            delay steps between transforms; at 50 ppm the error stays 30 dB below at the span's
            edges.

    Returns:
        complex64 (samples,). Beyond its ends the signal is taken to go on as mirrored in time.
    """
    drift = clock_ppm * 1e-6
    moves = abs(drift) * iq.numel() > 0.05
    if response.flat and not moves:
        return iq
    batches = -(-iq.numel() // (BATCH * HOP))
    out = torch.empty(batches * BATCH, HOP, dtype=torch.complex64)
    reach = POINTS + int(abs(drift) * out.numel()) + 2
    # Mirrored in time and conjugated: of the same spectrum
    after = out.numel() - iq.numel()
    ends = iq[:reach].flip(0).conj(), _fitted(iq, after + reach)
    padded = torch.cat([ends[0].resolve_conj(), iq, ends[1]])
    gains = (_delays() if moves else _delays()[:1]) * response.gain
    for batch in range(batches):
        first = batch * BATCH
        middles = (torch.arange(first, first + BATCH) + 0.5) * HOP
        delay = drift * (middles - iq.numel() / 2)
        whole = math.floor(float(delay.min())) if moves else 0
        low = reach + first * HOP - HOP // 2 - whole
        piece = padded[low : low + (BATCH + 1) * HOP].unfold(0, POINTS, HOP)
        spectra = torch.fft.fft(piece)
        if moves:
            spectra *= gains[((delay - whole) * DELAY_STEPS).round().long()]
        else:
            spectra *= gains[0]
        out[first : first + BATCH] = torch.fft.ifft(spectra)[:, HOP // 2 : HOP // 2 + HOP]
    return out.view(-1)[: iq.numel()]


def _fitted(iq: Tensor, count: int) -> Tensor:
    """``count`` samples that follow ``iq``, mirrored in time; silence where it is too short."""
    mirrored = iq[-count:].flip(0).conj().resolve_conj()
    if len(mirrored) == count:
        return mirrored
    return torch.cat([mirrored, torch.zeros(count - len(mirrored), dtype=iq.dtype)])
