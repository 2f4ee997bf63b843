# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample rates of receivers, in units of LTE's subcarrier spacing."""

from __future__ import annotations

from .rng import Rng
from .smooth import is_smooth
from .span import SUBCARRIER_HZ

# A rate holds a whole number of subcarriers of 60 kHz.
MULTIPLE = 4

# Transform sizes without large prime factors: multiples of 8 (4 below 128) up to 8192
FFT_SIZES = [
    n for n in (*range(64, 128, MULTIPLE), *range(128, 8193, 8)) if is_smooth(n, (2, 3, 5, 7))
]
# Rates made for cellular systems, and how often they come among themselves
CELLULAR_MSPS = {
    0.96: 2,
    1.92: 6,
    3.84: 4,
    7.68: 4,
    9.6: 2,
    15.36: 4,
    19.2: 4,
    20.16: 1,
    23.04: 3,
    30.72: 5,
    46.08: 3,
    61.44: 6,
    122.88: 2,
}
# Round numbers that users of software radios choose
ROUND_MSPS = (2.0, 2.4, 2.56, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 12.5, 16.0, 20.0, 25.0, 28.0, 40.0)
ROUND_MSPS += (50.0, 56.0, 80.0, 100.0)


def nearest_fft(sample_rate: float) -> int:
    """The size of a symbol of 15 kHz at the nearest rate at which OFDM needs no resampling: 0.5 %
    away at most from 6 MS/s on, 1 % at 2 MS/s."""
    return MULTIPLE * round(sample_rate / (MULTIPLE * SUBCARRIER_HZ))


def draw_fft(rng: Rng) -> int:
    """A sample rate over 15 kHz: of a cellular system, a round number, or anything between."""
    kind = rng.choice(("cellular", "round", "any"), (0.4, 0.4, 0.2))
    if kind == "cellular":
        rate = rng.choice(list(CELLULAR_MSPS), list(CELLULAR_MSPS.values()))
        return nearest_fft(rate * 1e6)
    if kind == "round":
        return nearest_fft(rng.choice(ROUND_MSPS) * 1e6)
    wanted = rng.log_uniform(FFT_SIZES[0], FFT_SIZES[-1])
    return min(FFT_SIZES, key=lambda size: abs(size - wanted))
