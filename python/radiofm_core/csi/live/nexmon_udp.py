# SPDX-License-Identifier: GPL-3.0-or-later
"""Nexmon CSI live: the firmware's datagrams to UDP port 5500."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

from ...errors import InputError
from ..formats.nexmon import PORT, StreamJoiner, parse_datagram
from ..packet import CsiPacket
from .source import POLL_S, QUEUE_PACKETS, CsiSource

_MAX_DATAGRAM_BYTES = 65536
# The system's own queue: some thousand datagrams
_BUFFER_BYTES = 4 << 20


class NexmonUdpSource(CsiSource):
    """Packets from a chip with nexmon's firmware; their time is when they came.

    The firmware broadcasts on the machine that it runs in; a host elsewhere gets the datagrams if
    they are forwarded to it.

    Args:
        port: UDP port; 0 takes any that is free (``address`` tells which).
        host: the address of this machine to listen at; all of them by default.
        queue_packets: how many packets wait at most.
    """

    def __init__(self, port: int = PORT, host: str = "", queue_packets: int = QUEUE_PACKETS):
        super().__init__(queue_packets)
        self.address = (host, port)
        self._socket: socket.socket | None = None
        self._joiner = StreamJoiner()

    def _open(self) -> None:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(self.address)
        except (OSError, OverflowError, TypeError, ValueError) as error:
            udp.close()
            host, port = self.address
            raise InputError(
                f"UDP port {port} at {host or 'this machine'} cannot be opened ({error}); check "
                "that no other program listens there"
            ) from error
        # Whatever the system grants is fine
        with contextlib.suppress(OSError):
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        udp.settimeout(POLL_S)
        self.address = udp.getsockname()
        self._socket = udp

    def _read(self) -> Iterator[CsiPacket]:
        try:
            payload = self._socket.recv(_MAX_DATAGRAM_BYTES)
        except TimeoutError:
            yield from self._joiner.flush()
            return
        part = parse_datagram(payload, time.time_ns(), self.tally)
        if part is not None:
            yield from self._joiner.add(part)

    def _close(self) -> None:
        self._socket.close()
