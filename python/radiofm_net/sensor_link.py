# SPDX-License-Identifier: GPL-3.0-or-later
"""A sensor's connection to the server: on a thread of its own, made anew whenever it is lost."""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

import zmq

from radiofm_core.errors import InputError, RadiofmError, UsageError, one_line, reason_of
from radiofm_core.fields import finite_number, whole_parameter
from radiofm_core.version import __version__

from . import protocol
from .clock import ClockFilter
from .curve_keys import SensorKeys
from .link_socket import CLOSED, LinkSocket, fault_words
from .send_buffer import LONGEST_WAIT_S, SendBuffer
from .waker import Waker

OWN_PROTOCOL = protocol.VERSION
# After a refusal the sensor asks again after so long (s)
REFUSED_PAUSE_S = 3.0
POLL_MS = 200
# What is under way as a sensor stops has so long to be judged (s)
UNDER_WAY_S = 5.0
# For the last message (ms)
LINGER_MS = 500


class SensorLink:
    """Sends what is put into it, and keeps it until the server is done with it.

    Args:
        address: of the server, ``tcp://HOST:PORT``.
        keys: the sensor's own, and the server's.
        describe: the fields of its ``hello`` beside those of the link.
        capacity, longest_wait: see :class:`SendBuffer`.
        tell: called on the link's thread with a line of news.
        check: called on the link's thread with each ``welcome``'s fields; raises RadiofmError for a
            server that will not do.
        more_state: further fields of each ``ping``.

    Raises:
        UsageError: an address that is none, keys that are none.
    """

    def __init__(
        self,
        address: str,
        keys: SensorKeys,
        describe: Callable[[], Mapping],
        capacity: int,
        tell: Callable[[str], None],
        check: Callable[[dict], None] = lambda welcome: None,
        longest_wait: float = LONGEST_WAIT_S,
        more_state: Callable[[], Mapping] = dict,
    ):
        self.buffer = SendBuffer(capacity, longest_wait)
        self.clock = ClockFilter()
        self._sent_bytes = 0
        self._address = protocol.checked_address(address)
        self._keys = keys
        self._describe = describe
        self._tell = tell
        self._check = check
        self._more_state = more_state
        self._session = os.urandom(16).hex()
        self._context = zmq.Context()
        self._welcome: dict | None = None
        self._is_linked = False
        self._failure: RadiofmError | None = None
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._heard = self._opened = self._pinged = 0.0
        self._last_news = ""
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="radiofm-link", daemon=True)
        try:
            self._socket = self._opened_socket()
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            raise UsageError(f"--server {address}: {reason_of(error)}; check it") from error
        self._thread.start()

    @property
    def is_linked(self) -> bool:
        """Whether the server takes what is sent."""
        return self._is_linked

    @property
    def sent_bytes(self) -> int:
        """Bytes of messages so far."""
        return self._sent_bytes + self._socket.sent_bytes

    @property
    def failure(self) -> RadiofmError | None:
        """Why the link has ended for good, or None."""
        return self._failure

    def wait_welcome(self, timeout: float) -> dict | None:
        """The server's ``welcome`` as soon as there is one; None after ``timeout`` s. Raises the
        link's failure."""
        with self._changed:
            self._changed.wait_for(lambda: self._welcome or self._failure, timeout)
            if self._failure is not None:
                raise self._failure
            return self._welcome

    def put(self, kind: str, fields: Mapping, parts: list[bytes]) -> None:
        """Send an item (``frame``, ``event``), now or when there is a link. Never waits."""
        self.buffer.add(kind, fields, parts)
        self._waker.wake()

    def status(self) -> dict:
        """How the sensor is doing: counts, clock, traffic."""
        made, judged, dropped, left = self.buffer.counts()
        return {
            "is_linked": self._is_linked,
            protocol.MADE: made,
            protocol.JUDGED: judged,
            "dropped": dropped,
            protocol.WAITING: left,
            "sent_bytes": self.sent_bytes,
            protocol.OFFSET: self.clock.offset,
            protocol.ROUND_TRIP: self.clock.round_trip,
        }

    def close(self, grace: float, is_over: Callable[[], bool] = lambda: False) -> None:
        """Wait up to ``grace`` s, or until ``is_over()``, until the server is done with all; then
        what waits is dropped, and what is under way has UNDER_WAY_S more."""
        self._wait_for_end(grace, is_over)
        self.buffer.drop_waiting()
        if self._is_linked:
            self._wait_for_end(UNDER_WAY_S)
        self._stopping.set()
        self._waker.wake()
        self._thread.join(5.0)
        self._waker.close()

    def _wait_for_end(self, grace: float, is_over: Callable[[], bool] = lambda: False) -> None:
        end = time.monotonic() + grace
        while self.buffer.left and self._thread.is_alive() and not is_over():
            if time.monotonic() >= end:
                return
            time.sleep(0.02)

    # On the link's thread

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._step()
            self.buffer.drop_all()
            if self._is_linked:
                self._send(protocol.BYE, self._state())
        except RadiofmError as error:
            self._fail(error)
        except zmq.ZMQError as error:
            self._fail(RadiofmError(f"the link to {self._address} failed: {reason_of(error)}"))
        except Exception as error:  # told to the command, which ends
            self._fail(RadiofmError(f"the link to {self._address} failed: {one_line(error)}"))
        finally:
            self.buffer.unlink()
            self.buffer.drop_all()
            self._is_linked = False
            self._socket.close(LINGER_MS)
            self._context.term()

    def _step(self) -> None:
        if self._socket.wait(self._waker.socket, POLL_MS):
            self._waker.clear()
        used = self._socket
        for received in used.received():
            self._receive(received)
            if self._socket is not used:
                # what else came is of a connection that was given up
                return
        if fault := self._socket.fault():
            self._broken(fault)
        now = time.monotonic()
        if now - max(self._heard, self._opened) > protocol.SILENCE_S:
            self._lose("no answer")
        if self._is_linked:
            if now - self._pinged >= protocol.HEARTBEAT_S:
                self._pinged = now
                self._send(protocol.PING, self._state() | {protocol.SENT: time.time()})
            self._send_waiting()

    def _send_waiting(self) -> None:
        while self._socket.has_room:
            item = self.buffer.next()
            if item is None:
                return
            fields = item.fields | {protocol.SEQUENCE: item.sequence}
            self._send(item.kind, fields, item.parts)

    def _send(self, kind: str, fields: Mapping, parts: list[bytes] | None = None) -> None:
        self._socket.send(protocol.pack(kind, fields, parts))

    def _receive(self, received: list[bytes]) -> None:
        back = time.time()
        try:
            message = protocol.unpack(received)
            self._heard = time.monotonic()
            self._take(message, back)
        except InputError as error:
            self._news(f"{self._address} sent {error}")

    def _take(self, message: protocol.Message, back: float) -> None:
        kind, fields = message.kind, message.fields
        if kind == protocol.WELCOME:
            self._link(fields)
        elif kind == protocol.REFUSED:
            self._refused(fields)
        elif kind in (protocol.DONE, protocol.PONG) and self._is_linked:
            self.buffer.settle(_done(fields))
            if kind == protocol.PONG:
                sent, received, replied = (
                    finite_number(fields.get(key))
                    for key in (protocol.SENT, protocol.RECEIVED, protocol.REPLIED)
                )
                if None not in (sent, received, replied):
                    self.clock.add(sent, received, replied, back)

    def _link(self, welcome: dict) -> None:
        self._check(welcome)
        most = protocol.MOST_WINDOW
        window = whole_parameter("the server's window", welcome.get(protocol.WINDOW), 1, most)
        following = whole_parameter("the server's next", welcome.get(protocol.NEXT), 0)
        self.buffer.link(str(welcome.get(protocol.SERVER)), window, following, _done(welcome))
        self._is_linked = True
        self._pinged = -math.inf
        self._news(
            f"connected to {self._address} as {welcome.get(protocol.RECEIVER)}"
            + (f", {left} waiting" if (left := self.buffer.left) else "")
        )
        with self._changed:
            self._welcome = welcome
            self._changed.notify_all()

    def _refused(self, fields: dict) -> None:
        reason = " ".join(str(fields.get(protocol.REASON, "")).split())[:300]
        if fields.get(protocol.IS_FINAL) is True:
            raise UsageError(f"{self._address} refused this sensor: {reason}")
        self._lose(f"refused: {reason}", REFUSED_PAUSE_S)

    def _broken(self, fault: str) -> None:
        if fault == CLOSED:
            if self._is_linked:
                self._lose("the server closed the connection")
            return
        reason = fault_words(fault, self._address, self._keys)
        # what is wrong from the start ends the link; later on it is asked again and again
        if self._welcome is None:
            raise UsageError(reason)
        self._lose(reason, REFUSED_PAUSE_S)

    def _lose(self, reason: str, pause: float = 0.0) -> None:
        if self._is_linked:
            self._news(f"lost {self._address} ({reason}); trying again")
        elif self._welcome is None or pause:
            self._news(f"waiting for {self._address} ({reason})")
        self._is_linked = False
        self.buffer.unlink()
        self._stopping.wait(pause)
        self._sent_bytes += self._socket.sent_bytes
        self._socket.close()
        self._socket = self._opened_socket()

    def _opened_socket(self) -> LinkSocket:
        """A new socket, with a ``hello`` in it: what lay in an old one is sent again from the
        buffer."""
        self._opened = time.monotonic()
        opened = LinkSocket(self._context, self._address, self._keys)
        own = {
            protocol.PROTOCOL: OWN_PROTOCOL,
            protocol.RELEASE: __version__,
            protocol.SESSION: self._session,
            protocol.HOST: socket.gethostname(),
            protocol.NEXT: self.buffer.following,
        }
        opened.send(protocol.pack(protocol.HELLO, {**self._describe(), **own}))
        return opened

    def _state(self) -> dict:
        made, _, dropped, left = self.buffer.counts()
        own = {cause: dropped[cause] for cause in protocol.SENSOR_CAUSES}
        return {
            protocol.MADE: made,
            protocol.WAITING: left,
            protocol.OFFSET: self.clock.offset,
            protocol.ROUND_TRIP: self.clock.round_trip,
            **own,
            **self._more_state(),
        }

    def _news(self, text: str) -> None:
        """Tell it, unless it is what was told last."""
        if text != self._last_news:
            self._last_news = text
            self._tell(text)

    def _fail(self, error: RadiofmError) -> None:
        with self._changed:
            self._failure = error
            self._changed.notify_all()


def _done(fields: dict) -> dict[str, int]:
    names = (protocol.JUDGED, *protocol.SERVER_CAUSES)
    return protocol.counted(fields.get(protocol.DONE), names)
