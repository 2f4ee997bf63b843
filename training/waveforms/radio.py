# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver does: gain, overload, IQ imbalance, DC, spurs, phase noise, quantisation,
filters. Noise is coloured where it is drawn (:class:`.span.NoiseBank`)."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from .ofdm import shifted
from .rng import Rng
from .span import Span

PHASE_POOL = 1 << 19


def receive(iq: Tensor, span: Span, rng: Rng) -> tuple[Tensor, list[int]]:
    """Samples as a radio delivers them, full scale 1.

    Args:
        iq: complex64 (samples,), noise of variance 1 plus emissions; it may be changed.

    Returns:
        The samples, and the columns that the radio spoiled by DC or spurs.
    """
    spoiled: list[int] = []
    if rng.chance(0.15):
        _add_phase_noise(iq, span, rng)
    if rng.chance(0.5):
        # Gain and phase that differ between I and Q mirror the spectrum, 25 to 50 dB below.
        image = 10 ** (-rng.uniform(25, 50) / 20)
        turn = rng.uniform(0, 2 * math.pi)
        iq = iq + iq.conj() * complex(image * math.cos(turn), image * math.sin(turn))
    rms = float(torch.view_as_real(iq).square().mean() * 2) ** 0.5
    # Drive: RMS over full scale. Overload clips and lifts the floor with the signal's pulse.
    drive = rng.choice(
        (rng.uniform(-35, -12), rng.uniform(-12, -3), rng.uniform(-3, 4)), (0.7, 0.2, 0.1)
    )
    iq = iq * (10 ** (drive / 20) / rms)
    if rng.chance(0.3):
        # A compressing front end: third-order products around strong signals.
        power = torch.view_as_real(iq).square().sum(1)
        iq = iq * (1 - rng.uniform(0.05, 0.35) * power.clamp_max(1.5))
    if rng.chance(0.15):
        iq = _gain_steps(iq, rng)
    if rng.chance(0.45):
        turn = rng.uniform(0, 2 * math.pi)
        dc = 10 ** (rng.uniform(-50, -15) / 20)
        iq = iq + complex(dc * math.cos(turn), dc * math.sin(turn))
        spoiled.append(span.spec.cols // 2)
    if rng.chance(0.3):
        spoiled += _add_spurs(iq, span, rng)
    bits = rng.choice((6, 7, 8, 8, 8, 10, 11, 12, 14, 16), (0.05, *(0.95 / 9,) * 9))
    step = 2.0 ** (1 - bits)
    parts = torch.view_as_real(iq.contiguous())
    if bits > 8 or float(parts.std()) >= 0.6 * step:
        # Below that a real radio's gain would have been raised: nothing but the last bit is left.
        parts = (parts.clamp(-1.0, 1.0 - step) / step).round_().mul_(step)
    return torch.view_as_complex(parts.contiguous()), spoiled


@lru_cache(maxsize=1)
def _phase_walk() -> Tensor:
    """(PHASE_POOL,) of a random walk that is pulled back to zero: a phase-locked loop's noise,
    flat up to about a thousandth of the rate and falling beyond, of variance 1."""
    steps = torch.randn(PHASE_POOL, generator=torch.Generator().manual_seed(11))
    f = torch.fft.rfftfreq(PHASE_POOL)
    walk = torch.fft.irfft(torch.fft.rfft(steps) / (1 + f / 1e-3), n=PHASE_POOL)
    return walk / walk.std()


def _add_phase_noise(iq: Tensor, span: Span, rng: Rng) -> None:
    """0.3 to 4 degrees RMS: for so little, exp(jx) is 1 + jx."""
    walk = _phase_walk()
    level = rng.log_uniform(0.005, 0.07)
    for a in range(0, iq.numel(), PHASE_POOL):
        piece = iq[a : a + PHASE_POOL]
        start = rng.integer(0, PHASE_POOL - piece.numel())
        phase = walk[start : start + piece.numel()] * level
        parts = torch.view_as_real(piece)
        real, imaginary = parts[:, 0].clone(), parts[:, 1]
        parts[:, 0].addcmul_(imaginary, phase, value=-1)
        imaginary.addcmul_(real, phase)


def _gain_steps(iq: Tensor, rng: Rng) -> Tensor:
    """An automatic gain control that changes its mind once to three times."""
    gain = torch.ones(iq.numel())
    for _ in range(rng.choice((1, 1, 2, 3))):
        gain[rng.integer(0, iq.numel() - 1) :] *= 10 ** (rng.uniform(-10, 6) / 20)
    return iq * gain


def _add_spurs(iq: Tensor, span: Span, rng: Rng) -> list[int]:
    cols = []
    for _ in range(rng.integer(1, 3)):
        col = rng.integer(1, span.spec.cols - 2)
        turns = (col - span.spec.cols / 2 + rng.uniform(-0.4, 0.4)) / span.spec.cols
        level = torch.full((iq.numel(),), 10 ** (rng.uniform(-60, -25) / 20), dtype=iq.dtype)
        iq += shifted(level, turns * span.sample_rate, span.sample_rate)
        cols.append(col)
    return cols


def filter_level(level_db: Tensor, span: Span, rng: Rng) -> Tensor:
    """The front end's frequency response on a spectrogram (C, rows, cols) in dB: tilt, ripple and
    the roll-off at the span's edges, down to a floor of what follows the filter."""
    cols = span.spec.cols
    x = torch.linspace(-1, 1, cols)
    shape = rng.uniform(-1, 1) * x * rng.choice((0.3, 1.5, 3.0))
    shape += rng.uniform(0, 0.6) * torch.cos(x * rng.uniform(2, 15) + rng.uniform(0, 6))
    if rng.chance(0.6):
        corner = rng.uniform(0.8, 1.0)
        depth = rng.uniform(3, 40)
        shape -= depth * ((x.abs() - corner) / (1.0 - 0.8)).clamp_min(0).square() * 4
    lowest = level_db.median() - rng.uniform(5, 25)
    through = 10 ** ((level_db + shape) / 10)
    return 10 * torch.log10(through + 10 ** (lowest / 10) * 0.3)
