# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of CSI as a live source: packets as far apart as they were received."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from ..packet import CsiPacket
from ..reader import open_csi
from .source import POLL_S, QUEUE_PACKETS, CsiSource


class RecordedSource(CsiSource):
    """Packets of a file at its own pace; it ends with the file.

    Args:
        path: of the file.
        queue_packets: how many packets wait at most.

    Raises:
        InputError: the file cannot be read, or is of no known format.
    """

    def __init__(self, path: str | os.PathLike, queue_packets: int = QUEUE_PACKETS):
        super().__init__(queue_packets)
        self._reader = open_csi(path)
        self._packets: Iterator[CsiPacket] = iter(())
        self._next: CsiPacket | None = None
        self._first_ns, self._began = 0, 0.0

    def _open(self) -> None:
        self._packets = iter(self._reader)
        self._next = next(self._packets, None)
        self._begin()

    def _read(self) -> Iterator[CsiPacket]:
        if self._next is None:
            self._stopping.set()
            return
        if self._next.time_ns < self._first_ns:  # its clock was set back
            self._begin()
        left = self._began + (self._next.time_ns - self._first_ns) * 1e-9 - time.monotonic()
        if left > 0:
            time.sleep(min(left, POLL_S))
        if left <= POLL_S:
            packet, self._next = self._next, next(self._packets, None)
            yield packet

    def _close(self) -> None:
        self._packets = iter(())

    def _begin(self) -> None:
        self._first_ns = 0 if self._next is None else self._next.time_ns
        self._began = time.monotonic()
