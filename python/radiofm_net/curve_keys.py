# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of server and sensors: certificates as pyzmq's ``zmq.auth`` has them.

A folder of keys holds ``server.key_secret``, and in ``sensors/`` the public key of each sensor that
may send, ``NAME.key``. A sensor has one file, ``NAME.key_secret``: its pair, and the server's
public key.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

import zmq
import zmq.auth

from radiofm_core.errors import OutputError, UsageError, reason_of

SERVER = "server"
SENSORS = "sensors"
PUBLIC, SECRET = ".key", ".key_secret"
SERVER_KEY = "server-key"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SERVER_LINE = re.compile(rf"^\s*{SERVER_KEY}\s*=\s*\"?(\S{{40}}?)\"?\s*$", re.MULTILINE)


class SensorKeys(NamedTuple):
    """What a sensor needs: its pair, and the server's public key, as text of 40 characters."""

    public: bytes
    secret: bytes
    server: bytes
    path: Path


class ServerKeys(NamedTuple):
    """What a server needs: its pair, and where the sensors' public keys are."""

    public: bytes
    secret: bytes
    sensors: Path


def make_server_keys(folder: Path) -> bool:
    """Make a server's pair in ``folder``, unless there is one; whether it was made. Raises
    OutputError."""
    if (folder / (SERVER + SECRET)).exists():
        return False
    _make(folder, SERVER, folder, {})
    return True


def make_sensor_keys(folder: Path, name: str) -> Path:
    """Make a sensor's pair: the public key into ``folder/sensors``, the file for the sensor into
    ``folder``. Returns the latter's path.

    Raises:
        UsageError: a name that is none, or is taken.
        OutputError: the folder cannot be written.
    """
    if not _NAME.fullmatch(name) or name == SERVER:
        raise UsageError(
            f"sensor {name!r}: expected a name of letters, digits, '.', '_' and '-', not 'server'"
        )
    public, secret = folder / SENSORS / (name + PUBLIC), folder / (name + SECRET)
    for path in (public, secret):
        if path.exists():
            raise UsageError(f"{path} is there already; remove it or take another name")
    server = read_server_keys(folder).public.decode()
    _make(folder, name, folder / SENSORS, {SERVER_KEY: server})
    return secret


def read_server_keys(folder: Path) -> ServerKeys:
    """The keys of a server; raises UsageError where they are missing, or open to others."""
    path = folder / (SERVER + SECRET)
    if not path.is_file():
        raise UsageError(f"no {path.name} in {folder}; make one: radiofm keys new {folder}")
    public, secret = _read(path)
    return ServerKeys(public, secret, folder / SENSORS)


def read_sensor_keys(path: Path) -> SensorKeys:
    """The keys of a sensor; raises UsageError where they are missing, or open to others."""
    if not path.is_file():
        raise UsageError(
            f"--keys {path}: expected the file NAME{SECRET} that `radiofm keys new DIR NAME` made "
            "on the server's host"
        )
    public, secret = _read(path)
    found = _SERVER_LINE.search(path.read_text(errors="replace"))
    if found is None:
        raise UsageError(
            f"{path} holds no {SERVER_KEY}; take the file NAME{SECRET} that "
            "`radiofm keys new DIR NAME` made"
        )
    return SensorKeys(public, secret, found[1].encode(), path)


class KnownSensors:
    """The sensors whose public keys lie in a folder, as it is now."""

    def __init__(self, folder: Path):
        self._folder = folder
        # (what is in the folder, names by key): one value, as several threads ask
        self._found: tuple[object, dict[bytes, str]] = (None, {})

    def name_of(self, key: bytes) -> str | None:
        """The name of the sensor with this public key (40 characters); None of an unknown one."""
        return self._names().get(key)

    def names(self) -> set[str]:
        """Of all sensors that may send."""
        return set(self._names().values())

    def _names(self) -> dict[bytes, str]:
        try:
            entries = sorted(
                (entry.name, entry.stat().st_mtime_ns, entry.path)
                for entry in os.scandir(self._folder)
                if entry.name.endswith(PUBLIC)
            )
        except OSError:
            entries = []
        state, names = self._found
        if entries == state:
            return names
        names = {}
        for name, _, path in entries:
            try:
                public, _ = zmq.auth.load_certificate(path)
            # a file that is being written, or none of ours: its sensor is unknown
            except (OSError, ValueError):
                continue
            names[public] = name.removesuffix(PUBLIC)
        self._found = (entries, names)
        return names


def _make(folder: Path, name: str, public_folder: Path, metadata: dict[str, str]) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        public_folder.mkdir(mode=0o700, exist_ok=True)
        # nobody else looks into this one, whatever the umask is
        with tempfile.TemporaryDirectory(dir=folder) as own:
            public, secret = zmq.auth.create_certificates(own, name, metadata)
            os.chmod(secret, 0o600)
            os.replace(secret, folder / (name + SECRET))
            os.replace(public, public_folder / (name + PUBLIC))
    except OSError as error:
        raise OutputError(f"cannot write keys into {folder}: {reason_of(error)}") from error


def _is_credential(path: Path) -> bool:
    """Whether systemd put it there for this service alone (LoadCredential): the list of those who
    may read it shows as the rights of a group."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return bool(folder) and path.absolute().parent == Path(folder)


def _read(path: Path) -> tuple[bytes, bytes]:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) and not _is_credential(path):
            raise UsageError(f"{path} holds a secret and is open to others; run: chmod 600 {path}")
        public, secret = zmq.auth.load_certificate(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} holds no keys ({reason_of(error)})") from error
    if secret is None:
        raise UsageError(f"{path} holds no secret key; take the file that ends in {SECRET}")
    try:
        if zmq.curve_public(secret) != public:
            raise ValueError("they do not belong together")
    except (ValueError, zmq.ZMQError) as error:
        raise UsageError(f"{path} holds no pair of keys ({reason_of(error)})") from error
    return public, secret
