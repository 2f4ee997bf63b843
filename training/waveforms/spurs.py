# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that a receiver makes by itself: its DC offset, and spurs that stand, drift or form combs.

Each function adds to the samples and returns what it left in each pixel, relative to unit-variance
noise: (rows, cols).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .ofdm import shifted
from .rng import Rng
from .span import Span

# Places of a drift that is drawn through them
KNOTS = 24


def draw_amplitude(span: Span, rng: Rng) -> float:
    """Of a line that stands -3 to 50 dB above the noise in its pixel, strong ones rarely."""
    level = rng.choice((rng.uniform(-3, 25), rng.uniform(20, 50)), (0.8, 0.2))
    return (10 ** (level / 10) * span.noise_per_pixel) ** 0.5


def line_power(amplitude: float | Tensor, columns: Tensor, span: Span) -> Tensor:
    """Power of a line over that of unit-variance noise in each pixel: (rows, cols). ``columns``:
    where it is in each row (rows,), fractions allowed; ``amplitude``: of all rows or of each
    (rows, 1)."""
    away = torch.arange(span.spec.cols) - columns[:, None]
    # The transform of a periodic Hann window, for a line between two bins
    seen = torch.sinc(away) + 0.5 * torch.sinc(away - 1) + 0.5 * torch.sinc(away + 1)
    return (amplitude * seen).square() / span.noise_per_pixel


def add_dc(iq: Tensor, span: Span, rng: Rng) -> Tensor:
    """A DC offset that stays, or wanders by up to its own size."""
    amplitude, turn = draw_amplitude(span, rng), rng.uniform(0, 2 * math.pi)
    offset = torch.tensor([[amplitude * math.cos(turn)], [amplitude * math.sin(turn)]])
    centre = torch.full((span.rows,), span.spec.cols / 2)
    if rng.chance(0.6):
        iq += complex(*offset.flatten().tolist())
        return line_power(amplitude, centre, span)
    steps = rng.normal(2, KNOTS) * (amplitude * rng.uniform(0.02, 0.2))
    walk = _drawn_through(offset + steps.cumsum(1), iq.numel())
    parts = torch.view_as_real(iq)
    parts += walk.T
    return line_power(_in_rows(walk, span).square().sum(0).sqrt()[:, None], centre, span)


def add_spurs(iq: Tensor, span: Span, rng: Rng) -> Tensor:
    """One to three spurs of their own, or a comb."""
    if rng.chance(0.2):
        return _add_comb(iq, span, rng)
    power = torch.zeros(span.rows, span.spec.cols)
    for _ in range(rng.integer(1, 3)):
        power += _add_spur(iq, span, rng)
    return power


def _add_spur(iq: Tensor, span: Span, rng: Rng) -> Tensor:
    cols = span.spec.cols
    amplitude = draw_amplitude(span, rng)
    columns = torch.full((1, 1), rng.uniform(1, cols - 2))
    if rng.chance(0.25):
        # A supply's or a crystal's, which warms up or is modulated
        columns = columns + rng.normal(1, KNOTS).cumsum(1) * rng.log_uniform(0.02, 1.5)
        columns = columns.clamp(0, cols - 1)
        step = _drawn_through((columns - cols / 2) / cols, iq.numel())[0].double()
        phase = (step.cumsum(0).remainder(1.0) * (2 * math.pi)).float()
        iq += torch.polar(torch.full_like(phase, amplitude), phase)
    else:
        tone = torch.full((iq.numel(),), amplitude, dtype=iq.dtype)
        iq += shifted(tone, (float(columns) / cols - 0.5) * span.sample_rate, span.sample_rate)
    return line_power(amplitude, _in_rows(_drawn_through(columns, iq.numel()), span)[0], span)


def _add_comb(iq: Tensor, span: Span, rng: Rng) -> Tensor:
    """Harmonics of a clock that fall off from the strongest: one period of it, repeated."""
    cols = span.spec.cols
    period = rng.integer(cols // 32, cols)
    lines = torch.arange(period) - rng.integer(0, period - 1)
    levels = 10 ** (-lines.abs() * rng.uniform(0.2, 3) / 20 - rng.tensor(period) * 0.5)
    amplitudes = levels * draw_amplitude(span, rng)
    turns = torch.polar(amplitudes, rng.tensor(period) * (2 * math.pi))
    one = torch.fft.ifft(torch.fft.ifftshift(turns), norm="forward")
    # By up to half of the lines' distance from the span's centre
    away = rng.uniform(-0.5, 0.5) * span.sample_rate / period
    iq += shifted(one.repeat(-(-iq.numel() // period))[: iq.numel()], away, span.sample_rate)
    power = torch.zeros(1, cols)
    places = (torch.arange(period) - period // 2) / period * cols + cols / 2
    for amplitude, place in zip(amplitudes.tolist(), places.tolist(), strict=True):
        at = torch.tensor([place + away / span.sample_rate * cols])
        power += line_power(amplitude, at, span)
    return power.expand(span.rows, -1)


def _in_rows(line: Tensor, span: Span) -> Tensor:
    """(n, samples) to the values in the rows' middles: (n, rows). Samples before the frame's own
    come first."""
    return line[:, -span.samples :][:, span.row_samples // 2 :: span.row_samples]


def _drawn_through(knots: Tensor, samples: int) -> Tensor:
    """(n, KNOTS) or (n, 1) to (n, samples) by straight lines."""
    if knots.shape[1] == 1:
        return knots.expand(-1, samples)
    line = torch.nn.functional.interpolate(
        knots[None].float(), samples, mode="linear", align_corners=True
    )
    return line[0]
