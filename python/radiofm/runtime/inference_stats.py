# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inference block reports of itself on its ``status`` port."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from radiofm_core import keys
from radiofm_core.errors import one_line

from ..pmts.messages import bounded_reason

# Latencies that the percentiles are taken over
LATENCY_WINDOW = 1024
# Different reasons for failed frames that are logged in one run
MAX_LOGGED_REASONS = 3


class Failures:
    """What got no result: how many, why the last one, and which reasons the log has. Any thread
    may call it."""

    def __init__(self):
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Start counting anew."""
        with self._lock:
            self.count = 0
            self._last = ""
            self._logged: set[str] = set()

    def add(self, reason: str) -> bool:
        """Count one; returns True if that is worth a line in the log.

        It is for the first few different reasons of a run, not for every one.
        """
        with self._lock:
            self.count += 1
            self._last = reason
            is_new = reason not in self._logged and len(self._logged) < MAX_LOGGED_REASONS
            if is_new:
                self._logged.add(reason)
            return is_new

    def status(self) -> dict:
        """What a ``status`` message tells of them: nothing, or how many ``failed`` and the last
        one's reason, ``error``."""
        with self._lock:
            count, last = self.count, self._last
        return {keys.FAILED: count, keys.ERROR: bounded_reason(last)} if count else {}


class InferenceStats:
    """Counts frames, drops and errors, and keeps latencies; any thread may call it."""

    def __init__(self):
        self._failures = Failures()
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Start counting anew (a flowgraph starts)."""
        with self._lock:
            self._frames = 0
            self._dropped = 0
            self._failures.reset()
            self._latencies: deque[float] = deque(maxlen=LATENCY_WINDOW)
            self._samples = 0
            self._since = time.monotonic()

    def done(self, latency: float, samples: int = 0) -> None:
        """A frame was published ``latency`` s after it arrived.

        Args:
            latency: s.
            samples: of the input stream; 0 where there is none.
        """
        with self._lock:
            self._frames += 1
            self._samples += samples
            self._latencies.append(latency)

    def drop(self, count: int) -> None:
        """``count`` whole frames were dropped."""
        with self._lock:
            self._dropped += count

    def drop_rest(self, arrived: int) -> None:
        """At the end of a run: what arrived and came to nothing else was dropped."""
        with self._lock:
            self._dropped = arrived - self._frames - self._failures.count

    def fail(self, reason: str) -> bool:
        """A frame got no result; returns True if that is worth a line in the log."""
        with self._lock:
            return self._failures.add(reason)

    @property
    def frames(self) -> int:
        """Frames published."""
        return self._frames

    @property
    def dropped(self) -> int:
        """Frames dropped."""
        return self._dropped

    @property
    def failed(self) -> int:
        """Frames that the model or a check refused."""
        return self._failures.count

    def snapshot(self, queue_depth: int, restart: bool = False) -> dict:
        """The fields of a ``status`` message.

        ``msps`` is millions of input samples per second of wall-clock time, since the last
        snapshot with ``restart``.
        """
        with self._lock:
            now = time.monotonic()
            rate = self._samples / max(now - self._since, 1e-3) / 1e6
            if restart:
                self._samples, self._since = 0, now
            if self._latencies:
                p50, p99 = np.percentile(np.fromiter(self._latencies, float), (50, 99))
            else:
                p50 = p99 = 0.0
            return {
                keys.FRAMES: self._frames,
                keys.DROPPED: self._dropped,
                keys.QUEUE_DEPTH: queue_depth,
                keys.LATENCY_P50: float(p50),
                keys.LATENCY_P99: float(p99),
                keys.MSPS: rate,
                **self._failures.status(),
            }


class StatusReporter:
    """Calls ``publish`` every ``interval`` seconds on a daemon thread, whatever the model does.

    ``on_error`` is called with one line the first time that ``publish`` raises.
    """

    def __init__(
        self,
        publish: Callable[[], None],
        on_error: Callable[[str], None],
        interval: float = 1.0,
    ):
        self._publish = publish
        self._on_error = on_error
        self._interval = interval
        self._stop: threading.Event | None = None

    def start(self) -> None:
        """Begin to report."""
        self.stop()
        self._stop = threading.Event()
        threading.Thread(
            target=self._loop, args=(self._stop,), name="radiofm-status", daemon=True
        ).start()

    def stop(self) -> None:
        """End; does not wait for the thread."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def _loop(self, stop: threading.Event) -> None:
        has_failed = False
        while not stop.wait(self._interval):
            try:
                self._publish()
            except Exception as error:  # the next one may be well
                if not has_failed:
                    self._on_error(f"its status could not be sent: {one_line(error)}")
                has_failed = True
