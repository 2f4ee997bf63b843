# SPDX-License-Identifier: GPL-3.0-or-later
"""NTU-Fi HAR (J. Yang et al., "EfficientFi", IEEE Internet of Things Journal 2022,
10.1109/JIOT.2021.3139958) as the SenseFi benchmark gives it out
(https://github.com/xyanchen/WiFi-CSI-Sensing-Benchmark).

``train_amp`` (936) and ``test_amp`` (264) hold a folder for each of six activities with a ``.mat``
file for each clip: ``CSIamp``, (342, packets) or (3, 114, packets), of three antennas and the 114
subcarriers of 40 MHz, 500 packets a second. The values are taken for dB: SenseFi's constants, a
mean of 42.3 with a standard deviation of 5.0, fit 20 log10 of what an Atheros chip reports (up to
724), and no amplitudes, which fade by more than a ninth.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radiofm_core.csi.subcarriers import HT_40
from radiofm_core.errors import InputError

from ...engine.mat_files import load_numbers
from .clips import Clip, clip_of_one, from_db, thinned

KEY = "CSIamp"
ANTENNAS = 3
# What an Atheros chip reports has ten bits in each of two parts: 57 dB
MOST_DB = 60.0


def read_clips(folder: str | Path, part: str, rate_hz: float) -> list[Clip]:
    """The clips of ``part`` (``train`` or ``test``), of ``rate_hz`` packets a second.

    Raises:
        InputError: no such folder, nothing in it, or a file that is not of this data set.
    """
    top = Path(folder) / f"{part}_amp"
    clips = [
        _clip(path, number, rate_hz)
        for activity in sorted(top.glob("*/"))
        for number, path in enumerate(sorted(activity.glob("*.mat")))
    ]
    if not clips:
        raise InputError(f"{top} holds no ACTIVITY/*.mat; check the recipe's folder")
    return clips


def _clip(path: Path, number: int, rate_hz: float) -> Clip:
    levels = load_numbers(path, KEY)
    values = ANTENNAS * len(HT_40)
    if (
        not isinstance(levels, np.ndarray)
        or levels.dtype.kind not in "iuf"
        or levels.shape[:-1] not in ((values,), (ANTENNAS, len(HT_40)))
        or levels.shape[-1] < 2
    ):
        shape = f"of shape {levels.shape}" if isinstance(levels, np.ndarray) else "missing"
        raise InputError(
            f"{path}: {KEY!r} is {shape}; expected numbers of shape ({values}, packets) or "
            f"({ANTENNAS}, {len(HT_40)}, packets)"
        )
    if not np.isfinite(levels).all() or levels.max() > MOST_DB:
        raise InputError(
            f"{path}: {KEY!r} holds values up to {levels.max():g}; expected finite levels up to "
            f"{MOST_DB:g} dB"
        )
    levels = levels.reshape(ANTENNAS, len(HT_40), -1).transpose(2, 0, 1)
    amplitude, rate_hz = thinned(from_db(levels), rate_hz)
    return clip_of_one(number, path.parent.name, amplitude, HT_40, rate_hz)
