# SPDX-License-Identifier: GPL-3.0-or-later
"""What a header or a name tells of a recording, in words for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Facts:
    """None is what is not told. ``time``: exact seconds since 1970 (UTC) of the first sample;
    ``center_step``: Hz, how finely a centre frequency (Hz) is told."""

    datatype: str | None = None
    sample_rate: float | None = None
    center_frequency: float | None = None
    time: Fraction | None = None
    center_step: float = 1.0
    is_local_time: bool = False

    def words(self) -> str:
        """What is told, as in ``cu8, 0.25 MS/s, 433.92 MHz, 2024-05-01T12:00:00Z``."""
        told = []
        if self.datatype is not None:
            told.append(self.datatype)
        if self.sample_rate is not None:
            told.append(rate_words(self.sample_rate))
        if self.center_frequency is not None:
            told.append(center_words(self.center_frequency))
        if self.time is not None:
            local = " (read as this host's local time)" if self.is_local_time else ""
            told.append(time_words(self.time) + local)
        return ", ".join(told)


def rate_words(rate: float) -> str:
    """A sample rate in MS/s."""
    return f"{rate / 1e6:.9g} MS/s"


def center_words(center: float) -> str:
    """A frequency in MHz."""
    return f"{center / 1e6:.12g} MHz"


def time_words(time: Fraction) -> str:
    """A time as ISO 8601 has it, to the millisecond at most; seconds beyond the year 9999."""
    try:
        date = _EPOCH + timedelta(milliseconds=int(time * 1000))
    except OverflowError:
        return f"{float(time):.0f} s"
    return date.isoformat(timespec="milliseconds").replace(".000", "").replace("+00:00", "Z")


def utc_seconds(date: datetime) -> Fraction | None:
    """Exact seconds since 1970 of a date (one without a zone: of this host); None before that."""
    try:
        passed = date.astimezone(UTC) - _EPOCH
    except (OverflowError, ValueError, OSError):
        return None
    if passed < timedelta(0):
        return None
    seconds = passed.days * 86400 + passed.seconds
    return seconds + Fraction(passed.microseconds, 10**6)
