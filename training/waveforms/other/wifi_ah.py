# SPDX-License-Identifier: GPL-3.0-or-later
"""802.11ah below 1 GHz (IEEE 802.11-2020 clause 23): symbols of 32 us in channels of 1 to 8 MHz.
It is of the family, but nobody calls it Wi-Fi who looks for a network."""

from __future__ import annotations

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import draw_bursts, empty, frequency, put, with_prefix
from .wifi import network
from .wifi_packets import PILOT_POLARITY

# 1 MHz: 32 subcarriers of 31.25 kHz, of which 26 are used, two of them as pilots
FFT_1M, REACH_1M, PILOT_1M = 32, 13, 7
# Symbols of its fields: short and long training, signal
SHORT_1M, LONG_1M, SIGNAL_1M = 4, 4, 6
SHORT_SUBCARRIERS_1M = (-12, -8, -4, 4, 8, 12)


def narrow_packet(symbols: int, rng: Rng, over: int = 2) -> Tensor:
    """A packet in 1 MHz with ``symbols`` of data, at ``over`` MS/s; power 1. Its training fields
    are four symbols each, its signal field six that come twice each (clause 23.3.8.3)."""
    n = FFT_1M * over
    k = torch.cat([torch.arange(-REACH_1M, 0), torch.arange(1, REACH_1M + 1)])
    total = SHORT_1M + LONG_1M + SIGNAL_1M + symbols
    values = rng.data((total, k.numel()), rng.choice((4, 16, 64)))
    coarse = torch.isin(k, torch.tensor(SHORT_SUBCARRIERS_1M))
    values[:SHORT_1M] = values[0] * coarse * (k.numel() / len(SHORT_SUBCARRIERS_1M)) ** 0.5
    training = values[SHORT_1M].real.sign() + 0j
    values[SHORT_1M : SHORT_1M + LONG_1M] = training
    # Half the rate and more robust: each symbol is said twice (MCS 10).
    first = SHORT_1M + LONG_1M
    last = total if rng.chance(0.3) else first + SIGNAL_1M
    values[first + 1 : last : 2] = values[first : last - 1 : 2][: len(values[first + 1 : last : 2])]
    polarity = torch.from_numpy(PILOT_POLARITY)[torch.arange(total - first) % 127]
    values[first:, k.abs() == PILOT_1M] = polarity[:, None] + 0j
    spectra = torch.zeros(total, n, dtype=torch.complex64)
    spectra[:, k % n] = values * k.numel() ** -0.5
    return with_prefix(spectra, n // 4)


def halow(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Channels of 1 MHz with a format of their own, or of 2, 4 and 8 MHz: n and ac at a tenth of
    the clock."""
    if span.sample_rate < 1.5e6 or rng.chance(0.35):
        out = empty(span)
        centre = frequency(span, rng, 1e6, cut=True)
        gap = rng.choice((0.1, 1.0, 4.0))
        for a, b in draw_bursts(span, rng, 1e-3, 15e-3, gap):
            symbols = max(1, round((b - a) / span.sample_rate / 40e-6) - 14)
            put(out, narrow_packet(symbols, rng), 2e6, a / span.sample_rate, span, centre)
        return out, 2 * REACH_1M * 31.25e3
    form, width = rng.choice((("n", 20), ("n", 40), ("ac", 80)), (0.6, 0.3, 0.1))
    if width * 1e5 > 1.2 * span.sample_rate:
        form, width = "n", 20
    centre = frequency(span, rng, width * 1e5, cut=True)
    return network(span, rng, form, width, 2, centre, 0.1)
