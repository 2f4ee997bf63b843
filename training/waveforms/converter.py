# SPDX-License-Identifier: GPL-3.0-or-later
"""Analogue to digital: drive, compression, clipping, quantisation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .rng import Rng
from .span import Span, mean_power

# With less (standard deviation over step) a real radio's gain would have been raised: nothing but
# the last bit would be left.
LEAST_DEVIATION = 0.6
# Clipping of fewer samples leaves nothing to see.
SEEN_CLIPPING = 1e-4
# So does compression of a smaller part of the samples' RMS.
SEEN_COMPRESSION = 1e-3


@dataclass(frozen=True)
class Converter:
    """``bits`` of each of I and Q (None: floating point, never full), ``drive``: RMS of the complex
    samples over full scale, ``compression``: part of a full-scale sample that the stage before
    loses, ``mid_rise``: whether zero lies between two values, as in offset binary."""

    bits: int | None
    drive: float
    compression: float = 0.0
    mid_rise: bool = False

    @property
    def step(self) -> float:
        """Over full scale; 0 for floating point."""
        return 0.0 if self.bits is None else 2.0 ** (1 - self.bits)

    @property
    def noise(self) -> float:
        """Power of the quantisation noise of a complex sample over the samples' own."""
        return self.step**2 / 6 / self.drive**2


def draw_converter(bits: int | None, rng: Rng) -> Converter:
    """A drive from as low as the last bits see up to heavy clipping (two thirds of the samples)."""
    db = rng.choice(
        (rng.uniform(-35, -12), rng.uniform(-12, -3), rng.uniform(-3, 6)), (0.65, 0.22, 0.13)
    )
    drive = 10 ** (db / 20)
    if bits is None:
        return Converter(None, min(drive, 0.2))
    step = 2.0 ** (1 - bits)
    if bits <= 8 and rng.chance(0.2):
        # A few of the lowest bits alone
        drive = step * rng.log_uniform(LEAST_DEVIATION, 4.0) * 2**0.5
    drive = max(drive, LEAST_DEVIATION * step * 2**0.5)
    compression = rng.uniform(0.05, 0.35) if rng.chance(0.2) else 0.0
    return Converter(bits, drive, compression, rng.chance(0.5))


def converted(iq: Tensor, converter: Converter, span: Span) -> tuple[Tensor, Tensor | None]:
    """Samples as digitised, full scale 1, and what overload put into each pixel.

    Returns:
        complex64 (samples,), and the power per pixel of clipping and compression products over
        unit-variance noise's before the converter (rows, cols), None where there are none.
    """
    rms = float(torch.view_as_real(iq).square().mean() * 2) ** 0.5
    scale = converter.drive / rms if rms > 0 else 1.0
    x = iq * scale
    y = x
    if converter.compression:
        power = torch.view_as_real(x).square().sum(1)
        y = x * (1 - converter.compression * power.clamp_max(1.5))
    parts = torch.view_as_real(y.contiguous())
    products = None
    if converter.bits is not None:
        clipped = int((parts.abs() > 1.0).sum()) > SEEN_CLIPPING * parts.numel()
        y = torch.view_as_complex(parts.clamp(-1.0, 1.0))
        if clipped or converter.compression * converter.drive**2 > SEEN_COMPRESSION:
            products = _products(x, y, span) / scale**2
        y = quantised(y, converter.step, converter.mid_rise)
    return y, products


def quantised(iq: Tensor, step: float, mid_rise: bool) -> Tensor:
    """Samples within full scale 1, rounded to multiples of ``step`` from -1 to 1 - step, or to the
    middles between them."""
    half = 0.5 * step if mid_rise else 0.0
    parts = torch.view_as_real(iq.contiguous()).sub(half).div_(step).round_().mul_(step)
    return torch.view_as_complex(parts.clamp_(-1.0, 1.0 - step).add_(half))


def _products(x: Tensor, y: Tensor, span: Span) -> Tensor:
    """Power per pixel of what of ``y`` is not ``x`` made smaller, over unit-variance noise's."""
    x, y = x[-span.samples :], y[-span.samples :]
    a = complex(torch.vdot(x, y)) / max(float(torch.vdot(x, x).real), 1e-30)
    error = y - a * x
    gain = max(abs(a) ** 2, 1e-3)
    return mean_power(error, span) / (span.noise_per_pixel * gain)
