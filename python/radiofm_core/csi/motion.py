# SPDX-License-Identifier: GPL-3.0-or-later
"""How much moves in a room: a level that needs neither a model nor a calibration."""

from __future__ import annotations

import numpy as np

# From the rate on at which a window of two seconds tells a change from a mean (Hz)
SLOWEST_HZ = 0.5
# Above this share of the rows' rate bodies leave little: there the noise is measured
NOISE_FROM = 0.3
# Columns so far apart see a body alike, and have noise of their own, even where a layout of few
# subcarriers was interpolated
APART = 4
# What two columns share is not known better than this
LEAST_NOISE = 0.02
FLOOR = 1e-12


def motion_db(amplitude: np.ndarray, rate_hz: float) -> float:
    """The power density of a window's changes, above that of the receiver's noise, which is what
    neighbouring subcarriers do not share: 0 dB is stillness.

    Noise that is common to all subcarriers, such as a gain that trembles, counts as a change.
    Where packets are missing, rows are interpolated and hold less of the noise; a still room then
    shows a few dB.

    Args:
        amplitude: float32 (rows, columns, antennas), in any unit; columns as in
            :class:`.spec.CsiSpec`.
        rate_hz: rows per second.

    Returns:
        dB, 0 or more; 0 of APART columns and fewer.
    """
    level = np.log(np.maximum(amplitude, FLOOR))
    level = (level - level.mean(axis=0)) * np.hanning(len(level))[:, None, None]
    hertz = np.fft.rfftfreq(len(level), 1 / rate_hz)
    changes = hertz >= SLOWEST_HZ
    fast = hertz >= NOISE_FROM * rate_hz
    if not fast.any() or level.shape[1] <= APART:
        return 0.0
    lines = np.fft.rfft(level, axis=0)
    # A strong subcarrier has little noise and one in a fade much: the median column stands for all
    found = np.median(np.abs(lines[changes]) ** 2, axis=(1, 2)).mean()
    one, other = lines[fast, :-APART], lines[fast, APART:]
    total = (np.abs(one) ** 2 + np.abs(other) ** 2).mean(axis=0) / 2
    shared = (one * other.conj()).real.mean(axis=0)
    noise = np.median(np.maximum(total - shared, LEAST_NOISE * total))
    return max(0.0, 10 * float(np.log10(max(found, FLOOR) / max(noise, FLOOR))))
