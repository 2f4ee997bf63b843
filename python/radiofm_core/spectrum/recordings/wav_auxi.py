# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``auxi`` chunk of a WAV file: when it was recorded, and at which centre frequency.

SpectraVue's layout (RFSPACE, *SpectraVue User Guide*), which SDR#, HDSDR, SDRuno and SDRangel
write: two SYSTEMTIMEs of eight 16-bit numbers (start and stop), then 32-bit numbers, the first of
them the centre frequency in Hz. SDR Console writes XML in UTF-16 instead.
"""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime
from fractions import Fraction

from ...fields import finite_number
from .facts import utc_seconds

_SYSTEMTIME_BYTES = 16
_CENTER_AT = 32
_DATE = re.compile(r"(\d\d)-(\d\d)-(\d{4}) (\d\d):(\d\d):(\d\d)")


def read_auxi(content: bytes, order: str) -> tuple[float | None, Fraction | None]:
    """(centre frequency in Hz, start in seconds since 1970); None for what it does not tell.

    Args:
        content: the chunk's, empty where there is none.
        order: of bytes, as ``struct`` has it.
    """
    text = content.replace(b"\0", b"").lstrip(b"\xff\xfe\xef\xbb\xbf \r\n")
    if text.startswith(b"<"):
        return _of_xml(text.decode("ascii", "replace"))
    center = None
    if len(content) >= _CENTER_AT + 4:
        center = float(struct.unpack_from(order + "I", content, _CENTER_AT)[0]) or None
    return center, _system_time(content[:_SYSTEMTIME_BYTES], order)


def _system_time(content: bytes, order: str) -> Fraction | None:
    if len(content) < _SYSTEMTIME_BYTES:
        return None
    year, month, _, day, hour, minute, second, ms = struct.unpack(order + "8H", content)
    return _seconds(year, month, day, hour, minute, second, 1000 * ms)


def _of_xml(text: str) -> tuple[float | None, Fraction | None]:
    """Of the attributes: XML that was cut short tells what it can."""
    told = dict(re.findall(r'(\w+)="([^"]*)"', text))
    center = _number(told.get("RadioCenterFreq"))
    seconds = _number(told.get("UTCSeconds"))
    if seconds is not None and 0 < seconds < 2**40:
        return center or None, Fraction(seconds)
    date = _DATE.fullmatch(told.get("CurrentTimeUTC", ""))
    if date is None:
        return center or None, None
    day, month, year, *rest = (int(part) for part in date.groups())
    return center or None, _seconds(year, month, day, *rest, 0)


def _number(text: str | None) -> float | None:
    try:
        return finite_number(float(text)) if text else None
    except ValueError:
        return None


def _seconds(*date: int) -> Fraction | None:
    try:
        return utc_seconds(datetime(*date, tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
