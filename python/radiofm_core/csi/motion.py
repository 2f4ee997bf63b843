# SPDX-License-Identifier: GPL-3.0-or-later
"""How much moves in a room: a level that needs neither a model nor a calibration."""

from __future__ import annotations

import numpy as np

# Doppler of bodies at 2.4 and 5 GHz: up to this rate (Hz), and from the rate at which a window of
# two seconds tells a change from a mean
MOTION_HZ = (0.5, 15.0)
# Above this share of the rows' rate a body leaves little: what is there is the receiver's noise
NOISE_FROM = 0.3
FLOOR = 1e-12


def motion_db(amplitude: np.ndarray, rate_hz: float) -> float:
    """The power density of a window's changes at the rates of moving bodies, above that of its
    fast changes, which are the receiver's noise: 0 dB is stillness.

    Where packets are missing, rows are interpolated and hold less of the noise; a still room then
    shows a few dB.

    Args:
        amplitude: float32 (rows, columns, antennas), in any unit.
        rate_hz: rows per second.

    Returns:
        dB, 0 or more.
    """
    level = np.log(np.maximum(amplitude.reshape(len(amplitude), -1), FLOOR))
    level = level - level.mean(axis=0)
    window = np.hanning(len(level))[:, None]
    # A strong subcarrier has little noise and one in a fade much: the median column stands for all
    density = np.median(np.abs(np.fft.rfft(level * window, axis=0)) ** 2, axis=1)
    hertz = np.fft.rfftfreq(len(level), 1 / rate_hz)
    moving = (hertz >= MOTION_HZ[0]) & (hertz <= min(MOTION_HZ[1], NOISE_FROM * rate_hz))
    noise = hertz >= NOISE_FROM * rate_hz
    if not moving.any() or not noise.any():
        return 0.0
    ratio = density[moving].mean() / max(float(density[noise].mean()), FLOOR)
    return max(0.0, 10 * float(np.log10(max(ratio, FLOOR))))
