# SPDX-License-Identifier: GPL-3.0-or-later
"""SDRangel's own recordings (``.sdriq``): a header of 32 bytes with a checksum, then samples.

The layout is that of ``sdrbase/dsp/filerecord.h``: S/s, Hz, time, bits of a sample, nothing, a CRC.
"""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

from .facts import Facts
from .found import Found, Segment

_HEADER = struct.Struct("<IQQIII")
HEADER_BYTES = _HEADER.size
# Later versions tell milliseconds, earlier ones seconds: none tells a year beyond 5000
_LATEST_S = 10**11
_DATATYPES = {16: "ci16_le", 24: "ci32_le"}


def find_sdriq(head: bytes, data_path: Path, shown: Path) -> Found | None:
    """What such a file tells; None where it is none.

    Args:
        head: the file's first ``HEADER_BYTES``.
        data_path: the file.
        shown: what errors call it.
    """
    if len(head) < HEADER_BYTES or zlib.crc32(head[:-4]) != int.from_bytes(head[-4:], "little"):
        return None
    rate, center, time, bits, _, _ = _HEADER.unpack(head)
    if bits not in _DATATYPES or not rate:
        return None
    seconds = Fraction(time) if time < _LATEST_S else Fraction(time, 1000)
    found = Found(
        data_path,
        shown,
        Facts(_DATATYPES[bits], float(rate)),
        "sdriq header",
        HEADER_BYTES,
        segments=[Segment(0, float(center) or None, seconds if seconds < 2**40 else None)],
    )
    if bits == 24:
        found.inferred.append(
            f"{shown.name}: 24 bits in 32: levels are 48 dB lower than SDRangel shows them"
        )
    return found
