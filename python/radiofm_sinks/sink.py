# SPDX-License-Identifier: GPL-3.0-or-later
"""What all outputs share: a bounded buffer, a thread, counts, and an end that has a limit."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from radiofm_core.errors import reason_of
from radiofm_core.events import names

# Events that an output keeps while it cannot deliver: ten minutes of three a second, five times
BUFFER = 10_000
MOST_BATCH = 500
# Seconds between two tries of what could not be delivered: each is twice the one before
LEAST_WAIT_S, MOST_WAIT_S = 1.0, 30.0
# Between two tries while the program waits for the end
CLOSING_WAIT_S = 0.2


class Trouble(Exception):
    """Events cannot be delivered now: they are tried again. ``wait``: seconds, if that is told."""

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait


class Refused(Exception):
    """The receiver will never take these events: they count as dropped."""


class Counts(NamedTuple):
    """Events of one output: taken by the receiver or the disk, still to be, lost."""

    delivered: int
    waiting: int
    dropped: int

    def fields(self) -> dict[str, int]:
        """As an event tells them."""
        return {
            names.DELIVERED: self.delivered,
            names.WAITING: self.waiting,
            names.DROPPED: self.dropped,
        }


class EventSink:
    """An output with a buffer of ``capacity`` events; the oldest make room for new ones.

    A kind of output has :meth:`deliver`, and :meth:`open` and :meth:`release` where it needs them;
    all three are called on the output's own thread. ``gather``: seconds that an event may wait for
    others, to be delivered with them.

    Args:
        name: how the user named it, without options.
        capacity: events in the buffer, those on their way included.
        types: of the events that it takes; None for all.
    """

    gather = 0.0

    def __init__(self, name: str, capacity: int = BUFFER, types: Collection[str] | None = None):
        self.name = name
        # Called with (this, whether it delivers, why not) as that changes, on any thread
        self.on_change: Callable[[EventSink, bool, str], None] = lambda *_: None
        # Called with what else the user should know, on any thread
        self.on_note: Callable[[str], None] = lambda _: None
        # Whether what it cannot deliver is tried again
        self.tries_again = True
        self._types = None if types is None else frozenset(types)
        self._capacity = capacity
        self._changed = threading.Condition()
        self._waiting: deque[Mapping] = deque()
        self._under_way: list[Mapping] = []
        self._delivered = self._dropped = 0
        self._works: bool | None = None
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._work, name=f"radiofm-{name}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def deliver(self, events: Sequence[Mapping]) -> None:
        """Deliver events, in order; raises Trouble or Refused where none of them could be."""
        raise NotImplementedError

    def open(self) -> None:
        """Before the first event."""

    def idle(self) -> float | None:
        """Called when no event waits; how many seconds to be called again, None for not."""
        return None

    def release(self) -> None:
        """After the last event."""

    def put(self, event: Mapping) -> None:
        """Take an event, which is not changed; never waits."""
        if self._types is not None and event[names.TYPE] not in self._types:
            return
        with self._changed:
            if self._deadline is not None:
                self._dropped += 1
                return
            if len(self._waiting) + len(self._under_way) >= self._capacity:
                self._dropped += 1
                if not self._waiting:
                    return
                self._waiting.popleft()
            self._waiting.append(event)
            self._changed.notify()

    def counts(self) -> Counts:
        """Of this run."""
        with self._changed:
            waiting = len(self._waiting) + len(self._under_way)
            return Counts(self._delivered, waiting, self._dropped)

    def close(self, timeout: float) -> Counts:
        """Deliver what waits, for ``timeout`` seconds at most; what is left then is dropped."""
        with self._changed:
            if self._deadline is None:
                self._deadline = time.monotonic() + timeout
            self._changed.notify()
        if self._thread.ident is not None:
            # a disk that hangs keeps its thread for ever, which ends with the process
            self._thread.join(timeout + 1.0)
        with self._changed:
            self._drop_rest()
        return self.counts()

    @property
    def is_closing(self) -> bool:
        """Whether the end is near."""
        return self._deadline is not None

    @property
    def time_left(self) -> float:
        """Seconds that are left to deliver; without end while nobody closes it."""
        deadline = self._deadline
        return threading.TIMEOUT_MAX if deadline is None else max(deadline - time.monotonic(), 0.0)

    def delivers(self) -> None:
        """What was sent arrives."""
        self._tell(True, "")

    def cannot_deliver(self, reason: str) -> None:
        """What is sent does not arrive for now."""
        self._tell(False, reason)

    def confirm(self, count: int) -> None:
        """The first ``count`` events that are under way arrived; what :meth:`deliver` was given
        counts when it returns, where that did not say so before."""
        with self._changed:
            count = min(count, len(self._under_way))
            del self._under_way[:count]
            self._delivered += count

    def take_back(self, count: int) -> None:
        """So many events that counted as delivered are lost after all."""
        with self._changed:
            self._delivered -= count
            self._dropped += count

    def _work(self) -> None:
        try:
            self.open()
            while self._next_batch():
                self._deliver_batch()
        except Exception as error:  # a fault of ours must not be silent
            self.cannot_deliver(f"it ended: {reason_of(error)}")
        finally:
            with self._changed:
                self._deadline = self._deadline or time.monotonic()
                self._drop_rest()
            with contextlib.suppress(Exception):
                self.release()

    def _next_batch(self) -> bool:
        while True:
            again = None if self._waiting else self.idle()
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self.is_closing, again)
                if self._waiting and self.gather:
                    self._changed.wait_for(
                        lambda: self.is_closing or len(self._waiting) >= MOST_BATCH, self.gather
                    )
                if self._waiting:
                    count = min(len(self._waiting), MOST_BATCH)
                    self._under_way = [self._waiting.popleft() for _ in range(count)]
                    return True
                if self.is_closing:
                    return False

    def _deliver_batch(self) -> None:
        wait = LEAST_WAIT_S
        while self._under_way:
            try:
                self.deliver(tuple(self._under_way))
                self.confirm(len(self._under_way))
                self.delivers()
            except Refused as error:
                with self._changed:
                    self._dropped += len(self._under_way)
                    self._under_way = []
                self.tries_again = False
                self.cannot_deliver(str(error))
            except Trouble as error:
                self.tries_again = True
                self.cannot_deliver(str(error))
                if not self._pause(max(wait, error.wait or 0.0)):
                    return
                wait = min(2 * wait, MOST_WAIT_S)

    def _pause(self, wait: float) -> bool:
        """Before another try; False where there is no time for one."""
        with self._changed:
            if not self.is_closing:
                self._changed.wait_for(lambda: self.is_closing, wait)
            elif self.time_left > 0:
                self._changed.wait(min(CLOSING_WAIT_S, self.time_left))
            if self.time_left > 0:
                return True
            self._drop_rest()
            return False

    def _drop_rest(self) -> None:
        self._dropped += len(self._waiting) + len(self._under_way)
        self._waiting.clear()
        self._under_way = []

    def _tell(self, works: bool, reason: str) -> None:
        with self._changed:
            if self._works is works:
                return
            self._works = works
        self.on_change(self, works, reason)
