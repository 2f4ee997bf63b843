# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's socket: who is there, what comes from whom, and what they are told."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import zmq
from zmq.utils.monitor import parse_monitor_message

from radiofm_core.errors import InputError, RadiofmError, UsageError, one_line
from radiofm_core.fields import whole_parameter
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.version import __version__

from . import protocol
from .access import Doorkeeper
from .attendance import Attendance, KeyInUse
from .curve_keys import KnownSensors, read_server_keys
from .listening import open_router
from .refusals import Refusals
from .session import Session

POLL_MS = 10
_NO_KEY = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
# How often it is looked after sensors that are silent or may not send any more (s)
ROUND_S = 0.5


class Hub:
    """Takes what sensors send, on a thread of its own.

    Args:
        address: to listen on, ``tcp://HOST:PORT``; port 0: any that is free.
        folder: of the keys.
        spec, model: of frames, and the model's name.
        take: called on the hub's thread as ``take(session, kind, fields, parts)`` with each frame
            and event; returns how many frames of that session were dropped for it.
        changed: called on the hub's thread as ``changed(session, what, why)``: ``found``, ``lost``,
            ``source lost``, ``source found``, ``ended``. It is ``ended`` once, when nothing more
            can come of that session.
        tell: called with a line of news, on any thread.
        gone_after: s after which a sensor that was lost has ended.

    Raises:
        UsageError: an address that is none or in use, keys that are not there, a window of 0.
    """

    def __init__(
        self,
        address: str,
        folder: Path,
        spec: SpectrogramSpec,
        model: str,
        take: Callable[[Session, str, dict, list[bytes]], int],
        changed: Callable[[Session, str, str], None],
        tell: Callable[[str], None],
        gone_after: float = 60.0,
        window: int = protocol.WINDOW_FRAMES,
    ):
        self._spec, self._model = spec, model
        self._take, self._changed = take, changed
        self._gone_after = gone_after
        self._window = whole_parameter("window", window, 1, protocol.MOST_WINDOW)
        self._attendance = Attendance(changed)
        self._failure: RadiofmError | None = None
        self._refusals = Refusals(tell)
        self._stopping = threading.Event()
        protocol.checked_address(address)
        keys = read_server_keys(folder)
        self._known = KnownSensors(keys.sensors)
        self._context = zmq.Context()
        self._door = Doorkeeper(self._context, self._known, self._refusals)
        self._door.start()
        try:
            # no coded frame takes more
            most = 2 * spec.frame_floats + protocol.MAX_FIELDS
            self._socket = open_router(self._context, address, keys, most, window)
        except UsageError:
            self._door.stop()
            self._context.destroy(linger=0)
            raise
        self._monitor = self._socket.get_monitor_socket(_NO_KEY)
        self.address = self._socket.get_string(zmq.LAST_ENDPOINT)
        self._thread = threading.Thread(target=self._run, name="radiofm-hub", daemon=True)

    def start(self) -> None:
        """Begin to take what comes."""
        self._thread.start()

    def stop(self) -> None:
        """End; what sensors have sent and is not judged they will send again."""
        self._stopping.set()
        if self._thread.ident is None:
            self._close()
        else:
            self._thread.join(5.0)

    @property
    def failure(self) -> RadiofmError | None:
        """Why the hub has ended by itself, or None."""
        return self._failure

    @property
    def sensors(self) -> list[Session]:
        """The latest session of each sensor that ever said hello, by name."""
        return self._attendance.sensors

    @property
    def refused(self) -> dict[str, int]:
        """How many were refused by kind: ``connections`` by their keys, ``receivers`` and
        ``messages`` that are none."""
        return dict(self._refusals.counts)

    # On the hub's thread

    def _run(self) -> None:
        try:
            poller = zmq.Poller()
            poller.register(self._socket, zmq.POLLIN)
            poller.register(self._monitor, zmq.POLLIN)
            due = 0.0
            while not self._stopping.is_set():
                ready = dict(poller.poll(POLL_MS))
                if self._socket in ready:
                    self._receive()
                if self._monitor in ready:
                    self._watch()
                self._tell_sensors()
                if time.monotonic() >= due:
                    due = time.monotonic() + ROUND_S
                    self._look_round()
        except Exception as error:  # the command ends with it
            self._failure = RadiofmError(f"the server's socket failed: {one_line(error)}")
        finally:
            self._tell_sensors()
            self._close()

    def _close(self) -> None:
        self._door.stop()
        with contextlib.suppress(zmq.ZMQError):
            self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close()
        self._context.term()

    def _receive(self) -> None:
        """What has come, up to a window of all sensors: then the others of this thread's duties."""
        for _ in range(4 * self._window):
            try:
                received = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            arrived = time.time()
            identity = received[0].bytes
            name, address = received[1].get("User-Id"), received[1].get("Peer-Address")
            try:
                message = protocol.unpack([part.bytes for part in received[1:]])
                size = sum(map(len, received[1:]))
                self._message(identity, name, address, message, size, arrived)
            except InputError as error:
                told = f"{name} at {address} sent {error}; further ones are counted"
                self._refusals.add("messages", told, name)

    def _message(
        self,
        identity: bytes,
        name: str,
        address: str,
        message: protocol.Message,
        size: int,
        arrived: float,
    ) -> None:
        kind, fields, parts = message
        if kind == protocol.HELLO:
            self._hello(identity, name, address, fields)
            return
        session = self._attendance.of(identity)
        if session is None:
            return
        self._attendance.hear(session)
        if kind in (protocol.FRAME, protocol.EVENT):
            if kind == session.sends and session.is_next(fields, size):
                dropped = self._take(session, kind, fields, parts)
                session.dropped(protocol.SERVER_QUEUE, dropped)
        elif kind == protocol.PING:
            self._take_state(session, fields)
            told = {
                protocol.SENT: fields.get(protocol.SENT),
                protocol.RECEIVED: arrived,
                protocol.DONE: session.done(),
                protocol.REPLIED: time.time(),
            }
            self._send(identity, protocol.PONG, told)
        elif kind == protocol.BYE:
            session.take_state(fields)
            self._attendance.end(session, "its source has ended")
        else:
            raise InputError(f"a message of the unknown kind {kind[:20]!r}")

    def _take_state(self, session: Session, fields: dict) -> None:
        before = session.trouble
        session.take_state(fields)
        if session.trouble != before:
            what = "source lost" if session.trouble else "source found"
            self._changed(session, what, session.trouble)

    def _hello(self, identity: bytes, name: str, address: str, hello: dict) -> None:
        session = Session(name, identity, address, hello)
        try:
            self._check(session, hello)
        except UsageError as error:
            self._refuse(identity, name, address, str(error), not isinstance(error, KeyInUse))
            return
        session = self._attendance.enter(session)
        self._send(
            identity,
            protocol.WELCOME,
            {
                protocol.PROTOCOL: protocol.VERSION,
                protocol.RELEASE: __version__,
                protocol.SERVER: session.server,
                protocol.RECEIVER: name,
                protocol.MODEL: self._model,
                protocol.SPEC: self._spec.to_dict(),
                protocol.FINGERPRINT: self._spec.fingerprint,
                protocol.WINDOW: self._window,
                protocol.NEXT: session.following,
                protocol.DONE: session.done(),
            },
        )

    def _check(self, session: Session, hello: dict) -> None:
        """Raises UsageError for a sensor that may not send."""
        version = hello.get(protocol.PROTOCOL)
        if version != protocol.VERSION:
            raise UsageError(
                f"it speaks version {str(version)[:20]} of the protocol (radiofm "
                f"{str(hello.get(protocol.RELEASE))[:20]}), this server version {protocol.VERSION} "
                f"(radiofm {__version__}); install the same release on both"
            )
        if not session.id:
            raise UsageError("it names no session")
        self._attendance.check_key(session)
        session.check(self._spec)

    def _refuse(
        self, identity: bytes, name: str, address: str, reason: str, is_final: bool
    ) -> None:
        self._refusals.add("receivers", f"refused {name} at {address}: {reason}", name + reason)
        told = {protocol.REASON: reason, protocol.IS_FINAL: is_final}
        self._send(identity, protocol.REFUSED, told)

    def _tell_sensors(self) -> None:
        for session in self._attendance.sensors:
            if session.is_linked and (done := session.take_news()) is not None:
                self._send(session.identity, protocol.DONE, {protocol.DONE: done})

    def _look_round(self) -> None:
        allowed = self._known.names()
        for session in self._attendance.sensors:
            if session.is_linked and session.name not in allowed:
                reason = "its key was taken out of the server's folder"
                self._refuse(session.identity, session.name, session.address, reason, False)
                self._attendance.expel(session, reason)
        self._attendance.look(self._gone_after)

    def _watch(self) -> None:
        while True:
            try:
                parse_monitor_message(self._monitor.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                return
            text = (
                "a connection came to no handshake: it had not this server's key, or broke off; "
                "further ones are counted"
            )
            self._refusals.add("connections", text)

    def _send(self, identity: bytes, kind: str, fields: dict) -> None:
        # a sensor whose connection is gone, or that does not read: it will ask again
        with contextlib.suppress(zmq.ZMQError):
            self._socket.send_multipart([identity, *protocol.pack(kind, fields)], zmq.NOBLOCK)
