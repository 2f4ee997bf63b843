# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command that watches has still to look at."""

from __future__ import annotations

import threading
from collections import deque

# Messages that wait at most; a second of the busiest flowgraph is some hundreds
CAPACITY = 10_000


class Inbox:
    """Messages from any threads to one; nobody waits. What finds it full is dropped and counted.

    Args:
        capacity: messages that wait at most; as many marks more find a place.
    """

    def __init__(self, capacity: int = CAPACITY):
        self._capacity = capacity
        self._waiting: deque[tuple[str, object]] = deque()
        self._dropped = 0
        self._lock = threading.Lock()

    def put(self, port: str, fields: object, is_mark: bool = False) -> None:
        """``is_mark``: what comes after cannot be understood without it."""
        with self._lock:
            if len(self._waiting) >= self._capacity * (2 if is_mark else 1):
                self._dropped += 1
            else:
                self._waiting.append((port, fields))

    def take(self) -> list[tuple[str, object]]:
        """All that waits, in order."""
        with self._lock:
            found = list(self._waiting)
            self._waiting.clear()
            return found

    def take_dropped(self) -> int:
        """How many were dropped since the last call."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            return dropped
