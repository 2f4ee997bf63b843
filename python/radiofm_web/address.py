# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the server listens: ``PORT`` or ``HOST:PORT``, as a bound socket."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from dataclasses import dataclass

from radiofm_core.errors import UsageError, reason_of

LOOPBACK = "127.0.0.1"
LOOPBACK_NAME = "localhost"
_REASONS = {
    errno.EADDRINUSE: "the port is in use; name another one, or 0 for any that is free",
    errno.EACCES: "not allowed; ports below 1024 are for root, name another one",
    errno.EADDRNOTAVAIL: "this machine has no such address; 0.0.0.0 stands for all of its own",
}


@dataclass(frozen=True)
class Address:
    """``host`` as it was given (an IPv6 one without brackets); ``port`` 0 stands for any."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """``8080``, ``0.0.0.0:8080`` or ``[::]:8080``; raises UsageError for anything else."""
    match = re.fullmatch(r"(?:(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]/@]+)):)?(\d{1,5})", text.strip())
    if not match or int(match[3]) > 65535:
        raise UsageError(
            f"--http: expected PORT or HOST:PORT, such as 8080 or 0.0.0.0:8080, got {text!r}"
        )
    return Address(match[1] or match[2] or LOOPBACK, int(match[3]))


def listen(address: Address) -> tuple[socket.socket, bool]:
    """(a listening socket, whether it takes only connections from this machine).

    Raises:
        UsageError: a host that is not known or not this machine's, a port in use.
    """
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--http {address}: unknown host ({reason_of(error)})") from error
    family, kind, protocol, _, place = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = _REASONS.get(error.errno, reason_of(error))
        raise UsageError(f"--http {address}: {reason}") from error
    listener.setblocking(False)
    return listener, is_loopback(place[0])


def is_loopback(host: str) -> bool:
    """Whether a host is this machine and can be reached from it only; no name is looked up."""
    host = host.strip("[]")
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == LOOPBACK_NAME


def reachable_host(host: str) -> str:
    """A host to show to others: for all addresses the one that leads outwards, if there is one."""
    try:
        if not ipaddress.ip_address(host).is_unspecified:
            return host
    except ValueError:
        return host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # an address for documentation: a datagram socket sends nothing as it connects
    outside = "2001:db8::1" if ":" in host else "192.0.2.1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((outside, 9))
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()
