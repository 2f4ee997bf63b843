# SPDX-License-Identifier: GPL-3.0-or-later
"""``--http``: the live view in a browser, beside a command that watches."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator

from radiofm_core import keys
from radiofm_core.errors import RadiofmError, UsageError, reason_of
from radiofm_core.installation import how_to_install
from radiofm_core.view.spectrum_state import PORTS

from .console import StopRequest
from .printing import tell

# What a command needs of the flowgraph without a view
PLAIN_PORTS = (keys.PORT_EMISSIONS, keys.PORT_STATUS)


def add_http_options(parser: argparse.ArgumentParser) -> None:
    """The options of a command that can serve the view."""
    group = parser.add_argument_group("live view in a browser")
    group.add_argument(
        "--http",
        metavar="PORT",
        help="serve the live view on this port, to browsers on this machine; HOST:PORT such as "
        "0.0.0.0:8080 for others, who need the token that is printed; port 0: any that is free",
    )
    group.add_argument(
        "--http-token",
        metavar="TOKEN",
        help="what browsers must know (default: made up where others can connect)",
    )


class NoView:
    """Stands where no view is wanted."""

    ports = PLAIN_PORTS
    listeners = ()

    def take(self, *message) -> None:
        """Nobody looks."""


class HttpView:
    """A running server, and the ports of a flowgraph that it wants to see."""

    ports = PORTS

    def __init__(self, server):
        self.take = server.take
        self.listeners = (server.take_event,)


@contextlib.contextmanager
def open_http_view(options: argparse.Namespace, stop: StopRequest) -> Iterator[NoView | HttpView]:
    """The view that the options ask for, until the end of the block; prints its address.

    Raises:
        UsageError: an address that is none or in use, a token that will not do.
        RadiofmError: the server's package is missing.
    """
    if options.http is None:
        if options.http_token is not None:
            raise UsageError("--http-token is for --http PORT, which is missing")
        yield NoView()
        return
    with stop.held():
        server_type = _import_server()
    with server_type(options.http, options.http_token, options.source) as server:
        tell(f"live view at {server.url}")
        yield HttpView(server)


def _import_server():
    try:
        from radiofm_web.server import ViewServer
    except ImportError as error:
        raise RadiofmError(
            f"--http needs aiohttp, which cannot be imported ({reason_of(error)}); "
            f"{how_to_install('aiohttp')}"
        ) from error
    return ViewServer
