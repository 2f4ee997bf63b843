# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are network namespaces of this machine: a server and sensors on one wire."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

SERVER_ADDRESS = "10.203.17.1"


class Network:
    """A server's namespace with a bridge, and one namespace for each sensor, linked to it."""

    def __init__(self, sensors: list[str]):
        mark = f"rfm{os.getpid() % 100000}"
        self.server = f"{mark}-server"
        self._names = {name: f"{mark}-{number}" for number, name in enumerate(sensors)}
        self._links = {name: f"to{number}" for number, name in enumerate(sensors)}

    def build(self) -> None:
        """Make all of it; raises CalledProcessError where that is not allowed."""
        _ip("netns", "add", self.server)
        self._in_server("link", "add", "wire", "type", "bridge")
        self._in_server("addr", "add", f"{SERVER_ADDRESS}/24", "dev", "wire")
        self._in_server("link", "set", "wire", "up")
        self._in_server("link", "set", "lo", "up")
        for number, (name, space) in enumerate(self._names.items()):
            link = self._links[name]
            _ip("netns", "add", space)
            _ip(
                *("link", "add", link, "netns", self.server),
                *("type", "veth", "peer", "name", "eth", "netns", space),
            )
            self._in_server("link", "set", link, "master", "wire", "up")
            address = f"{SERVER_ADDRESS.rpartition('.')[0]}.{10 + number}/24"
            _ip("-n", space, "addr", "add", address, "dev", "eth")
            _ip("-n", space, "link", "set", "eth", "up")

    def cut(self, sensor: str) -> None:
        """Pull the sensor's cable."""
        self._in_server("link", "set", self._links[sensor], "down")

    def mend(self, sensor: str) -> None:
        """Plug it in again."""
        self._in_server("link", "set", self._links[sensor], "up")

    def on_server(self, *command: str) -> list[str]:
        """A command line that runs on the server's host."""
        return ["ip", "netns", "exec", self.server, *command]

    def on_sensor(self, sensor: str, *command: str) -> list[str]:
        """A command line that runs on a sensor's host."""
        return ["ip", "netns", "exec", self._names[sensor], *command]

    def remove(self) -> None:
        """Take it apart; links go with their namespaces."""
        for space in (*self._names.values(), self.server):
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("netns", "del", space)

    def _in_server(self, *words: str) -> None:
        _ip("-n", self.server, *words)


@contextlib.contextmanager
def hosts(sensors: list[str]) -> Iterator[Network]:
    """A network that is gone at the end of the block."""
    network = Network(sensors)
    try:
        network.build()
        yield network
    finally:
        network.remove()


def why_not() -> str:
    """Why there can be no such network here, or nothing."""
    if shutil.which("ip") is None:
        return "there is no `ip` (package iproute2)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"rfm{os.getpid() % 100000}-try"
    try:
        _ip("netns", "add", name)
        try:
            _ip("-n", name, "link", "add", "wire", "type", "bridge")
            _ip("-n", name, "link", "add", "one", "type", "veth", "peer", "name", "other")
        finally:
            _ip("netns", "del", name)
    except (subprocess.CalledProcessError, OSError) as error:
        told = getattr(error, "stderr", "") or str(error)
        return f"this machine makes no network namespaces ({told.strip()})"
    return ""


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=120)
