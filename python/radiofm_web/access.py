# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may look: checks of a request's host, origin and token."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from radiofm_core.errors import UsageError

from .address import is_loopback

LEAST_TOKEN = 12
QUERY = "token"
_YEAR_S = 365 * 24 * 3600
HEADERS = {
    hdrs.SERVER: "radiofm",
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


def check_token(token: str) -> str:
    """The token, if it is fit to stand in an address and hard to guess; else raises UsageError."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", token) or len(token) < LEAST_TOKEN:
        raise UsageError(
            f"--http-token: expected at least {LEAST_TOKEN} letters, digits, - and _, got "
            f"{len(token)} characters; without this option one is made up"
        )
    return token


class Access:
    """Decides on requests.

    Without a token only names of this machine itself may stand in ``Host``: a foreign name that
    leads here would let that name's pages read ours (DNS rebinding). Another page's ``Origin`` is
    refused in any case.

    Args:
        token: what a viewer must know, or None where everyone on this machine may look.
        port: of the server; browsers keep one cookie for all ports of a host.
    """

    def __init__(self, token: str | None, port: int):
        self._token = token
        self._cookie = f"radiofm_{port}"

    def refusal(self, request: web.Request) -> tuple[int, str] | None:
        """(HTTP status, reason), or None for a request that is fine."""
        host = request.headers.get(hdrs.HOST, "")
        if self._token is None and not is_loopback(_name_of(host)):
            return 403, "This server answers only to localhost and 127.0.0.1."
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and _place_of(origin) != host.lower():
            return 403, "Pages of other origins may not look at this one."
        if self._token is not None and not self._knows_token(request):
            return 401, "A token is needed: open the whole address that `radiofm watch` printed."
        return None

    def remember(self, request: web.Request, response: web.StreamResponse) -> None:
        """Have the browser keep the token of a request that brings it in its address."""
        if self._token is not None and QUERY in request.query:
            response.set_cookie(
                self._cookie,
                self._token,
                max_age=_YEAR_S,
                httponly=True,
                samesite="Strict",
                path="/",
            )

    def _knows_token(self, request: web.Request) -> bool:
        scheme, _, bearer = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        given = (
            request.query.get(QUERY),
            request.cookies.get(self._cookie),
            bearer.strip() if scheme.lower() == "bearer" else None,
        )
        expected = self._token.encode()
        return any(secrets.compare_digest((g or "").encode(), expected) for g in given)


def _name_of(host: str) -> str:
    """``Host`` without its port."""
    return re.sub(r":\d*$", "", host)


def _place_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
