# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server knows of one sensor's session."""

from __future__ import annotations

import os
import threading
import time
from collections import deque

import numpy as np

from radiofm_core import keys
from radiofm_core.errors import InputError, UsageError
from radiofm_core.fields import finite_number, shown
from radiofm_core.spectrum.spec import SpectrogramSpec

from . import protocol

# Latencies and seconds of traffic that figures are taken over
LATENCIES = 4096
TRAFFIC_S = 10.0
MOST_TEXT = 200


class Session:
    """A sensor from its ``hello`` on, over all of its connections. What the model's threads call
    is locked.

    ``name``: of its key. ``identity``: of its present connection.
    """

    def __init__(self, name: str, identity: bytes, address: str, hello: dict):
        self.name = name
        self.identity = identity
        self.address = address
        self.id = _text(hello, protocol.SESSION)
        # what its counts begin anew with
        self.server = os.urandom(16).hex()
        self.host = _text(hello, protocol.HOST) or name
        self.source = _text(hello, protocol.SOURCE)
        self.sends = _text(hello, protocol.SENDS)
        self.sample_rate = finite_number(hello.get(keys.SAMPLE_RATE))
        self.center_frequency = finite_number(hello.get(keys.CENTER_FREQUENCY))
        self.fingerprint = _text(hello, protocol.FINGERPRINT)
        self.model = _text(hello, protocol.MODEL)
        self.is_linked = True
        self.is_over = False
        self.heard = time.monotonic()
        self.following = 0
        # whether the sensor is to be told of `done`
        self.has_news = False
        self.clock_offset = 0.0
        self.round_trip: float | None = None
        self.trouble = ""
        self.overflowed = 0
        self.too_slow = 0
        self.made = 0
        self.waiting = 0
        self.sensor_dropped = dict.fromkeys(protocol.SENSOR_CAUSES, 0)
        self.received = 0
        self._problem = ""
        self._lock = threading.Lock()
        self._done = dict.fromkeys((protocol.JUDGED, *protocol.SERVER_CAUSES), 0)
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._traffic: deque[tuple[float, int]] = deque()

    def check(self, spec: SpectrogramSpec) -> None:
        """Raise UsageError for a receiver whose frames a model of ``spec`` cannot take."""
        if self.sends not in (protocol.FRAME, protocol.EVENT):
            raise UsageError(f"it sends {shown(self.sends)}, expected frame or event")
        if self.center_frequency is None:
            raise UsageError("it tells no center frequency")
        if self.sends == protocol.EVENT:
            return
        if self.sample_rate is None:
            raise UsageError("it tells no sample rate")
        spec.check_sample_rate(self.sample_rate)
        if self.fingerprint and self.fingerprint != spec.fingerprint:
            raise UsageError(
                f"its frames have the spectrogram spec {self.fingerprint}, the server's model "
                f"takes {spec.fingerprint}; start the sensor again"
            )

    def take_state(self, fields: dict) -> None:
        """How the sensor is doing, of its ``ping``; raises InputError for what cannot be."""
        names = (
            *(protocol.MADE, protocol.WAITING, protocol.OVERFLOWED, protocol.TOO_SLOW),
            *protocol.SENSOR_CAUSES,
        )
        counts = protocol.counted(fields, names)
        self.made, self.waiting = counts[protocol.MADE], counts[protocol.WAITING]
        self.sensor_dropped = {cause: counts[cause] for cause in protocol.SENSOR_CAUSES}
        self.overflowed = counts[protocol.OVERFLOWED]
        self.too_slow = counts[protocol.TOO_SLOW]
        self.trouble = _text(fields, protocol.TROUBLE)
        self.clock_offset = finite_number(fields.get(protocol.OFFSET)) or 0.0
        self.round_trip = finite_number(fields.get(protocol.ROUND_TRIP))

    def is_next(self, fields: dict, size: int) -> bool:
        """Whether a message with these fields is new, and not one that was sent again; raises
        InputError for one without a number."""
        sequence = fields.get(protocol.SEQUENCE)
        if type(sequence) is not int or sequence < 0:
            raise InputError(f"its sequence: expected a non-negative integer, got {sequence!r}")
        now = time.monotonic()
        with self._lock:
            self._traffic.append((now, size))
            self._forget_traffic(now)
        if sequence < self.following:
            return False
        self.following = sequence + 1
        self.received += 1
        return True

    def latency(self, captured: object) -> float | None:
        """How long ago the antenna's host captured a frame (s), by this host's clock.

        ``captured``: when, by that host's clock (s since 1970); None if it tells nothing.
        """
        moment = finite_number(captured)
        if moment is None:
            return None
        # the clocks are known to half of the round trip
        return max(0.0, time.time() - (moment + self.clock_offset))

    def judged(self, latency: float | None) -> None:
        """A frame has its result, ``latency`` s after it was captured."""
        with self._lock:
            self._done[protocol.JUDGED] += 1
            if latency is not None:
                self._latencies.append(latency)
            self.has_news = True

    def fail(self, problem: str) -> None:
        """A frame has no result."""
        self._problem = problem[:MOST_TEXT]
        self.dropped(protocol.NO_RESULT)

    def failures(self) -> dict:
        """What a status tells of them: how many, and why the last one; nothing without any."""
        failed = self.done()[protocol.NO_RESULT]
        return {keys.FAILED: failed, keys.ERROR: self._problem} if failed else {}

    def dropped(self, cause: str, count: int = 1) -> None:
        """Frames came to nothing."""
        with self._lock:
            self._done[cause] += count
            self.has_news = self.has_news or count > 0

    def done(self) -> dict[str, int]:
        """What became of the frames that came so far."""
        with self._lock:
            return dict(self._done)

    def take_news(self) -> dict[str, int] | None:
        """The same, if the sensor has not been told; None else."""
        with self._lock:
            if not self.has_news:
                return None
            self.has_news = False
            return dict(self._done)

    def latencies(self) -> tuple[float, float] | None:
        """Median and 99th percentile (s) from antenna host to result; None before the first."""
        with self._lock:
            found = np.fromiter(self._latencies, float)
        if not len(found):
            return None
        p50, p99 = np.percentile(found, (50, 99))
        return float(p50), float(p99)

    def byte_rate(self) -> float:
        """Bytes a second that came over the last TRAFFIC_S."""
        now = time.monotonic()
        with self._lock:
            self._forget_traffic(now)
            if len(self._traffic) < 2:
                return 0.0
            return sum(size for _, size in self._traffic) / max(now - self._traffic[0][0], 1.0)

    def _forget_traffic(self, now: float) -> None:
        while self._traffic and now - self._traffic[0][0] > TRAFFIC_S:
            self._traffic.popleft()

    def all_dropped(self) -> dict[str, int]:
        """Drops of sensor and server by cause."""
        done = self.done()
        return self.sensor_dropped | {cause: done[cause] for cause in protocol.SERVER_CAUSES}

    @property
    def in_server(self) -> int:
        """Frames that came and have no end yet."""
        return self.received - sum(self.done().values())


def _text(hello: dict, key: str) -> str:
    value = hello.get(key)
    return (
        "".join(c for c in value if c.isprintable())[:MOST_TEXT] if isinstance(value, str) else ""
    )
