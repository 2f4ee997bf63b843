# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain tables of amplitudes: which of their axes are packets, subcarriers and antennas.

Neither ``.mat`` nor ``.csv`` files say so, and many hold no times. Their packets then all have the
time 0, and are placed at the rate that the user tells (:mod:`..placing`).
"""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from .. import subcarriers

# Names of a column or an array of seconds, in small letters
TIME_NAMES = ("time_s", "time", "t", "seconds")
NEGATIVE = "negative amplitude (of levels in dB save 10 ** (level / 20))"
MAX_ANTENNAS = 64

# What chips report, beside the tables of 802.11: whole FFTs, and those with DC
_COUNTS = {30, 52, 53, 56, 57, 64, 114, 117, 128, 192, 234, 242, 245, 256, 484, 490, 512}
# Subcarriers of an antenna where several stand one after the other, antenna by antenna
_OF_ONE = (30, 52, 56, 114)
_CHAINS = (2, 3, 4, 6, 9)


def split_antennas(count: int) -> tuple[int, int]:
    """(antennas, subcarriers) of ``count`` values a packet: 90 are three antennas of an Intel 5300,
    342 three of an Atheros chip; a number that one antenna can have is one's."""
    if count not in _COUNTS:
        for antennas in _CHAINS:
            if count % antennas == 0 and count // antennas in _OF_ONE:
                return antennas, count // antennas
    return 1, count


def is_layout(count: int) -> bool:
    """Whether a packet of a chip known here can have so many values."""
    return count in _COUNTS or split_antennas(count)[0] > 1


def by_packet(values: np.ndarray, times: int | None) -> np.ndarray:
    """A table as (packets, antennas, subcarriers).

    The axis of packets is the one with as many places as there are times; without times the one
    that is no number of subcarriers, else the longest. Of two others, antennas are the fewer.

    Args:
        values: real or complex, of any shape.
        times: how many there are; None if none.

    Raises:
        InputError: an axis is missing or one too many; without the file's name.
    """
    shape = values.shape
    values = values.squeeze()
    if values.ndim not in (2, 3):
        raise InputError(
            f"its table has the shape {shape}; expected (packets, subcarriers) or (packets, "
            "subcarriers, antennas), in any order"
        )
    values = np.moveaxis(values, _packet_axis(values.shape, times), 0)
    if values.ndim == 2:
        antennas, count = split_antennas(values.shape[1])
        return values.reshape(len(values), antennas, count)
    if values.shape[1] > values.shape[2]:
        values = values.swapaxes(1, 2)
    if values.shape[1] > MAX_ANTENNAS:
        raise InputError(
            f"its table has the shape {shape}: {values.shape[1]} antennas of {values.shape[2]} "
            f"subcarriers, {MAX_ANTENNAS} antennas at most are read"
        )
    return values


def _packet_axis(shape: tuple[int, ...], times: int | None) -> int:
    fitting = [axis for axis, length in enumerate(shape) if length == times]
    if len(fitting) == 1:
        return fitting[0]
    if times is not None and not fitting:
        raise InputError(f"its table has the shape {shape}, and {times} times; expected as many")
    if len(shape) == 2:
        others = [axis for axis in (0, 1) if is_layout(shape[1 - axis])]
        if len(others) == 1:
            return others[0]
    return int(np.argmax(shape))


def float_or_complex(values: np.ndarray) -> np.ndarray:
    """complex64 or float32; what does not fit into 32 bits becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.complex64 if values.dtype.kind == "c" else np.float32)


def indices_of(count: int) -> np.ndarray:
    """The 802.11 indices of a packet's ``count`` subcarriers."""
    return subcarriers.usual_indices(count)
