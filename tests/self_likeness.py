# SPDX-License-Identifier: GPL-3.0-or-later
"""How alike a signal is to itself a lag later: what cyclic prefixes, pilots, frames and lines
leave in it."""

from __future__ import annotations

import numpy as np


def likeness(iq, sample_rate: float, lag_s: float, search: int = 0) -> float:
    """Coherence of samples with those ``lag_s`` seconds later, 0 to 1.

    The lag is a fraction of a sample where it has to be; the largest within ``search`` samples
    of it is returned. NaN where there is no power at either end.
    """
    x = np.asarray(iq, np.complex128)
    size = 1 << int(np.ceil(np.log2(2 * len(x))))
    power = np.abs(np.fft.fft(x, size)) ** 2
    f = np.fft.fftfreq(size)
    lag = lag_s * sample_rate
    energy = np.abs(x) ** 2
    cut = round(lag)
    scale = np.sqrt(energy[cut:].sum() * energy[: len(x) - cut].sum())
    if not scale:
        return float("nan")
    lags = lag + np.arange(-search, search + 1)
    return max(float(abs(np.mean(power * np.exp(2j * np.pi * f * t))) / scale) for t in lags)
