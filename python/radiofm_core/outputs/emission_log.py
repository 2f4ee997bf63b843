# SPDX-License-Identifier: GPL-3.0-or-later
"""Emissions as the tracker tells of them, until the samples that they are in are written."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys
from ..errors import InputError
from ..fields import check_numbers, check_present, check_whole, shown
from ..spectrum.detections import Detection

# Kept at most: what annotates more is slow to open
MAX_EMISSIONS = 10_000
_EVENTS = (keys.EVENT_START, keys.EVENT_UPDATE, keys.EVENT_END)


class EmissionLog:
    """The newest event of each emission of one tracker, by ``burst_id``."""

    def __init__(self, most: int = MAX_EMISSIONS):
        self._most = most
        self._events: dict[int, dict] = {}
        self._seen = 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def seen(self) -> int:
        """One past the last sample of the stream that an event told of."""
        return self._seen

    def add(self, event: Mapping) -> None:
        """Take an event of the tracker; one that became part of another emission is left out.

        Raises:
            InputError: it is none, in one line; or there is no room for another emission.
        """
        check_present(event, (keys.EVENT, keys.BURST_ID))
        if not (isinstance(event[keys.EVENT], str) and event[keys.EVENT] in _EVENTS):
            raise InputError(
                f"its {keys.EVENT}: expected one of {', '.join(_EVENTS)}, got "
                f"{shown(event[keys.EVENT])}"
            )
        check_whole(event, (keys.BURST_ID,))
        detection = Detection.from_dict(event)
        if detection.end_offset < detection.start_offset:
            raise InputError(f"its {keys.END_OFFSET} lies before its {keys.START_OFFSET}")
        number = event[keys.BURST_ID]
        self._seen = max(self._seen, detection.end_offset)
        if keys.MERGED_INTO in event:
            self._events.pop(number, None)
            return
        if number not in self._events and len(self._events) >= self._most:
            raise InputError(
                f"dropped: {self._most} emissions are kept already; write shorter files"
            )
        counted = {key: event[key] for key in (keys.ACTIVE_TIME, keys.BURSTS) if key in event}
        check_numbers(counted, counted, least=0.0)
        own = {keys.EVENT: event[keys.EVENT], keys.BURST_ID: number}
        self._events[number] = {**own, **detection.to_dict(), **counted}

    def between(self, start: int, stop: int) -> list[dict]:
        """Those on the air in samples [start, stop) of the stream, by start. One that has not ended
        goes on to ``stop``."""
        found = []
        for event in self._events.values():
            end = event[keys.END_OFFSET]
            if event[keys.EVENT] != keys.EVENT_END:
                end = max(end, stop)
            if event[keys.START_OFFSET] < stop and start < end:
                found.append({**event, keys.END_OFFSET: end})
        return sorted(found, key=lambda e: (e[keys.START_OFFSET], e[keys.BURST_ID]))

    def forget_before(self, offset: int) -> None:
        """Leave out those that ended before sample ``offset`` of the stream."""
        over = [
            number
            for number, event in self._events.items()
            if event[keys.EVENT] == keys.EVENT_END and event[keys.END_OFFSET] <= offset
        ]
        for number in over:
            del self._events[number]

    def clear(self) -> None:
        """Forget all: another run begins."""
        self._events.clear()
        self._seen = 0
