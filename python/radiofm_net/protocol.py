# SPDX-License-Identifier: GPL-3.0-or-later
"""What sensors and server say to each other.

A message is a ZeroMQ multipart message: its kind, its fields as JSON, and a frame's coded parts.

==========  ========================================================================================
``hello``   sensor: here is a receiver. First on each connection; its fields never change meaning
``welcome`` server: it may send; the spec of frames, how many may be under way, what is done already
``refused`` server: it may not, and why
``frame``   sensor: a frame's dict, ``sequence``, ``captured`` (UTC, s), and its coded parts
``event``   sensor: an emission's event of a model of its own, ``sequence``, ``captured``
``ping``    sensor, once a second: its clock, and how it is doing
``pong``    server: the same clock, its own two times, and what is done
``done``    server: how many frames of the session came to which end so far
``bye``     sensor: the source has ended
==========  ========================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from radiofm_core.errors import InputError, UsageError
from radiofm_core.fields import shown

VERSION = 1
# Bytes; a frame of the largest spec is coded in less
MAX_FIELDS = 1 << 16
MAX_PART = 1 << 24

HELLO, WELCOME, REFUSED = "hello", "welcome", "refused"
FRAME, EVENT = "frame", "event"
PING, PONG, DONE, BYE = "ping", "pong", "done", "bye"

# Fields
PROTOCOL = "protocol"
RELEASE = "release"
SESSION = "session"
SERVER = "server"
HOST = "host"
RECEIVER = "receiver"
SENDS = "sends"
SOURCE = "source"
SPEC = "spec"
FINGERPRINT = "fingerprint"
MODEL = "model"
WINDOW = "window"
NEXT = "next"
REASON = "reason"
IS_FINAL = "is_final"
SEQUENCE = "sequence"
CAPTURED = "captured"
SENT, RECEIVED, REPLIED = "sent", "received", "replied"
OFFSET, ROUND_TRIP = "clock_offset", "round_trip"
MADE, WAITING = "made", "waiting"
# Why a sensor's source gives no samples; samples that were lost as the sensor was too slow, and
# frames that a model of its own had no time for
TROUBLE, OVERFLOWED, TOO_SLOW = "trouble", "overflowed", "model_too_slow"

# Why a frame has no result: in the order of its way
SENSOR_QUEUE = "sensor_queue"
NETWORK = "network"
STOPPED = "stopped"
SERVER_QUEUE = "server_queue"
NO_RESULT = "no_result"
JUDGED = "judged"
SENSOR_CAUSES = (SENSOR_QUEUE, NETWORK, STOPPED)
SERVER_CAUSES = (SERVER_QUEUE, NO_RESULT)
CAUSE_WORDS = {
    SENSOR_QUEUE: "sensor queue",
    NETWORK: "network",
    STOPPED: "stopped",
    SERVER_QUEUE: "server queue",
    NO_RESULT: "no result",
}

# Frames of a sensor that may be under way or wait for the model, by default
WINDOW_FRAMES, MOST_WINDOW = 8, 1000
# s: a ping is due; without a word for so long the other side is gone
HEARTBEAT_S = 1.0
SILENCE_S = 5.0


class Message(NamedTuple):
    """A message as it was received."""

    kind: str
    fields: dict
    parts: list[bytes]


def pack(kind: str, fields: Mapping | None = None, parts: list[bytes] | None = None) -> list[bytes]:
    """A message as ZeroMQ sends it."""
    text = json.dumps(fields or {}, separators=(",", ":"), allow_nan=False)
    return [kind.encode(), text.encode(), *(parts or [])]


def unpack(received: list[bytes]) -> Message:
    """The inverse of :func:`pack`; raises InputError for what is no message."""
    if len(received) < 2:
        raise InputError(f"a message of {len(received)} parts: expected 2 or more")
    kind, text, *parts = received
    if len(text) > MAX_FIELDS:
        raise InputError(f"a message with {len(text)} bytes of fields: expected {MAX_FIELDS}")
    try:
        fields = json.loads(text)
    # a RecursionError, too
    except Exception as error:
        raise InputError(f"a message whose fields are no JSON: {shown(text[:60])}") from error
    if not isinstance(fields, dict):
        raise InputError(f"a message whose fields are no object: {shown(fields)}")
    return Message(kind.decode("ascii", "replace"), fields, parts)


def counted(fields: object, names: tuple[str, ...]) -> dict[str, int]:
    """The counts of ``names`` in what came as an object of counts; raises InputError for what is
    none, 0 for one that is not there."""
    found = fields if isinstance(fields, dict) else {}
    counts = {name: found.get(name, 0) for name in names}
    for name, value in counts.items():
        if type(value) is not int or value < 0:
            raise InputError(
                f"a message's {name}: expected a non-negative integer, got {shown(value)}"
            )
    return counts


def causes_words(dropped: Mapping[str, int]) -> str:
    """Drops by cause in words: ``12 (network 10, server queue 2)``."""
    told = ", ".join(f"{CAUSE_WORDS[cause]} {n}" for cause, n in dropped.items() if n)
    return f"{sum(dropped.values())} ({told})" if told else "0"


def checked_address(address: str) -> str:
    """``tcp://HOST:PORT``; raises UsageError for anything else."""
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 <= int(port) <= 65535
    if not (address.startswith("tcp://") and host and is_port) or "/" in host:
        raise UsageError(f"expected an address such as tcp://192.0.2.1:5600, got {address!r}")
    return address


def is_ipv6(address: str) -> bool:
    """Whether a checked address is one of IPv6, ``tcp://[::1]:5600``."""
    return "[" in address
