# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver does: gain, overload, IQ imbalance, DC, spurs, quantisation, filters."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .rng import Rng
from .span import Span


def receive(iq: Tensor, span: Span, rng: Rng) -> tuple[Tensor, list[int]]:
    """Samples as a radio delivers them, full scale 1.

    Args:
        iq: complex64 (samples,), noise of variance 1 plus emissions.

    Returns:
        The samples, and the columns that the radio spoiled by DC or spurs.
    """
    spoiled: list[int] = []
    if rng.chance(0.5):
        # Image: the mirrored spectrum, 25 to 50 dB below.
        iq = iq + iq.conj() * 10 ** (-rng.uniform(25, 50) / 20)
    rms = float(iq.abs().square().mean().sqrt())
    # Drive: RMS over full scale. Overload clips and lifts the floor with the signal's pulse.
    drive = rng.choice(
        (rng.uniform(-35, -12), rng.uniform(-12, -3), rng.uniform(-3, 4)), (0.7, 0.2, 0.1)
    )
    iq = iq * (10 ** (drive / 20) / rms)
    if rng.chance(0.3):
        # A compressing front end: third-order products around strong signals.
        iq = iq * (1 - rng.uniform(0.05, 0.35) * iq.abs().square().clamp_max(1.5))
    if rng.chance(0.15):
        iq = _gain_step(iq, rng)
    if rng.chance(0.45):
        iq = iq + 10 ** (rng.uniform(-50, -15) / 20)
        spoiled.append(span.spec.cols // 2)
    if rng.chance(0.3):
        spoiled += _add_spurs(iq, span, rng)
    bits = rng.choice((7, 8, 8, 11, 12, 14, 16))
    step = 2.0 ** (1 - bits)
    parts = torch.view_as_real(iq.contiguous()).clamp(-1.0, 1.0 - step)
    # A radio's own noise dithers the last bit.
    parts = torch.round(parts / step + 0.0) * step
    if bits <= 8 and float(parts.std()) < 0.6 * step:
        parts = torch.view_as_real(iq.contiguous())
    return torch.view_as_complex(parts.contiguous()), spoiled


def _gain_step(iq: Tensor, rng: Rng) -> Tensor:
    """An automatic gain control that changes its mind once."""
    gain = torch.ones(iq.numel())
    gain[rng.integer(0, iq.numel() - 1) :] = 10 ** (rng.uniform(-10, 6) / 20)
    return iq * gain


def _add_spurs(iq: Tensor, span: Span, rng: Rng) -> list[int]:
    cols = []
    t = torch.arange(iq.numel())
    for _ in range(rng.integer(1, 3)):
        col = rng.integer(1, span.spec.cols - 2)
        turns = (col - span.spec.cols / 2 + rng.uniform(-0.4, 0.4)) / span.spec.cols
        phase = (t * turns).remainder(1.0) * (2 * math.pi)
        iq += torch.polar(torch.full_like(phase, 10 ** (rng.uniform(-60, -25) / 20)), phase)
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
