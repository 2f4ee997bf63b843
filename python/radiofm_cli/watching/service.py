# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling systemd how a service does (sd_notify(3)); nothing happens elsewhere."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable

STATUS_S = 5.0


class Service:
    """The socket that ``NOTIFY_SOCKET`` names, and the watchdog that ``WATCHDOG_USEC`` asks for.

    Args:
        is_well: asked before the watchdog is fed.
    """

    def __init__(self, is_well: Callable[[], bool]):
        self._is_well = is_well
        address = os.environ.get("NOTIFY_SOCKET", "")
        # a socket without a file is named after a zero byte
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._period = _watchdog_s() / 3.0 if self._address else 0.0
        self._next_feed = self._next_status = 0.0

    def ready(self) -> None:
        """The model is loaded, and the source is watched or waited for."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def look(self, status: Callable[[], str]) -> None:
        """Feed the watchdog, and tell the status, when it is time to; call it all the time."""
        if not self._address:
            return
        now = time.monotonic()
        if now >= self._next_status:
            self._next_status = now + STATUS_S
            self._send("STATUS=" + " ".join(status().split()))
        if self._period and now >= self._next_feed and self._is_well():
            self._next_feed = now + self._period
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        # systemd may be gone, or restarting
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.sendto(text.encode(), self._address)


def _watchdog_s() -> float:
    """Seconds within which the watchdog must be fed; 0 where there is none."""
    for_whom = os.environ.get("WATCHDOG_PID", "")
    period = os.environ.get("WATCHDOG_USEC", "")
    if not period.isdigit() or (for_whom and for_whom != str(os.getpid())):
        return 0.0
    return int(period) / 1e6
