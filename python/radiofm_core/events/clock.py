# SPDX-License-Identifier: GPL-3.0-or-later
"""The two clocks of an event: the time of day, which can be set, and one that only goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A change of the time of day against the other clock that is told (s): NTP slews by less
LEAST_STEP_S = 0.5


def utc_text(time_ns: int) -> str:
    """Nanoseconds since 1970 as ISO 8601 in UTC with microseconds: 2024-05-01T12:00:00.500000Z."""
    moment = _EPOCH + timedelta(microseconds=time_ns // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc_nanoseconds(text: str) -> int:
    """The inverse of :func:`utc_text`; raises ValueError for anything else."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


class RunClock:
    """Time of day, seconds since the run began, and whether the former was set meanwhile.

    Args:
        wall: nanoseconds since 1970.
        steady: nanoseconds of a clock that nobody sets.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = time.monotonic_ns,
    ):
        self._wall, self._steady = wall, steady
        self._began = steady()
        self._between = wall() - self._began

    def now(self) -> tuple[str, float]:
        """(time of day in UTC, seconds since the run began)."""
        return utc_text(self._wall()), round((self._steady() - self._began) / 1e9, 6)

    def step(self) -> float:
        """By how many seconds the time of day was set since the last call; 0 where it was not.

        A machine that slept counts as one whose clock was set forward.
        """
        between = self._wall() - self._steady()
        step = (between - self._between) / 1e9
        self._between = between
        return round(step, 6) if abs(step) >= LEAST_STEP_S else 0.0
