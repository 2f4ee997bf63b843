# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise that a receiver adds behind its filter: the floor beneath a stop band, and floors that
lean, step or rise around the centre."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .filters import POINTS, Response, in_columns
from .rng import Rng
from .span import NoiseBank

# No shape lifts the floor by more (dB).
MOST_DB = 15.0
WIDEST_BUMP = 0.4


@dataclass(frozen=True)
class Shapes:
    """How uneven a floor can be: the least width of a bump (half of the half span), by how much it
    steps at most (dB), and the least width of such a step.

    Receivers have slopes, wide humps and gentle steps. A ridge of few
    columns, or a band with steep sides, that is there all the time is an emission: TETRA, an FM
    voice channel, a television multiplex look like that.
    """

    narrowest_bump: float = 0.2
    step_db: float = 6.0
    steepest_step: float = 0.05


USUAL = Shapes()


def draw_floor(response: Response, rng: Rng, shapes: Shapes = USUAL) -> Tensor | None:
    """Power spectrum (POINTS,) at ascending frequencies over that of the antenna's noise, or
    None where there is none to speak of."""
    parts = []
    if response.depth_db:
        # Beneath the stop band, or above what of it would be left
        level = -min(85.0, max(12.0, response.depth_db + rng.uniform(-15, 15)))
        parts.append(torch.full((POINTS,), 10 ** (level / 10)))
    if rng.chance(0.25):
        x = torch.linspace(-1, 1, POINTS + 1)[:-1]
        shape = rng.choice((_tilt, _bumps, _steps, _flicker))
        parts.append(10 ** (shape(x, rng, shapes).clamp_max(MOST_DB) / 10))
    return sum(parts) if parts else None


def _tilt(x: Tensor, rng: Rng, shapes: Shapes) -> Tensor:
    return rng.uniform(-10, 10) * x - rng.uniform(0, 6)


def _bumps(x: Tensor, rng: Rng, shapes: Shapes) -> Tensor:
    power = torch.zeros_like(x)
    for _ in range(rng.integer(1, 3)):
        away = (x - rng.uniform(-1, 1)) / rng.log_uniform(shapes.narrowest_bump, WIDEST_BUMP)
        power += 10 ** (rng.uniform(-3, 14) / 10) * torch.exp(-away.square())
    return 10 * torch.log10(power + 1e-9)


def _steps(x: Tensor, rng: Rng, shapes: Shapes) -> Tensor:
    level = torch.full_like(x, -rng.uniform(3, 20))
    for _ in range(rng.integer(1, 3)):
        edge = (x - rng.uniform(-0.9, 0.9)) / rng.log_uniform(
            shapes.steepest_step, 25 * shapes.steepest_step
        )
        level += rng.uniform(-shapes.step_db, shapes.step_db) * torch.sigmoid(edge)
    return level


def _flicker(x: Tensor, rng: Rng, shapes: Shapes) -> Tensor:
    """1/f noise of a mixer to zero frequency."""
    corner = rng.log_uniform(0.002, 0.03)
    return rng.uniform(0, MOST_DB) - 10 * torch.log10(1 + x.abs() / corner)


def shaped_noise(power: Tensor, samples: int, bank: NoiseBank) -> Tensor:
    """complex64 (samples,) of Gaussian noise with the power spectrum ``power`` (POINTS,) at
    ascending frequencies: blocks that overlap by half, each drawn in frequency."""
    if float(power.max()) - float(power.min()) < 1e-12:
        return bank.draw(samples) * float(power[0]) ** 0.5
    half = POINTS // 2
    blocks = -(-samples // half) + 1
    window = torch.hann_window(POINTS).sqrt() * POINTS**0.5
    amplitude = torch.fft.ifftshift(power).sqrt().to(torch.complex64)
    x = torch.fft.ifft(bank.draw(blocks * POINTS).view(blocks, POINTS) * amplitude) * window
    return (x[1:, :half] + x[:-1, half:]).reshape(-1)[:samples]


def power_in_columns(power: Tensor | None, cols: int) -> Tensor:
    """(cols,) of a floor; zeros for none."""
    return torch.zeros(cols) if power is None else in_columns(power, cols)
