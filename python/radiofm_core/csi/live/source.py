# SPDX-License-Identifier: GPL-3.0-or-later
"""What live sources have in common: a thread that reads, a bounded queue, a clean stop."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator

from ...errors import InputError
from ..capture import Tally
from ..packet import CsiPacket

QUEUE_PACKETS = 1000
# How long a thread may wait before it looks whether it is to stop
POLL_S = 0.05
_STOP_S = 5.0


class CsiSource(ABC):
    """Packets as they come. Use it in a ``with`` block, or call :meth:`start` and :meth:`stop`,
    once each.

    When nobody takes packets away, the oldest make room for new ones and are counted in
    ``dropped``. ``tally`` counts what came: good packets, and those skipped by reason.
    """

    def __init__(self, queue_packets: int = QUEUE_PACKETS):
        self.tally = Tally()
        self.dropped = 0
        self._queue: deque[CsiPacket] = deque()
        self._queue_packets = queue_packets
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._ended = False
        self._failure: InputError | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> CsiSource:
        """Open the source and begin to read.

        Raises:
            InputError: it cannot be opened; in one line.
        """
        self._open()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop reading and close; packets that are queued can still be taken."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)
            return
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def get(self, timeout_s: float | None = None) -> CsiPacket | None:
        """The next packet; None when none came in time, or when the source has ended.

        Args:
            timeout_s: how long to wait; None waits until there is a packet or an end.

        Raises:
            InputError: the source failed, as a cable that was pulled; once, after its last packet.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while not self._queue and not self._ended:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                # Not for longer, so that Ctrl-C is heard
                self._changed.wait(POLL_S if left is None else min(left, POLL_S))
            if self._queue:
                return self._queue.popleft()
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return None

    @property
    def ended(self) -> bool:
        """Whether no packet will come any more, and :meth:`get` has no failure to tell."""
        with self._changed:
            return self._ended and not self._queue and self._failure is None

    def __iter__(self) -> Iterator[CsiPacket]:
        """Packets until the source ends or is stopped; raises as :meth:`get` does."""
        while (packet := self.get()) is not None:
            yield packet

    def __enter__(self) -> CsiSource:
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    @abstractmethod
    def _open(self) -> None:
        """Open the source; raise InputError if that fails."""

    @abstractmethod
    def _read(self) -> Iterator[CsiPacket]:
        """Wait for what comes, no longer than POLL_S, and give the packets in it."""

    @abstractmethod
    def _close(self) -> None:
        """Close the source."""

    def _run(self) -> None:
        failure = None
        try:
            while not self._stopping.is_set():
                for packet in self._read():
                    self._put(packet)
        except InputError as error:
            failure = error
        except Exception as error:  # a thread that dies in silence would look like an idle radio
            failure = InputError(f"{type(self).__name__} failed ({error}); start it again")
        finally:
            self._close()
            with self._changed:
                self._ended = True
                self._failure = failure
                self._changed.notify_all()

    def _put(self, packet: CsiPacket) -> None:
        with self._changed:
            if not self.tally.accept(packet):
                return
            if len(self._queue) >= self._queue_packets:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(packet)
            self._changed.notify()
