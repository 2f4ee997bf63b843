# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the flowgraph and the server: takes messages without ever holding the flowgraph up."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Mapping

import numpy as np

from radiofm_core.errors import RadiofmError
from radiofm_core.events.lines import event_json
from radiofm_core.view.spectrum_state import SpectrumState

from .source_state import SourceState

# Messages that may wait: frames and masks (a quarter of a megabyte each), all others
MOST_PICTURES, MOST_OTHERS = 32, 8192
# Events that are kept for those who read them
MOST_EVENTS = 4096


class EventLog:
    """The last events as lines of JSON, each with its number; any threads may call its methods."""

    def __init__(self):
        self._lock = threading.Lock()
        self._lines: deque[tuple[int, str]] = deque(maxlen=MOST_EVENTS)
        self._last = 0
        self.readers = 0

    def add(self, event: Mapping) -> None:
        """Take an event (:mod:`radiofm_core.events`); without readers there is nothing to keep."""
        line = event_json(event).decode() if self.readers else None
        with self._lock:
            self._last += 1
            if line is not None:
                self._lines.append((self._last, line))

    @property
    def last(self) -> int:
        """The number of the last event."""
        with self._lock:
            return self._last

    def since(self, number: int) -> tuple[int, int, list[str]]:
        """(number of the last event, how many are gone, the lines) after event ``number``."""
        with self._lock:
            found = []
            for each, line in reversed(self._lines):
                if each <= number:
                    break
                found.append(line)
            return self._last, self._last - number - len(found), found[::-1]


class Intake:
    """Fills a :class:`SpectrumState` on a thread of its own; beside it, the events, and what they
    say of the source."""

    def __init__(self):
        self.state = SpectrumState()
        self.events = EventLog()
        self.source = SourceState()
        self.skipped = 0
        # counted by the thread that gives messages, and by the one that takes them
        self._given = self._taken = 0
        self._waiting: queue.SimpleQueue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="radiofm-http-intake", daemon=True)
        self._thread.start()

    def take(self, port: str, fields: dict, data: np.ndarray | None) -> None:
        """Take a message; copies its data. With too many waiting it is left out and counted."""
        most = MOST_OTHERS if data is None else MOST_PICTURES
        if self.waiting >= most:
            self.skipped += 1
            return
        self._given += 1
        self._waiting.put((port, fields, None if data is None else data.copy()))

    def take_event(self, event: Mapping) -> None:
        """Take an event (:mod:`radiofm_core.events`)."""
        self.source.take(event)
        self.events.add(event)

    @property
    def waiting(self) -> int:
        """Messages that are not taken in yet."""
        return self._given - self._taken

    def close(self) -> None:
        """End the thread."""
        self._waiting.put(None)
        self._thread.join(1.0)

    def _work(self) -> None:
        while (message := self._waiting.get()) is not None:
            port, fields, data = message
            try:
                self.state.take(port, fields, data)
            except RadiofmError:
                self.skipped += 1
            self._taken += 1
