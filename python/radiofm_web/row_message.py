# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of the waterfall as one binary message; ``static/lines.js`` reads it."""

from __future__ import annotations

import struct

import numpy as np

from radiofm_core.view.row_groups import RowGroups

MAGIC = b"RFML"
VERSION = 1
# magic, version, bins, lines, tunings, lines of the whole picture, nothing;
# seconds of a line, number of the newest line, number that the lines' numbers are counted from
_HEADER = struct.Struct("<4sHHIIII3d")


def row_message(found: RowGroups) -> bytes:
    """Little-endian: a header of 48 bytes, (centre, rate) of each tuning as doubles in Hz and S/s;
    then for each line its number (uint32, from the header's on), its tuning (uint16), its levels
    and its classes (a byte for each bin), one kind after the other.

    A level stands for ``LEAST_DB + LEVEL_STEP_DB x level`` dB, class 255 for one not known yet.
    """
    lines = found.lines
    tunings, which = np.unique(
        np.stack([lines.centers, lines.rates], axis=1), axis=0, return_inverse=True
    )
    first = int(lines.numbers[0]) if len(lines) else found.newest
    header = _HEADER.pack(
        MAGIC,
        VERSION,
        lines.levels.shape[1],
        len(lines),
        len(tunings),
        found.count,
        0,
        found.duration,
        found.newest,
        first,
    )
    parts = (
        tunings.astype("<f8"),
        (lines.numbers - first).astype("<u4"),
        which.astype("<u2"),
        lines.levels,
        lines.classes,
    )
    return b"".join((header, *(np.ascontiguousarray(part).tobytes() for part in parts)))
