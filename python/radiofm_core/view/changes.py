# SPDX-License-Identifier: GPL-3.0-or-later
"""A state that is changed on some threads and read on others: changes do not wait for reads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import RadiofmError

# Changes that wait for a reader at most: one of a frame holds a quarter of a megabyte
MOST_WAITING = 64
# How long one more waits for a reader (s). A read takes milliseconds: one that still lasts then is
# interrupted, and until it ends nobody waits again
PATIENCE_S = 1.0


class Changes:
    """Guards such a state. Readers wait for each other, and for a change that is being made.

    Python runs a signal's handler on the main thread between two steps of whatever that is at, with
    all locks that it holds. The handler of GNU Radio Companion's programs waits there until all
    threads of the flowgraph have ended. If one of these waited for a lock of a window's, which is
    drawn on the main thread, neither would ever go on. So a change that comes while somebody reads
    is left to the reader, who makes it when he is through.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._errors: deque[Exception] = deque(maxlen=MOST_WAITING)
        self._is_stuck = False

    def make(self, change: Callable[[], None]) -> None:
        """Call ``change``: now, or on another thread that reads now, when it is through. Changes
        are made in their order.

        Raises:
            RadiofmError: MOST_WAITING of them wait for a reader who takes longer than PATIENCE_S;
                this one is left out.
            Exception: what a change has raised: this one, or one that was left to a reader before.
        """
        if len(self._waiting) >= MOST_WAITING and not self._wait_for_reader():
            raise RadiofmError(f"left out: {MOST_WAITING} changes wait for a reader already")
        self._waiting.append(change)
        self._make_waiting()
        if self._errors:
            raise self._errors.popleft()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While this lasts nothing changes."""
        try:
            with self._lock:
                self._call_all()
                yield
        finally:
            self._make_waiting()

    def _wait_for_reader(self) -> bool:
        if self._is_stuck or not self._lock.acquire(timeout=PATIENCE_S):
            self._is_stuck = True
            return False
        try:
            self._call_all()
        finally:
            self._lock.release()
        return True

    def _make_waiting(self) -> None:
        # looked at again after each release: whoever could not get the lock has left a change here
        while self._waiting and self._lock.acquire(blocking=False):
            try:
                self._call_all()
            finally:
                self._lock.release()

    def _call_all(self) -> None:
        self._is_stuck = False
        while self._waiting:
            try:
                self._waiting.popleft()()
            except Exception as error:
                self._errors.append(error)
