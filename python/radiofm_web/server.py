# SPDX-License-Identifier: GPL-3.0-or-later
"""The server on a thread of its own, beside a flowgraph that it neither slows nor stops."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping

import numpy as np
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from radiofm_core.errors import RadiofmError, one_line

from .access import QUERY, Access, check_token, new_token
from .address import Address, listen, parse_address, reachable_host
from .intake import Intake
from .routes import Routes

# Connections that are open at once, of viewers and of others
MOST_CONNECTIONS = 128
_STARTING_S, _CLOSING_S = 10.0, 2.0
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class ViewServer:
    """Serves the live view of a flowgraph's messages.

    Args:
        where: ``PORT`` or ``HOST:PORT``; port 0 stands for any that is free.
        token: what viewers must know; None: one is made up if others than this machine can
            connect, else everyone on this machine may look.
        source: named on the page.

    Raises:
        UsageError: an address that is none, a port in use, a token that is easy to guess.
    """

    def __init__(self, where: str, token: str | None = None, source: str = ""):
        address = parse_address(where)
        if token is not None:
            check_token(token)
        self._listener, loopback = listen(address)
        self.port: int = self._listener.getsockname()[1]
        if token is None and not loopback:
            token = new_token()
        query = "" if token is None else f"?{QUERY}={token}"
        #: the whole address to open, token included
        self.url = f"http://{Address(reachable_host(address.host), self.port)}/{query}"
        self.intake = Intake()
        self._access = Access(token, self.port)
        self._source = source
        self._ready = threading.Event()
        self._error = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="radiofm-http", daemon=True)
        self._thread.start()
        self._ready.wait(_STARTING_S)
        if self._error:
            raise RadiofmError(f"the HTTP server cannot start: {self._error}")

    def take(self, port: str, fields: dict, data: np.ndarray | None) -> None:
        """A message of the flowgraph, see :meth:`.intake.Intake.take`."""
        self.intake.take(port, fields, data)

    def take_event(self, event: Mapping) -> None:
        """An event, for those who read ``/events``; of a source, for the pages, too."""
        self.intake.take_event(event)

    def close(self) -> None:
        """Tell the pages, and end within two seconds."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(_CLOSING_S)
        self.intake.close()

    def __enter__(self) -> ViewServer:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # whatever the event loop raises: the flowgraph goes on
            self._error = one_line(error)
        finally:
            self._ready.set()
            self._listener.close()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        routes = Routes(self.intake, self._access, self._source)
        runner = web.AppRunner(
            routes.application(),
            handle_signals=False,
            access_log=None,
            logger=_logger(),
            keepalive_timeout=30.0,
            shutdown_timeout=0.5,
        )
        await runner.setup()
        make = _limited(runner.server, self._loop)
        server = await self._loop.create_server(make, sock=self._listener)
        self._ready.set()
        try:
            await self._end.wait()
        finally:
            server.close()
            await routes.close()
            await runner.cleanup()


class _Refusal(asyncio.Protocol):
    """Answers a connection that is one too many, without reading it."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        transport.write(_BUSY)
        transport.close()


def _logger() -> logging.Logger:
    """Tells of our own faults, not of what others send that is no HTTP."""
    logger = logging.getLogger(__name__)
    logger.filters = [lambda record: not _is_foreign(record)]
    return logger


def _is_foreign(record: logging.LogRecord) -> bool:
    return bool(record.exc_info) and isinstance(record.exc_info[1], HttpProcessingError)


def _limited(server: web.Server, loop: asyncio.AbstractEventLoop):
    """Makes the protocol of each connection."""
    fresh = 0

    def settle() -> None:
        nonlocal fresh
        fresh -= 1

    def make() -> asyncio.Protocol:
        nonlocal fresh
        if len(server.connections) + fresh >= MOST_CONNECTIONS:
            return _Refusal()
        # the server counts it in the event loop's next round
        fresh += 1
        loop.call_soon(settle)
        return server()

    return make
