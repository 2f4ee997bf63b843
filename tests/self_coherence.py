# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a signal repeats after a lag: the measurement that tells OFDM systems apart. NumPy and
SciPy only, on its own, so that generated signals are not judged by what makes them."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.fft import fft, ifft, next_fast_len

# A symbol of 15 kHz and of 30 kHz, a third of the former, a symbol of 802.11a, LTE's frame, the
# period of NR's synchronisation, and a lag of nothing
LAGS_S = {
    "15 kHz": 1 / 15e3,
    "30 kHz": 1 / 30e3,
    "a third": 1 / 45e3,
    "wifi": 3.2e-6,
    "frame": 10e-3,
    "ssb": 20e-3,
    "nothing": 50e-6,
}


def coherence(
    spectrum: np.ndarray, rate: float, lag_s: float, band_hz: tuple[float, float], block_s: float
) -> float:
    """|coherence| of a band with itself ``lag_s`` later, 0 to 1: the median over blocks of
    ``block_s``. Chance alone gives about 1 / sqrt(block_s * bandwidth).

    Args:
        spectrum: the FFT of samples at ``rate`` Hz, longer than lag and block together.
        band_hz: low and high edge from the centre, Hz.
    """
    count = len(spectrum)
    low, high = (round(edge / rate * count) for edge in band_hz)
    k = np.arange(low, high)
    # The band alone, at a rate as high as it is wide; the lag turns each of its frequencies.
    own = spectrum[k % count]
    size = next_fast_len(len(k))
    now = ifft(own, size)
    later = ifft(own * np.exp(2j * np.pi * k * (rate / count) * lag_s), size)
    duration_s = count / rate
    block = int(block_s / duration_s * size)
    shape = int((1 - lag_s / duration_s) * size) // block, block
    if not shape[0]:
        raise ValueError(f"{duration_s:g} s hold no block of {block_s:g} s and its lag")
    a, b = (z[: shape[0] * block].reshape(shape) for z in (now, later))
    level = np.sqrt((np.abs(a) ** 2).sum(1) * (np.abs(b) ** 2).sum(1))
    return float(np.median(np.abs((a * b.conj()).sum(1)) / np.maximum(level, 1e-30)))


def coherences(
    iq: np.ndarray, rate: float, width_hz: float, centre_hz: float = 0.0, bands: int = 2
) -> dict[str, float]:
    """Of a signal ``width_hz`` wide around ``centre_hz``, by :data:`LAGS_S`: the median over
    ``bands`` beside each other. Lags that the samples are too few for are left out."""
    iq = iq[: _fast_below(len(iq))]
    spectrum = fft(iq)
    edges = centre_hz + np.linspace(-width_hz / 2, width_hz / 2, bands + 1)
    out = {}
    for name, lag in LAGS_S.items():
        block = 2e-3 if lag > 1e-3 else 5e-3
        if lag + block <= len(iq) / rate:
            found = [coherence(spectrum, rate, lag, b, block) for b in itertools.pairwise(edges)]
            out[name] = float(np.median(found))
    return out


def _fast_below(count: int) -> int:
    """A length near ``count``, not above, without large prime factors."""
    return next(n for n in range(count, 0, -1) if next_fast_len(n) == n)
