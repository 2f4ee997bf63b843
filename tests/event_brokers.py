# SPDX-License-Identifier: GPL-3.0-or-later
"""A real MQTT broker for tests, with passwords and certificates made for it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest

USER, PASSWORD = "radio", "not a secret"
# More only means that it hangs: the machine that tests run on may be full (s)
PATIENCE_S = 120.0
# Neither a connection nor a listener on port 0 is given one of these by Linux, where nobody has
# told it to: a port of these that is free now is free until it is used
OWN_PORTS = range(15_000, 31_000)
# Of them each process of pytest has a part, and begins anywhere in it, as another pytest may run
WORKERS = 4


def _own_ports() -> Iterator[int]:
    part = len(OWN_PORTS) // WORKERS
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    begin = secrets.randbelow(part)
    for number in itertools.count():
        yield OWN_PORTS[worker * part + (begin + number) % part]


_PORTS = _own_ports()


def free_port() -> int:
    """One that nobody listens on, and nobody else is given meanwhile."""
    for port in itertools.islice(_PORTS, 1000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"no port from {OWN_PORTS[0]} to {OWN_PORTS[-1]} is free")


def until(is_so: Callable[[], object], what: str, patience: float = PATIENCE_S) -> None:
    """Wait for something; fail with its name."""
    end = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.02)


class Mosquitto:
    """A broker on this machine; messages for clients that are away are kept, also while it is
    stopped itself."""

    def __init__(self, folder: Path, *settings: str):
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if program is None:
            pytest.skip("needs mosquitto: apt install mosquitto")
        self.port = free_port()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._configuration = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            *(settings or ["allow_anonymous true"]),
            "persistence true",
            f"persistence_location {folder}/",
            "max_queued_messages 0",
        ]
        if not any(line.startswith("user ") for line in lines):
            lines.append("user root")
        self._configuration.write_text("\n".join(lines) + "\n")
        self._program, self._process = program, None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._configuration)],
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "log").open("ab"),
        )
        until(
            lambda: self._listens() or self._process.poll() is not None,
            f"mosquitto listens; see {self._folder / 'log'}",
        )
        assert self._process.poll() is None, (self._folder / "log").read_text()

    def stop(self) -> None:
        """End it; connections break."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    def signal(self, number: int) -> None:
        """SIGSTOP, SIGCONT."""
        self._process.send_signal(number)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Subscriber:
    """Keeps what a broker sends, connects again when it is back."""

    def __init__(self, port: int, topic: str = "#"):
        self._lock = threading.Lock()
        self._messages: list[tuple[str, bytes, bool]] = []
        self._topic, self.subscribed = topic, threading.Event()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=f"test-{port}", clean_session=False
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self.subscribed.set()
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        until(self.subscribed.is_set, "subscribed")

    def events(self) -> list[dict]:
        """Of all topics of events, in the order in which they came."""
        with self._lock:
            return [json.loads(p) for t, p, _ in self._messages if "/event/" in t]

    def newest(self, topic: str) -> str | None:
        """The last message of a topic."""
        with self._lock:
            found = [payload.decode() for t, payload, _ in self._messages if t == topic]
        return found[-1] if found else None

    def topics(self) -> set[str]:
        """Of which there was a message."""
        with self._lock:
            return {topic for topic, _, _ in self._messages}

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client, *_) -> None:
        self.subscribed.clear()
        client.subscribe(self._topic, 1)

    def _on_message(self, client, userdata, message) -> None:
        with self._lock:
            self._messages.append((message.topic, message.payload, message.retain))


def password_file(folder: Path) -> Path:
    """The broker's list with USER's PASSWORD."""
    path = folder / "passwords"
    tool = shutil.which("mosquitto_passwd")
    subprocess.run([tool, "-b", "-c", str(path), USER, PASSWORD], check=True, capture_output=True)
    return path


class Certificates:
    """A certificate authority, and a server's certificate for this machine."""

    def __init__(self, folder: Path, days: int = 1, is_expired: bool = False):
        self.ca, self.cert, self.key = (folder / f"{n}.pem" for n in ("ca", "cert", "key"))
        folder.mkdir(parents=True, exist_ok=True)
        ca_key, request, facts = folder / "ca-key.pem", folder / "request.pem", folder / "facts"
        # what strict readers, as Python 3.13's, want of both
        facts.write_text(
            "subjectAltName = IP:127.0.0.1, DNS:localhost\n"
            "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
        )
        _openssl(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=test CA",
            "-addext",
            "keyUsage = critical, keyCertSign, cRLSign",
            "-keyout",
            ca_key,
            "-out",
            self.ca,
            "-days",
            days,
        )
        _openssl(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-keyout",
            self.key,
            "-out",
            request,
        )
        dates = ["-days", days]
        if is_expired:
            # the authority's database is what lets a date be given
            (folder / "index").write_text("")
            (folder / "serial").write_text("01\n")
            settings = folder / "ca.cnf"
            settings.write_text(
                f"[ca]\ndefault_ca = own\n[own]\ndatabase = {folder}/index\n"
                f"serial = {folder}/serial\nnew_certs_dir = {folder}\ndefault_md = sha256\n"
                "policy = any\n[any]\ncommonName = supplied\n"
            )
            _openssl(
                "ca",
                "-batch",
                "-config",
                settings,
                "-cert",
                self.ca,
                "-keyfile",
                ca_key,
                "-in",
                request,
                "-out",
                self.cert,
                "-extfile",
                facts,
                "-notext",
                "-startdate",
                "20200101000000Z",
                "-enddate",
                "20200102000000Z",
            )
            return
        _openssl(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            self.ca,
            "-CAkey",
            ca_key,
            "-CAcreateserial",
            "-out",
            self.cert,
            "-extfile",
            facts,
            *dates,
        )


def _openssl(*words) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
