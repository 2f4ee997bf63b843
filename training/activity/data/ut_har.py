# SPDX-License-Identifier: GPL-3.0-or-later
"""UT-HAR (S. Yousefi et al., "A Survey on Behavior Recognition Using WiFi Channel State
Information", IEEE Communications Magazine 2017, 10.1109/MCOM.2017.1700082): 30 subcarriers of
three antennas of an Intel 5300, taken for those of 20 MHz; levels in dB.

It comes in two layouts:

- The recordings (https://github.com/ermongroup/Wifi_Activity_Recognition): ``input_X.csv`` has
  1,000 lines a second of a time (s), 90 levels (dB; antenna by antenna) and 90 phases, and
  ``annotation_X.csv`` a label for each line.
- The SenseFi benchmark's clips (https://github.com/xyanchen/WiFi-CSI-Sensing-Benchmark):
  ``data/X_PART.csv`` and ``label/y_PART.csv``, NumPy arrays in spite of their names: (clips, 250,
  90) and (clips,). Clips are one second of a recording, each 0.2 s after the one before, with four
  packets averaged to one (its issue 2): 250 a second. Parts were drawn from overlapping clips, so
  that scores of them are higher than of new recordings.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from radiofm_core.csi.subcarriers import INTEL_5300_20
from radiofm_core.errors import InputError, reason_of

from .clips import Clip, amplitude_packets, clip_of_one, from_db, spans_of, thinned

ANTENNAS = 3
VALUES = ANTENNAS * len(INTEL_5300_20)
CLIP_PACKETS, CLIP_RATE_HZ = 250, 250.0
RECORDED_RATE_HZ = 1000.0
# In the order of SenseFi's numbers
LABELS = ("lie down", "fall", "walk", "pick up", "run", "sit down", "stand up")
# What the recordings call them; all else is no activity
RECORDED_LABELS = dict(
    zip(("bed", "fall", "walk", "pickup", "run", "sitdown", "standup"), LABELS, strict=True)
)


def read_parts(folder: str | Path, part: str) -> list[Clip]:
    """SenseFi's clips of ``part`` (``train``, ``val``, ``test``).

    Raises:
        InputError: no such files, or files of another kind or shape.
    """
    levels_path = Path(folder) / "data" / f"X_{part}.csv"
    labels_path = Path(folder) / "label" / f"y_{part}.csv"
    levels, numbers = _array(levels_path), _array(labels_path)
    if levels.size != len(numbers) * CLIP_PACKETS * VALUES or numbers.ndim != 1:
        raise InputError(
            f"{levels_path}: {levels.shape} levels and {numbers.shape} labels; expected (clips, "
            f"{CLIP_PACKETS}, {VALUES}) and (clips,)"
        )
    if not np.isin(numbers, np.arange(len(LABELS))).all():
        raise InputError(f"{labels_path}: expected labels from 0 to {len(LABELS) - 1} only")
    levels = levels.reshape(-1, CLIP_PACKETS, ANTENNAS, len(INTEL_5300_20))
    return [
        clip_of_one(i, LABELS[int(number)], from_db(clip), INTEL_5300_20, CLIP_RATE_HZ)
        for i, (clip, number) in enumerate(zip(levels, numbers, strict=True))
    ]


def read_recordings(folder: str | Path) -> list[Clip]:
    """The recordings; instants without an activity are unlabelled.

    Raises:
        InputError: no such files, or files of another kind or shape.
    """
    files = sorted(Path(folder).glob("input_*.csv"))
    if not files:
        raise InputError(f"{folder} holds no input_*.csv; check the recipe's folder")
    return [_recording(path) for path in files]


def _recording(path: Path) -> Clip:
    labels_path = path.with_name(path.name.replace("input_", "annotation_", 1))
    try:
        values = np.loadtxt(path, np.float32, delimiter=",", usecols=range(1, 1 + VALUES), ndmin=2)
        lines = labels_path.read_text().split("\n")
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise InputError(f"{path} and its annotation_ cannot be read ({reason})") from error
    _check(path, values)
    labels = [line.strip(' \r",').lower() for line in lines if line.strip()]
    if len(values) != len(labels) or len(values) < 2:
        raise InputError(f"{path}: {len(values)} packets, {len(labels)} labels; expected as many")
    levels = values.reshape(-1, ANTENNAS, len(INTEL_5300_20))
    amplitude, rate_hz = thinned(from_db(levels), RECORDED_RATE_HZ)
    packets = amplitude_packets(amplitude, INTEL_5300_20, rate_hz)
    step = round(1e9 / RECORDED_RATE_HZ)
    known = [RECORDED_LABELS.get(label, "") for label in labels]
    spans = spans_of(known, range(0, len(known) * step, step), len(known) * step)
    name = path.stem.removeprefix("input_")
    return Clip(name, name, packets, tuple(span for span in spans if span.label))


def _array(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = reason_of(error)
        raise InputError(f"{path} cannot be read as a NumPy array ({reason})") from error
    _check(path, array)
    return array


def _check(path: Path, array: np.ndarray) -> None:
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise InputError(f"{path}: expected finite numbers only")
