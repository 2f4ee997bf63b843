# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's socket."""

from __future__ import annotations

import zmq

from radiofm_core.errors import UsageError, reason_of

from . import protocol
from .access import DOMAIN
from .curve_keys import ServerKeys

# A connection that has not shown its key after so long is closed
HANDSHAKE_MS = 5000
# Of the last messages to sensors, as it closes
LINGER_MS = 200


def open_router(
    context: zmq.Context, address: str, keys: ServerKeys, most_bytes: int, window: int
) -> zmq.Socket:
    """A socket that sensors connect to.

    Args:
        address: a checked one; port 0: any that is free.
        most_bytes: of a part of a message; the connection of one that sends more is closed.
        window: frames of a sensor that may be under way.

    Raises:
        UsageError: an address that this host has not, a port in use.
    """
    router = context.socket(zmq.ROUTER)
    for option, value in (
        (zmq.LINGER, LINGER_MS),
        (zmq.IPV6, protocol.is_ipv6(address)),
        (zmq.MAXMSGSIZE, most_bytes),
        (zmq.HANDSHAKE_IVL, HANDSHAKE_MS),
        # one that sends more than it may is held up by TCP, and fills no memory here
        (zmq.RCVHWM, 4 * window),
        (zmq.TCP_KEEPALIVE, 1),
    ):
        router.setsockopt(option, value)
    router.curve_server = True
    router.curve_publickey, router.curve_secretkey = keys.public, keys.secret
    router.zap_domain = DOMAIN.encode()
    try:
        router.bind(address[: -len(":0")] + ":*" if address.endswith(":0") else address)
    except zmq.ZMQError as error:
        router.close()
        in_use = error.errno == zmq.EADDRINUSE
        reason = "the port is in use; take another one" if in_use else reason_of(error)
        raise UsageError(f"--listen {address}: {reason}") from error
    return router
