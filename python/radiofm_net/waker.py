# SPDX-License-Identifier: GPL-3.0-or-later
"""Waking a thread that waits for sockets."""

from __future__ import annotations

import contextlib
import socket


class Waker:
    """A pair of sockets: any thread writes to one, the one that waits reads the other."""

    def __init__(self):
        #: to be waited for, as any socket
        self.socket, self._other = socket.socketpair()
        for end in (self.socket, self._other):
            end.setblocking(False)

    def wake(self) -> None:
        """Never waits; of many calls one may be seen."""
        with contextlib.suppress(BlockingIOError, OSError):
            self._other.send(b"x")

    def clear(self) -> None:
        """What was seen is over."""
        with contextlib.suppress(BlockingIOError):
            self.socket.recv(4096)

    def close(self) -> None:
        """Nobody waits any more."""
        for end in (self.socket, self._other):
            end.close()
