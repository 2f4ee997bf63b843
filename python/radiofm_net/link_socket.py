# SPDX-License-Identifier: GPL-3.0-or-later
"""A sensor's socket: one connection to the server, and what became of its handshake."""

from __future__ import annotations

import contextlib

import zmq
from zmq.utils.monitor import parse_monitor_message

from . import protocol
from .curve_keys import SensorKeys

# What ZeroMQ itself may hold on its way; the server's window is less
MOST_IN_SOCKET = 1000
# Handshakes that fail without a word from the server, one after the other, before that is told
SILENT_FAILURES = 3
# Faults of a connection
UNKNOWN_KEY = "unknown key"
OTHER_SERVER = "other server"
CLOSED = "closed"
_WATCHED = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_DISCONNECTED
)
_FAULTS = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: UNKNOWN_KEY,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: OTHER_SERVER,
    zmq.EVENT_DISCONNECTED: CLOSED,
}


class LinkSocket:
    """Connects at once; ZeroMQ tries until somebody answers. Of one thread.

    Raises:
        zmq.ZMQError: an address that ZeroMQ does not take.
    """

    def __init__(self, context: zmq.Context, address: str, keys: SensorKeys):
        self.sent_bytes = 0
        self._silent_failures = 0
        self._socket = context.socket(zmq.DEALER)
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.IPV6, protocol.is_ipv6(address)),
            (zmq.SNDHWM, MOST_IN_SOCKET),
            (zmq.MAXMSGSIZE, protocol.MAX_PART),
            (zmq.CONNECT_TIMEOUT, 2000),
            (zmq.RECONNECT_IVL, 200),
            (zmq.RECONNECT_IVL_MAX, 2000),
        ):
            self._socket.setsockopt(option, value)
        self._socket.curve_publickey = keys.public
        self._socket.curve_secretkey = keys.secret
        self._socket.curve_serverkey = keys.server
        self._monitor = self._socket.get_monitor_socket(_WATCHED)
        try:
            self._socket.connect(address)
        except zmq.ZMQError:
            self.close()
            raise

    def wait(self, other, timeout_ms: int) -> bool:
        """Wait until there is something to be received, or something on ``other``, a socket of the
        system; whether that is so of ``other``."""
        poller = zmq.Poller()
        for each in (self._socket, self._monitor, other):
            poller.register(each, zmq.POLLIN)
        return other.fileno() in dict(poller.poll(timeout_ms))

    @property
    def has_room(self) -> bool:
        """Whether it takes a message."""
        return bool(self._socket.poll(0, zmq.POLLOUT))

    def send(self, message: list[bytes]) -> None:
        """Send a message; without room it is lost."""
        # that is a socket that nobody reads: silence ends it
        with contextlib.suppress(zmq.Again):
            self._socket.send_multipart(message, zmq.NOBLOCK, copy=False)
            self.sent_bytes += sum(map(len, message))

    def received(self) -> list[list[bytes]]:
        """The messages that have come."""
        found = []
        with contextlib.suppress(zmq.Again):
            while True:
                found.append(self._socket.recv_multipart(zmq.NOBLOCK))
        return found

    def fault(self) -> str:
        """What has happened to the connection since the last call; empty where nothing has."""
        with contextlib.suppress(zmq.Again):
            while True:
                event = parse_monitor_message(self._monitor.recv_multipart(zmq.NOBLOCK))["event"]
                if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    self._silent_failures = 0
                elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                    self._silent_failures += 1
                    if self._silent_failures >= SILENT_FAILURES:
                        return OTHER_SERVER
                elif event != zmq.EVENT_DISCONNECTED or not self._silent_failures:
                    return _FAULTS[event]
        return ""

    def close(self, linger_ms: int = 0) -> None:
        """Close it; what is not sent yet has ``linger_ms``."""
        with contextlib.suppress(zmq.ZMQError):
            self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(linger_ms)


def fault_words(fault: str, address: str, keys: SensorKeys) -> str:
    """What UNKNOWN_KEY and OTHER_SERVER mean to the user, and what to do."""
    return {
        UNKNOWN_KEY: f"{address} does not know this sensor's key; copy the public key "
        f"{keys.path.stem}.key into its folder of keys, under sensors/",
        OTHER_SERVER: f"{address} is not `radiofm serve` with the server-key that is in "
        f"{keys.path}; check the address, or take that server's file",
    }[fault]
