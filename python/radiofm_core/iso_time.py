# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF's ``core:datetime`` as exact seconds, and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from .errors import InputError

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The last year that a date of SigMF can tell
_MOST_SECONDS = int((datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH).total_seconds())


def parse_time(text: object, shown: Path) -> Fraction:
    """Exact seconds since 1970 of an ISO-8601 time; without a zone it is UTC."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        if match is None:
            raise ValueError(text)
        zone = (match[3] or "Z").replace("Z", "+00:00")
        whole = datetime.fromisoformat(match[1] + zone) - _EPOCH
        fraction = Fraction("0" + (match[2] or ""))
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{shown}: core:datetime: expected a time such as 2024-05-01T12:00:00.5Z, got "
            f"{text!r}; correct it"
        ) from error
    if whole.days < 0:
        raise InputError(
            f"{shown}: core:datetime: expected 1970 or later, got {text!r}; correct it"
        )
    return whole.days * 86400 + whole.seconds + fraction


def sigmf_time(seconds: int, fraction: float) -> str | None:
    """A time as ``core:datetime`` has it, to the nanosecond; None beyond the year 9999."""
    nanoseconds = round(fraction * 1e9)
    seconds += nanoseconds // 10**9
    if not 0 <= seconds < _MOST_SECONDS:
        return None
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{nanoseconds % 10**9:09d}Z"
