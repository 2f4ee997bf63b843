# SPDX-License-Identifier: GPL-3.0-or-later
"""``.mat`` files with a table of amplitudes or of complex CSI (MATLAB's versions 5 to 7).

The table is the array ``csi``, ``amplitude`` or one of the names in _NAMES, or the only one with
two dimensions or more; ``time_s`` (s) may tell the packets' times. :mod:`.plain` has the axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ...errors import InputError
from ..capture import BAD_TIME, Tally
from ..clocks import ABSOLUTE_S, seconds_to_ns
from ..packet import CsiPacket
from . import plain
from .mat5 import HDF5_MAGIC, MAGIC, numeric_arrays

NAME = "MATLAB"
ADVICE = "save the packets as one table: save('x.mat', 'csi', '-v7')"
# In small letters, the best one first
_NAMES = ("csi", "amplitude", "csiamp", "csi_amp", "csi_data", "csidata", "amp", "h", "data")
_TIME_LIMIT_S = 2**63 / 1e9


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    return head.startswith((MAGIC, HDF5_MAGIC))


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a file; without times all have the time 0.

    Args:
        file: at its beginning; all of it is read at once.
        tally: where packets that cannot be used are counted.

    Raises:
        InputError: no such table, damage, version 7.3; without the file's name.
    """
    data = file.read()
    if data.startswith(HDF5_MAGIC):
        raise InputError("it is of MATLAB's version 7.3, which is not read; save it with '-v7'")
    arrays, others = numeric_arrays(data)
    times = _times(arrays)
    table = plain.by_packet(_table(arrays, others), None if times is None else len(times))
    indices = plain.indices_of(table.shape[2])
    absolute = times is not None and bool(np.median(times) >= ABSOLUTE_S)
    for number, csi in enumerate(plain.float_or_complex(table)):
        time_s = 0.0 if times is None else float(times[number])
        if not abs(time_s) < _TIME_LIMIT_S:
            tally.skip(BAD_TIME)
        elif csi.dtype == np.float32 and (csi < 0).any():
            tally.skip(plain.NEGATIVE)
        else:
            yield CsiPacket(
                csi=np.ascontiguousarray(csi),
                subcarriers=indices,
                time_ns=seconds_to_ns(time_s),
                time_is_absolute=absolute,
            )


def _times(arrays: dict[str, np.ndarray]) -> np.ndarray | None:
    for name, array in arrays.items():
        is_vector = array.size == max(array.shape) > 1
        if name.lower() in plain.TIME_NAMES and is_vector and array.dtype.kind in "iuf":
            return array.astype(np.float64).ravel()
    return None


def _table(arrays: dict[str, np.ndarray], others: list[str]) -> np.ndarray:
    tables = {name: array for name, array in arrays.items() if array.squeeze().ndim >= 2}
    by_name = {name.lower(): array for name, array in tables.items()}
    for name in _NAMES:
        if name in by_name:
            return by_name[name]
    if len(tables) == 1:
        return next(iter(tables.values()))
    found = [*tables, *others][:8]
    held = ", ".join(map(repr, found)) or "no table"
    which = "of which none is called 'csi'" if tables else "but no table of numbers"
    raise InputError(f"it holds {held}, {which}; {ADVICE}")
