# SPDX-License-Identifier: GPL-3.0-or-later
"""802.11 OFDM packets (IEEE 802.11-2020 clauses 17, 19, 21, 27): a, g, n, ac, ax."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import draw_bursts, empty, frequency, multicarrier, resampled, resampling

SPACING_HZ = 312.5e3
# Clause 17.3.3: subcarriers of the short training symbols and their sign of 1 + j
SHORT = {-24: 1, -20: -1, -16: 1, -12: -1, -8: -1, -4: 1}
SHORT |= {4: -1, 8: -1, 12: 1, 16: 1, 20: 1, 24: 1}
# Long training symbol, subcarriers -26 to -1 and 1 to 26
LONG_LOW = "++--++-+-++++++--++-+-++++"
LONG_HIGH = "+--++-+-+-----++--+-+-++++"
# Rotation of each 20 MHz part, clause 21.3.7.5
ROTATIONS = {20: (1,), 40: (1, 1j), 80: (1, -1, -1, -1), 160: (1, -1, -1, -1, 1, -1, -1, -1)}
# Outermost data subcarriers by format and width
REACH = {"a": {20: 26}, "n": {20: 28, 40: 58}, "ac": {20: 28, 40: 58, 80: 122, 160: 250}}
REACH["ax"] = {20: 122, 40: 244, 80: 500, 160: 1012}


@lru_cache(maxsize=8)
def _legacy(width: int) -> tuple[Tensor, Tensor]:
    """Short and long training symbols' spectra of a packet of ``width`` MHz: (n,) each, n bins of
    312.5 kHz over ``2 width``, of equal power."""
    n = 128 * width // 20
    short, long = torch.zeros(2, n, dtype=torch.complex64)
    signs = [1.0 if c == "+" else -1.0 for c in LONG_LOW + LONG_HIGH]
    k_long = [*range(-26, 0), *range(1, 27)]
    parts = ROTATIONS[width]
    for i, turn in enumerate(parts):
        centre = 64 * i - 32 * (len(parts) - 1)
        for k, sign in SHORT.items():
            short[(k + centre) % n] = sign * turn * (1 + 1j) * (13 / 6) ** 0.5
        for k, sign in zip(k_long, signs, strict=True):
            long[(k + centre) % n] = sign * turn
    return short, long


def _symbols(spectra: Tensor, prefix: int) -> Tensor:
    body = torch.fft.ifft(spectra).mul_(spectra.shape[-1])
    return torch.cat([body[..., body.shape[-1] - prefix :], body], dim=-1).reshape(-1)


def _random(symbols: int, n: int, reach: int, rng: Rng, order: int) -> Tensor:
    """Spectra with data on subcarriers -reach to reach but the centre: (symbols, n)."""
    x = torch.zeros(symbols, n, dtype=torch.complex64)
    x[:, 1 : reach + 1] = rng.data((symbols, reach), order)
    x[:, n - reach :] = rng.data((symbols, reach), order)
    return x


def packet(samples: int, width: int, form: str, rng: Rng) -> Tensor:
    """A packet of at most ``samples`` at twice ``width`` MHz: training fields, signal fields, the
    format's own training, data; power 1."""
    n = 128 * width // 20
    short, long = _legacy(width)
    stf = torch.fft.ifft(short).mul_(n)
    ltf = torch.fft.ifft(long).mul_(n)
    parts = [stf.repeat(3)[: 5 * n // 2], ltf[n // 2 :], ltf, ltf]
    # L-SIG: BPSK on the long training symbol's subcarriers; further signal fields follow.
    signals = {"a": 1, "n": 3, "ac": 3, "ax": 4}[form]
    flips = (rng.tensor(signals, n) > 0.5).float() * 2 - 1
    parts.append(_symbols(long * flips, n // 4))
    reach = REACH[form][width]
    order = rng.choice((4, 16, 64, 256))
    scale = (52 * len(ROTATIONS[width]) / (2 * reach)) ** 0.5
    if form in ("n", "ac"):
        # A short training field of 4 us, then a long one for each of one to four streams
        parts.append(stf.repeat(2)[: 5 * n // 4])
        parts.append(_symbols(_random(rng.integer(1, 4), n, reach, rng, 4) * scale, n // 4))
    if form == "ax":
        parts.append(stf.repeat(2)[: 5 * n // 4])
        parts.append(_symbols(_random(rng.integer(1, 2), 4 * n, reach, rng, 4) * scale, n))
    left = samples - sum(p.numel() for p in parts)
    size = 4 * n if form == "ax" else n
    if form == "ax":
        prefix = rng.choice((n // 4, n // 2, n))
    else:
        prefix = n // 4 if form == "a" or rng.chance(0.6) else n // 8
    if left > 0:
        data = _random(-(-left // (size + prefix)), size, reach, rng, order) * scale
        parts.append(_symbols(data, prefix))
    whole = torch.cat(parts)[:samples]
    return whole * (52 * len(ROTATIONS[width])) ** -0.5


def wifi(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Packets of one network; some send nearly back to back, some answer with short
    acknowledgements 16 us later."""
    form = rng.choice(("a", "n", "ac", "ax"))
    widths = [w for w in REACH[form] if w * 1e6 <= 1.6 * span.sample_rate] or [20]
    width = rng.choice(widths)
    spacing = SPACING_HZ / (4 if form == "ax" else 1)
    used = 2 * REACH[form][width] * spacing
    native = 2e6 * width
    whole = span.sample_rate <= 1.3e6 * width and rng.chance(0.6)
    if whole:
        centre = rng.uniform(-0.02, 0.02) * width * 1e6
    else:
        centre = frequency(span, rng, width * 1e6, cut=True)
    count, wide = resampling(span.samples, span.sample_rate, native)
    x = torch.zeros(count, dtype=torch.complex64)
    gap = rng.choice((0.05, 0.3, 2.0, 8.0))
    ready = rng.chance(0.5)
    answers = rng.chance(0.4)
    level = 1.0
    longest = rng.log_uniform(100e-6, 5e-3)
    for a, b in draw_bursts(span, rng, 30e-6, longest, gap, native):
        if not ready:
            level = 10 ** (rng.uniform(-15, 0) / 20)
        b = min(b, count)
        piece = packet(b - a, width, form, rng)
        x[a : a + piece.numel()] = level * piece
        # A legacy acknowledgement of 14 bytes at 24 Mbit/s: 28 us
        c, d = b + int(16e-6 * native), b + int(44e-6 * native)
        if answers and width == 20 and d <= count:
            answer = packet(d - c, width, "a", rng)
            x[c : c + answer.numel()] = answer
    return resampled(x, wide, span, centre), used


def wide_bursts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """OFDM packets wider than the span: Wi-Fi as a narrow receiver hears it."""
    out = empty(span)
    edge = span.sample_rate / 2
    spacing = rng.choice((312.5e3, 78.125e3))
    longest = rng.log_uniform(200e-6, 5e-3)
    for a, b in draw_bursts(span, rng, 40e-6, longest, rng.choice((0.3, 2, 8))):
        level = 10 ** (rng.uniform(-10, 0) / 20)
        out[a:b] = level * multicarrier(b - a, span, rng, spacing, -edge, edge, 0.25)
    return out, span.sample_rate
