# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sensor keeps until the server is done with it, and what it drops and counts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from .protocol import (
    JUDGED,
    NETWORK,
    SENSOR_CAUSES,
    SENSOR_QUEUE,
    SERVER_CAUSES,
    STOPPED,
)

# While the link is up nothing waits for longer, but for what waited when it came back: that is
# worked off within CATCH_UP_S
LONGEST_WAIT_S = 0.5
CATCH_UP_S = 60.0
# How long it may take until the first of it is taken
CATCH_UP_SLACK_S = 2.0


class Item(NamedTuple):
    """A frame or an event under way."""

    sequence: int
    kind: str
    fields: dict
    parts: list[bytes]
    # s of time.monotonic()
    added: float


class SendBuffer:
    """Items in their order, kept until the server says what became of them. Any thread may call.

    Up to ``capacity`` items are kept. While the link is up they wait for ``longest_wait`` s at
    most: a server that is too slow is to judge what is on the air now. What waited when the link
    came back is worked off within CATCH_UP_S. The oldest that waits is dropped first.

    All that was ever added is judged, dropped by one of the causes, under way or waiting.
    """

    def __init__(self, capacity: int, longest_wait: float = LONGEST_WAIT_S):
        self._capacity = max(capacity, 1)
        self._longest_wait = longest_wait
        self._lock = threading.Lock()
        self._waiting: deque[Item] = deque()
        self._under_way: deque[Item] = deque()
        self._made = 0
        self._dropped = dict.fromkeys(SENSOR_CAUSES, 0)
        # of servers that are gone, and of the present one
        self._earlier = dict.fromkeys((JUDGED, *SERVER_CAUSES), 0)
        self._done = dict.fromkeys((JUDGED, *SERVER_CAUSES), 0)
        self._server = ""
        self._window = 0
        self._is_linked = False
        self._backlog = 0.0
        self._linked_at = 0.0

    def set_capacity(self, capacity: int) -> None:
        """Keep up to so many items from now on."""
        with self._lock:
            self._capacity = max(capacity, 1)

    def add(self, kind: str, fields: Mapping, parts: list[bytes]) -> None:
        """Take a new item."""
        with self._lock:
            self._waiting.append(Item(self._made, kind, dict(fields), parts, time.monotonic()))
            self._made += 1
            self._drop_excess()

    def skip(self) -> None:
        """There was a new item, and no time to make it."""
        with self._lock:
            self._made += 1
            self._dropped[SENSOR_QUEUE] += 1

    def next(self) -> Item | None:
        """The next item to send, which then is under way; None while there is none, or as many are
        under way as the server takes."""
        with self._lock:
            self._drop_excess()
            has_room = self._is_linked and len(self._under_way) < self._window
            if not (has_room and self._waiting):
                return None
            self._under_way.append(self._waiting.popleft())
            return self._under_way[-1]

    def link(self, server: str, window: int, following: int, done: Mapping[str, int]) -> None:
        """The link is up.

        Args:
            server: which run of the server this is.
            window: how many items may be under way.
            following: the sequence number after the last one that came there.
            done: of the present session there, as for :meth:`settle`.
        """
        with self._lock:
            if server != self._server:
                for name, count in self._done.items():
                    self._earlier[name] += count
                self._done = dict.fromkeys(self._done, 0)
                self._server = server
                following = -1
            else:
                self._settle(done)
            lost = [item for item in self._under_way if item.sequence >= following]
            for item in reversed(lost):
                self._under_way.remove(item)
                self._waiting.appendleft(item)
            self._window = window
            self._is_linked = True
            self._linked_at = time.monotonic()
            self._backlog = self._linked_at - self._waiting[0].added if self._waiting else 0.0
            self._drop_excess()

    def unlink(self) -> None:
        """The link is down."""
        with self._lock:
            self._is_linked = False

    def settle(self, done: Mapping[str, int]) -> None:
        """The server's counts of the session so far: ``judged`` and drops by cause."""
        with self._lock:
            self._settle(done)

    def drop_waiting(self) -> None:
        """This host stops: drop what is not under way."""
        with self._lock:
            self._dropped[STOPPED] += len(self._waiting)
            self._waiting.clear()

    def drop_all(self) -> None:
        """Drop what is under way, too: nobody will tell what became of it."""
        with self._lock:
            self._dropped[STOPPED] += len(self._waiting) + len(self._under_way)
            self._waiting.clear()
            self._under_way.clear()

    @property
    def left(self) -> int:
        """Items that are waiting or under way."""
        with self._lock:
            return len(self._waiting) + len(self._under_way)

    @property
    def made(self) -> int:
        """Items ever added."""
        return self._made

    @property
    def following(self) -> int:
        """The sequence number of the oldest item that is kept, or of the next one."""
        with self._lock:
            for items in (self._under_way, self._waiting):
                if items:
                    return items[0].sequence
            return self._made

    def counts(self) -> tuple[int, int, dict[str, int], int]:
        """(made, judged, dropped by cause, waiting or under way), all at one time."""
        with self._lock:
            total = {name: count + self._done[name] for name, count in self._earlier.items()}
            dropped = self._dropped | {cause: total[cause] for cause in SERVER_CAUSES}
            left = len(self._waiting) + len(self._under_way)
            return self._made, total[JUDGED], dropped, left

    def of_this_server(self) -> dict[str, int]:
        """What the server that is linked, or was last, told of this session."""
        with self._lock:
            return dict(self._done)

    def _settle(self, done: Mapping[str, int]) -> None:
        # a count that falls, or more than was sent: no server of ours
        news = {name: max(0, done[name] - count) for name, count in self._done.items()}
        for name, count in news.items():
            count = min(count, len(self._under_way))
            self._done[name] += count
            for _ in range(count):
                self._under_way.popleft()
        self._drop_excess()

    def _drop_excess(self) -> None:
        most = self._capacity - len(self._under_way)
        while self._waiting and len(self._waiting) > most:
            self._drop_oldest(SENSOR_QUEUE if self._is_linked else NETWORK)
        if not self._is_linked:
            return
        now = time.monotonic()
        longest = self._longest_wait
        since = now - self._linked_at
        if self._backlog > longest and since < CATCH_UP_S:
            longest += (self._backlog + since + CATCH_UP_SLACK_S) * (1.0 - since / CATCH_UP_S)
        while self._waiting and now - self._waiting[0].added > longest:
            self._drop_oldest(SENSOR_QUEUE)

    def _drop_oldest(self, cause: str) -> None:
        self._waiting.popleft()
        self._dropped[cause] += 1
