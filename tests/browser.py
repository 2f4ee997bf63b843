# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser without a window: Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import aiohttp

COMMAND = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 120
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    """Its path, or None where there is none."""
    return next(filter(None, map(shutil.which, COMMAND)), None)


class Browser:
    """Chromium with a profile of its own; a context manager.

    Args:
        size: width and height of its pages in pixels.
    """

    def __init__(self, size: tuple[int, int] = (1280, 860)):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._loop = asyncio.new_event_loop()
        width, height = size
        self._process = subprocess.Popen(
            [
                find_chromium(),
                *OPTIONS,
                f"--user-data-dir={self._folder.name}",
                f"--window-size={width},{height}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._session: aiohttp.ClientSession | None = None
        try:
            self._port = self._find_port()
            self._session = self.wait(self._new_session())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def wait(self, something, timeout: float = TIMEOUT_S):
        """Run a coroutine to its end."""
        return self._loop.run_until_complete(asyncio.wait_for(something, timeout))

    def open(self, url: str, size: tuple[int, int] | None = None) -> Page:
        """A new page; ``size`` in CSS pixels, if it is to be another one than the window's."""
        page = self.wait(self._new_page(url, size))
        return page

    def close(self) -> None:
        """End it."""
        if self._session is not None:
            self.wait(self._session.close())
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._loop.close()
        self._folder.cleanup()

    def _find_port(self) -> int:
        told, end = Path(self._folder.name) / "DevToolsActivePort", time.monotonic() + TIMEOUT_S
        while time.monotonic() < end and self._process.poll() is None:
            lines = told.read_text().splitlines() if told.exists() else []
            if len(lines) >= 2:
                return int(lines[0])
            time.sleep(0.05)
        raise RuntimeError(f"Chromium does not start (exit code {self._process.poll()})")

    async def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(f"http://127.0.0.1:{self._port}")

    async def _new_page(self, url: str, size: tuple[int, int] | None) -> Page:
        async with self._session.put("/json/new?about:blank") as answer:
            target = await answer.json()
        socket = await self._session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
        page = Page(self, socket)
        for domain in ("Page", "Runtime", "Network", "Log"):
            await page.call(f"{domain}.enable")
        if size is not None:
            width, height = size
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            await page.call("Emulation.setDeviceMetricsOverride", **metrics)
        await page.call("Page.navigate", url=url)
        return page


class Page:
    """One tab. ``requests``: addresses that it asked for, websockets too; ``faults``: errors on
    its console, exceptions and what its security policy refused."""

    def __init__(self, browser: Browser, socket: aiohttp.ClientWebSocketResponse):
        self._browser = browser
        self._socket = socket
        self._number = 0
        self.requests: list[str] = []
        self.faults: list[str] = []

    async def call(self, method: str, **parameters) -> dict:
        """A command of the protocol; its events until the answer are noted."""
        self._number += 1
        await self._socket.send_json(
            {"id": self._number, "method": method, "params": parameters}, dumps=json.dumps
        )
        while True:
            message = await self._socket.receive_json()
            if "id" not in message:
                self._note(message["method"], message["params"])
            elif message["id"] == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def do(self, method: str, **parameters) -> dict:
        """The same, from a test."""
        return self._browser.wait(self.call(method, **parameters))

    def run(self, script: str):
        """The value of an expression of JavaScript; raises RuntimeError where that throws."""
        answer = self.do("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, script: str, timeout: float = TIMEOUT_S):
        """Wait until an expression is true, and return its value; one that throws is not, as before
        the page's scripts have run."""
        end = time.monotonic() + timeout
        while not (value := self.run(f"(() => {{ try {{ return {script} }} catch {{}} }})()")):
            if time.monotonic() > end:
                text = self.run("document.body.innerText")
                raise AssertionError(f"not within {timeout} s: {script}\n{text}\n{self.faults}")
            time.sleep(0.05)
        return value

    def key(self, key: str) -> None:
        """Press a key, such as ``ArrowDown`` or a letter."""
        text = {"text": key} if len(key) == 1 else {}
        code = {"ArrowDown": 40, "ArrowUp": 38, "Enter": 13, "Escape": 27, " ": 32}.get(key, 0)
        self.do(
            "Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text
        )
        self.do("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def point(self, x: float, y: float, click: bool = False) -> None:
        """Move the mouse to a place on the page, and click."""
        place = {"x": x, "y": y}
        self.do("Input.dispatchMouseEvent", type="mouseMoved", **place)
        for kind in ("mousePressed", "mouseReleased") if click else ():
            self.do("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def screenshot(self, path: Path) -> None:
        """What is seen of it, as PNG."""
        picture = self.do("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(picture))

    def close(self) -> None:
        """Close the tab."""
        self.do("Page.close")

    def _note(self, method: str, event: dict) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(event["url"])
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            self.faults.append(event["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.faults.append(str(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
            self.faults.append(str(event["args"]))
