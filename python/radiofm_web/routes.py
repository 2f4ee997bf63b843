# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server answers: the page, its websocket, and the same as JSON for programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from importlib.resources import files

from aiohttp import WSCloseCode, WSMsgType, web

from radiofm_core.errors import InputError

from .access import HEADERS, Access
from .intake import Intake
from .viewer import Latest, Viewer, emission_fields, hello, status_fields

# Pages and readers of events at once
MOST_VIEWERS = 32
POLL_S = 0.05
# A page that does not answer for so long has gone
HEARTBEAT_S = 20.0
KEEP_ALIVE_S = 15.0
MOST_MESSAGE_BYTES = 4096
_KINDS = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
}


class Routes:
    """The handlers; ``source`` is named on the page."""

    def __init__(self, intake: Intake, access: Access, source: str):
        self._intake = intake
        self._access = access
        self._source = source
        self._latest = Latest(intake.state, intake.source)
        self._open: set[web.StreamResponse] = set()
        self._closing = asyncio.Event()

    def application(self) -> web.Application:
        """The application with all of its routes."""
        app = web.Application(middlewares=[self._guard], client_max_size=MOST_MESSAGE_BYTES)
        for path in files(__package__).joinpath("static").iterdir():
            if (suffix := path.name.rpartition(".")[2]) in _KINDS:
                name = "" if path.name == "index.html" else path.name
                app.router.add_get(f"/{name}", _page(path.read_bytes(), _KINDS[suffix]))
        app.router.add_get("/live", self._watch)
        app.router.add_get("/events", self._events)
        app.router.add_get("/api/emissions", self._emissions)
        app.router.add_get("/api/status", self._status)
        return app

    async def close(self) -> None:
        """Tell the pages that the server goes."""
        self._closing.set()
        sockets = [each for each in self._open if isinstance(each, web.WebSocketResponse)]
        closing = (each.close(code=WSCloseCode.GOING_AWAY) for each in sockets)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*closing, return_exceptions=True), 0.5)

    @web.middleware
    async def _guard(self, request: web.Request, handler) -> web.StreamResponse:
        refusal = self._access.refusal(request)
        if refusal is not None:
            status, reason = refusal
            return web.Response(status=status, text=reason + "\n", headers=HEADERS)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            text = f"{error.status} {error.reason}\n"
            response = web.Response(status=error.status, text=text)
        if not response.prepared:
            response.headers.update(HEADERS)
            self._access.remember(request, response)
        return response

    async def _emissions(self, request: web.Request) -> web.Response:
        emissions = self._latest.snapshot().emissions
        return _json([emission_fields(each) for each in emissions])

    async def _status(self, request: web.Request) -> web.Response:
        snapshot = self._latest.snapshot()
        classes = [
            {"label": label, "color": color}
            for label, color in zip(snapshot.classes, snapshot.colors, strict=True)
        ]
        more = {
            "time": round(snapshot.now, 6),
            "source": self._source,
            "source_lost": self._latest.source_lost(),
            "viewers": len(self._open),
            "skipped": self._intake.skipped,
            "classes": classes,
        }
        return _json(status_fields(snapshot) | more)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        page = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=MOST_MESSAGE_BYTES, compress=False
        )
        page.headers.update(HEADERS)
        if not page.can_prepare(request).ok:
            return web.Response(status=400, text="A websocket is expected here.\n")
        await page.prepare(request)
        if len(self._open) >= MOST_VIEWERS:
            reason = f"{MOST_VIEWERS} pages are open already; close one of them"
            await page.close(code=WSCloseCode.TRY_AGAIN_LATER, message=reason.encode())
            return page
        viewer = Viewer(self._latest)
        self._open.add(page)
        sender = asyncio.create_task(self._send(page, viewer))
        try:
            async for message in page:
                if message.type is not WSMsgType.TEXT:
                    raise InputError("a page's message is no text")
                viewer.hear(message.data)
        except InputError as error:
            await page.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode()[:120])
        finally:
            sender.cancel()
            self._open.discard(page)
        return page

    async def _send(self, page: web.WebSocketResponse, viewer: Viewer) -> None:
        with contextlib.suppress(ConnectionError):
            await page.send_str(hello(self._source))
            while not page.closed:
                update = viewer.update()
                if update is None:
                    await asyncio.sleep(POLL_S)
                    continue
                picture, news = update
                if picture is not None:
                    await page.send_bytes(picture)
                await page.send_str(news)
                await asyncio.sleep(POLL_S)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if len(self._open) >= MOST_VIEWERS:
            return web.Response(status=503, text=f"{MOST_VIEWERS} readers are here already.\n")
        stream = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        self._access.remember(request, stream)
        events = self._intake.events
        last = events.last
        events.readers += 1
        self._open.add(stream)
        try:
            await stream.prepare(request)
            await stream.write(b": events of emissions\n\n")
            silent = 0.0
            while not self._closing.is_set():
                last, gone, lines = events.since(last)
                text = "".join(f"data: {line}\n\n" for line in lines)
                if gone:
                    text = f'event: skipped\ndata: {{"events": {gone}}}\n\n' + text
                silent = 0.0 if text else silent + POLL_S
                if silent >= KEEP_ALIVE_S:
                    text, silent = ": nothing new\n\n", 0.0
                if text:
                    await stream.write(text.encode())
                await asyncio.sleep(POLL_S)
        except ConnectionError:
            pass  # the reader has gone
        finally:
            events.readers -= 1
            self._open.discard(stream)
        return stream


def _page(content: bytes, kind: str):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=content, content_type=kind, charset="utf-8")

    return handler


def _json(value: object) -> web.Response:
    return web.Response(
        text=json.dumps(value) + "\n", content_type="application/json", charset="utf-8"
    )
