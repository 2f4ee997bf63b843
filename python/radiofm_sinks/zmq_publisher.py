# SPDX-License-Identifier: GPL-3.0-or-later
"""Events to whoever listens, as a ZeroMQ publisher."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import zmq

from radiofm_core.errors import UsageError, reason_of
from radiofm_core.events import names
from radiofm_core.events.lines import event_json

from .network import LOOPBACK
from .options import Options
from .sink import EventSink

# A listener that does not answer for so long has gone (ms)
HEARTBEAT_MS = 5000
TELL_REFUSAL_S = 60.0


class Door:
    """Lets in the listeners whose public keys are in a folder that ``radiofm keys`` made.

    Args:
        context: of the sockets; it has one door.
        folder: of the keys.

    Raises:
        UsageError: the folder has no keys of a server.
    """

    def __init__(self, context: zmq.Context, folder: Path):
        from zmq.auth.thread import ThreadAuthenticator

        from radiofm_net.curve_keys import KnownSensors, read_server_keys

        self._keys = read_server_keys(folder)
        self._known = KnownSensors(self._keys.sensors)
        self._next_tell = 0.0
        self.on_refusal: Callable[[], None] = lambda: None
        self._thread = ThreadAuthenticator(context)
        self._thread.start()
        self._thread.configure_curve_callback(credentials_provider=self)

    def guard(self, socket: zmq.Socket) -> None:
        """Before it is bound."""
        socket.curve_publickey, socket.curve_secretkey = self._keys.public, self._keys.secret
        socket.curve_server = True

    def callback(self, domain: str, key: bytes) -> bool:
        """Of pyzmq: whether the owner of a key may come in."""
        if self._known.name_of(key) is not None:
            return True
        # who is refused tries again and again
        if time.monotonic() >= self._next_tell:
            self._next_tell = time.monotonic() + TELL_REFUSAL_S
            self.on_refusal()
        return False

    def stop(self) -> None:
        """Nobody comes in any more."""
        self._thread.stop()


class ZmqSink(EventSink):
    """Publishes messages of two parts: the event's type, to subscribe to, and the event.

    A publisher keeps ``capacity`` events for each listener that is slow; what is more is lost to
    that listener alone, which sees it by their numbers. Without a listener events go nowhere.

    Args:
        name: of the output.
        socket: bound, of type PUB.
        door: who lets listeners in, or None where all may listen.
        options: see :class:`.sink.EventSink`.
    """

    def __init__(self, name: str, socket: zmq.Socket, door: Door | None = None, **options):
        super().__init__(name, **options)
        self._socket, self._door = socket, door
        if door is not None:
            door.on_refusal = lambda: self.on_note("a listener without a known key was refused")

    def deliver(self, events: Sequence[Mapping]) -> None:
        """Publish events; none waits for a slow listener."""
        for event in events:
            self._socket.send_multipart([event[names.TYPE].encode(), event_json(event)])

    def release(self) -> None:
        """Close the socket; what is on its way has a second."""
        self._socket.close(linger=1000)
        if self._door is not None:
            self._door.stop()


def open_zmq(options: Options) -> EventSink:
    """``zmq=PORT``, for this machine alone, or an endpoint such as ``zmq=tcp://0.0.0.0:5556``;
    with ``keys=FOLDER`` for those alone whose keys lie there. Raises UsageError."""
    endpoint = options.target
    if re.fullmatch(r"\d{1,5}", endpoint):
        endpoint = f"tcp://{LOOPBACK}:{endpoint}"
    elif "://" not in endpoint:
        endpoint = f"tcp://{endpoint}"
    keys, capacity, types = options.text("keys"), options.buffer(), options.types()
    options.done()
    # whom a context lets in is asked of one door; another program part may have its own
    context = zmq.Context()
    socket = context.socket(zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, capacity)
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 2 * HEARTBEAT_MS)
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    door = None
    try:
        if keys is not None:
            door = Door(context, Path(keys))
            door.guard(socket)
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise _closed(socket, door, options.error(_reason(endpoint, error))) from error
    except UsageError as error:
        raise _closed(socket, door, options.error(str(error))) from error
    return ZmqSink(options.name, socket, door, capacity=capacity, types=types)


def _closed(socket: zmq.Socket, door: Door | None, error: UsageError) -> UsageError:
    socket.close(linger=0)
    if door is not None:
        door.stop()
    return error


def _reason(endpoint: str, error: zmq.ZMQError) -> str:
    told = {
        zmq.EADDRINUSE: "the port is in use; name another one",
        zmq.EADDRNOTAVAIL: "this machine has no such address",
        errno.ENODEV: "this machine has no such address; take its number, or * for all",
    }
    advice = "expected a port or an endpoint such as tcp://127.0.0.1:5556"
    return told.get(error.errno, f"cannot listen on {endpoint} ({reason_of(error)}); {advice}")
