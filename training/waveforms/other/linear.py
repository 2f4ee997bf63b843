# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear modulation: symbols or chips at their exact rate, shaped by a pulse, at the span's rate.

A pulse is a function of frequency in units of the symbol rate: its spectrum, of energy 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..span import Span
from .base import resampling


@dataclass(frozen=True)
class Pulse:
    """``shape`` (f in symbol rates) up to ``reach`` symbol rates from the centre."""

    shape: Callable[[Tensor], Tensor]
    reach: float


def root_raised_cosine(roll: float) -> Pulse:
    """Of roll-off ``roll``."""

    def shape(f: Tensor) -> Tensor:
        edge = ((f.abs() - (1 - roll) / 2) / roll).clamp(0, 1)
        return torch.cos(edge * (math.pi / 2))

    return Pulse(shape, (1 + roll) / 2)


def half_sine() -> Pulse:
    """Half a period of a sine over two chips: O-QPSK of IEEE 802.15.4 (which is MSK), where chips
    alternate between the in-phase and the quadrature branch."""

    def shape(f: Tensor) -> Tensor:
        low = 1 - (4 * f).square()
        # At a quarter of the chip rate both vanish; their ratio is pi / 4.
        near = low.abs() < 1e-4
        ratio = torch.cos(2 * math.pi * f) / torch.where(near, 1.0, low)
        return torch.where(near, math.pi / 4, ratio) * (4 / math.pi)

    return Pulse(shape, 2.5)


def filtered_chips(cut: float = 1.0) -> Pulse:
    """Square chips behind a filter that ends at ``cut`` chip rates from the centre."""

    def shape(f: Tensor) -> Tensor:
        edge = ((f.abs() - 0.7 * cut) / (0.3 * cut)).clamp(0, 1)
        return torch.sinc(f) * torch.cos(edge * (math.pi / 2))

    return Pulse(shape, cut)


def keyed(
    draw: Callable[[int], Tensor],
    samples: int,
    rate: float,
    span: Span,
    pulse: Pulse,
    centre: float,
) -> Tensor:
    """Symbols of power 1, ``rate`` a second, as ``samples`` samples around ``centre`` (Hz).

    ``draw``: from how many symbols it takes to their complex64 values, 0 where none is sent. What
    falls outside of the span is cut off.
    """
    count, wide = resampling(samples, span.sample_rate, rate)
    symbols = draw(count)
    return spread_spectrum(torch.fft.fft(symbols), wide, span, pulse, centre)[:samples]


def spread_spectrum(spectrum: Tensor, wide: int, span: Span, pulse: Pulse, centre: float) -> Tensor:
    """As :func:`keyed`, from the symbols' spectrum (count,), which repeats with their rate."""
    count = spectrum.numel()
    move = round(centre / span.sample_rate * wide)
    reach = math.ceil(pulse.reach * count)
    low, high = max(-reach, -(wide // 2) - move), min(reach + 1, wide - wide // 2 - move)
    out = torch.zeros(wide, dtype=torch.complex64)
    if high > low:
        k = torch.arange(low, high)
        out[(k + move) % wide] = spectrum[k % count] * pulse.shape(k / count)
    return torch.fft.ifft(out).mul_(wide / count)


def differential(turns: Tensor) -> Tensor:
    """Symbols on the unit circle from phase steps (radians)."""
    phase = turns.double().cumsum(0).remainder(2 * math.pi).float()
    return torch.polar(torch.ones_like(phase), phase)
