# SPDX-License-Identifier: GPL-3.0-or-later
"""Events to InfluxDB by its HTTP interface of version 2, which others have, too."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from radiofm_core.errors import reason_of

from .line_protocol import line_of
from .network import connection_reason, host_and_port, tls_context
from .options import Options
from .sink import EventSink, Refused, Trouble

PORT = 8086
TOKEN_VARIABLE = "RADIOFM_INFLUX_TOKEN"
ANSWER_S = 10.0
# What a batch waits for, so that not each event is a request of its own (s)
GATHER_S = 1.0
_MOST_ANSWER_BYTES = 1 << 16
_LONGEST_WAIT_S = 300.0


class InfluxSink(EventSink):
    """Writes batches of events; what the data base does not take now is tried again.

    Args:
        name: of the output.
        host: of the data base.
        port: of it.
        path: of its interface, with the query.
        token: or None.
        tls: or None for a plain connection.
        options: see :class:`.sink.EventSink`.
    """

    gather = GATHER_S

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        path: str,
        token: str | None,
        tls: ssl.SSLContext | None,
        **options,
    ):
        super().__init__(name, **options)
        self._path = path
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if token is not None:
            self._headers["Authorization"] = f"Token {token}"
        self._connection = (
            http.client.HTTPConnection(host, port, timeout=ANSWER_S)
            if tls is None
            else http.client.HTTPSConnection(host, port, timeout=ANSWER_S, context=tls)
        )

    def deliver(self, events: Sequence[Mapping]) -> None:
        """Write events as one request."""
        status, reason, wait = self.write(b"".join(line_of(event) for event in events))
        if 200 <= status < 300:
            return
        if status == 413 and len(events) > 1:
            half = len(events) // 2
            self.deliver(events[:half])
            self.confirm(half)
            self.deliver(events[half:])
        elif status in (400, 413, 422):
            raise Refused(f"the data base refuses events ({reason}), which are dropped")
        else:
            raise Trouble(reason, wait)

    def write(self, lines: bytes) -> tuple[int, str, float | None]:
        """(HTTP status, what it means, seconds to wait if that is told); raises Trouble where
        there is no answer."""
        # one that kept the connection open for too long for the server is tried once more
        for is_last in (False, True):
            try:
                was_open = self._connection.sock is not None
                self._connection.request("POST", self._path, lines, self._headers)
                answer = self._connection.getresponse()
                body = answer.read(_MOST_ANSWER_BYTES)
                if not answer.isclosed():
                    self._connection.close()
                return answer.status, _meaning(answer, body), _wait_of(answer)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if was_open and not is_last and not isinstance(error, TimeoutError):
                    continue
                if isinstance(error, OSError):
                    raise Trouble(connection_reason(error)) from error
                raise Trouble(f"no HTTP answer ({reason_of(error)})") from error
        raise AssertionError

    def release(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._connection.close()


def _meaning(answer: http.client.HTTPResponse, body: bytes) -> str:
    told = {401: "the token is not accepted", 403: "the token does not allow it"}
    reason = told.get(answer.status)
    if reason is None:
        reason = f"HTTP status {answer.status}"
        with contextlib.suppress(ValueError, AttributeError):
            message = json.loads(body).get("message")
            reason += f": {' '.join(str(message).split())[:160]}" if message else ""
    return reason


def _wait_of(answer: http.client.HTTPResponse) -> float | None:
    text = answer.getheader("Retry-After", "")
    return min(float(text), _LONGEST_WAIT_S) if text.isascii() and text.isdigit() else None


def open_influx(options: Options) -> EventSink:
    """``influx=HOST[:PORT]``, ``influxs=`` over TLS, with ``org=`` and ``bucket=``.

    A data base that cannot be reached is tried again later; raises UsageError where it does not
    accept the token, has no such bucket, or its certificate is not accepted.
    """
    host, port = host_and_port(options, options.target, PORT)
    query = {"bucket": options.text("bucket"), "org": options.text("org"), "precision": "ns"}
    if query["bucket"] is None:
        raise options.error("it needs bucket=NAME, and org=NAME for InfluxDB itself")
    query = {key: value for key, value in query.items() if value is not None}
    token = options.secret("token", TOKEN_VARIABLE)
    if token is not None and not (token.isascii() and token.isprintable()):
        raise options.error("token: expected one line of ASCII")
    tls = tls_context(options) if options.kind == "influxs" else None
    shared = {"capacity": options.buffer(), "types": options.types()}
    options.done()
    path = f"/api/v2/write?{urlencode(query)}"
    sink = InfluxSink(options.name, host, port, path, token, tls, **shared)
    _check(sink, options)
    return sink


def _check(sink: InfluxSink, options: Options) -> None:
    """Write nothing, and see what it says to that."""
    try:
        status, reason, _ = sink.write(b"")
    except Trouble as trouble:
        if isinstance(trouble.__cause__, ssl.SSLCertVerificationError):
            raise options.error(str(trouble)) from trouble
        return  # told once it runs
    if status in (401, 403, 404):
        sink.release()
        raise options.error(reason)
