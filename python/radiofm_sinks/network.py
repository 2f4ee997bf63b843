# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts, ports, certificates, and what goes wrong with them, in words."""

from __future__ import annotations

import re
import socket
import ssl

from radiofm_core.errors import reason_of

from .options import Options

LOOPBACK = "127.0.0.1"


def host_and_port(options: Options, text: str, port: int) -> tuple[str, int]:
    """``HOST`` or ``HOST:PORT``, an IPv6 address in brackets; raises UsageError."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:/\[\]@?#]+))(?::(\d{1,5}))?/?", text)
    if match is None or not 0 <= int(match[3] or port) < 65536:
        raise options.error("expected HOST or HOST:PORT; user and password are options")
    return match[1] or match[2], int(match[3] or port)


def listening_place(options: Options, text: str) -> tuple[str, int]:
    """``PORT``, on the loopback interface, or ``HOST:PORT``; raises UsageError."""
    if re.fullmatch(r"\d{1,5}", text):
        text = f"{LOOPBACK}:{text}"
    if not re.search(r":\d{1,5}$", text):
        raise options.error("expected PORT or HOST:PORT, such as 9100 or 0.0.0.0:9100")
    return host_and_port(options, text, 0)


def tls_context(options: Options) -> ssl.SSLContext:
    """For a client: ``ca=FILE`` (default: those of the system) and, where the server wants one, a
    certificate of its own, ``cert=FILE`` and ``key=FILE``; raises UsageError."""
    ca, cert, key = options.path("ca"), options.path("cert"), options.path("key")
    if key is not None and cert is None:
        raise options.error("key= needs cert=, too")
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise options.error(f"ca: {ca} holds no certificate ({reason_of(error)})") from error
    try:
        if cert is not None:
            context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise options.error(
            f"cert: {cert} holds no certificate and key that fit ({reason_of(error)})"
        ) from error
    return context


def connection_reason(error: OSError) -> str:
    """Why there is no connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection ({error.reason or reason_of(error)})"
    if isinstance(error, socket.gaierror):
        return f"unknown host ({error.strerror})"
    if isinstance(error, TimeoutError):
        return "no answer"
    return (error.strerror or reason_of(error)).lower()
