# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics for Prometheus, by the events of a run."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Collection, Mapping
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    PlatformCollector,
    ProcessCollector,
    make_wsgi_app,
)

from radiofm_core import keys
from radiofm_core.errors import reason_of
from radiofm_core.events import names
from radiofm_core.version import __version__

from .network import listening_place
from .options import Options
from .sink import Counts, EventSink
from .states import ReceiverState, States

# When a counter began is of no use here; older versions tell it all the same
with contextlib.suppress(ImportError):
    from prometheus_client import disable_created_metrics

    disable_created_metrics()

_QUANTILES = {keys.LATENCY_P50: "0.5", keys.LATENCY_P99: "0.99"}


class Metrics:
    """What Prometheus reads, by receiver. Not locked, but by those of prometheus_client."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self._states = States()
        self._frames_before: dict[str, int] = {}
        self._told: dict[str, tuple[str, ...]] = {}
        self._events = self._make(Counter, "events", "Events, by type", "type")
        self._frames = self._make(Counter, "frames", "Frames or windows with a result")
        self._dropped = self._make(
            Counter, "dropped", "What was lost, by cause", "cause", "unit", "output"
        )
        self._emissions = self._make(Counter, "emissions", "Emissions that began", "label")
        self._on_air = self._make(Gauge, "emissions_on_air", "Emissions on the air", "label")
        self._activities = self._make(Counter, "activities", "Windows classified", "label")
        self._motion = self._make(Gauge, "motion_db", "Level of motion; 0 dB is still", "sender")
        self._queue = self._make(Gauge, "queue_depth", "Frames or windows that wait")
        self._latency = self._make(
            Gauge, "latency_seconds", "From a frame's arrival to its result", "quantile"
        )
        self._source_up = self._make(Gauge, "source_up", "Whether samples or packets come")
        self._source_lost = self._make(Counter, "source_lost", "How often they came no more")
        self._clock_steps = self._make(Counter, "clock_steps", "How often the clock was set")
        self._output_up = self._make(Gauge, "output_up", "Whether it takes events", "output")
        self._waiting = self._make(Gauge, "output_waiting", "Events that wait for it", "output")
        self._center = self._make(Gauge, "center_frequency_hertz", "The receiver's")
        self._rate = self._make(Gauge, "sample_rate_hertz", "The receiver's")
        self._info = self._make(Gauge, "run_info", "Always 1", "run", "host", "model", "version")
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def take(self, event: Mapping) -> None:
        """The next event."""
        state = self._states.take(event)
        if state is None:
            return  # of a receiver too many
        receiver, kind = event[names.RECEIVER][names.NAME], event[names.TYPE]
        self._events.labels(receiver, kind).inc()
        self._take_run(receiver, event)
        if kind == names.EMISSION:
            self._take_emission(receiver, state, event)
        elif kind == names.ACTIVITY:
            self._activities.labels(receiver, state.label_of(event)).inc()
            if keys.MOTION_DB in event and event[keys.SOURCE] in state.activities:
                self._motion.labels(receiver, event[keys.SOURCE]).set(event[keys.MOTION_DB])
        elif kind == names.STATUS:
            self._take_status(receiver, event)
        elif kind == names.DROPS:
            where = (event[names.CAUSE], event[names.UNIT], event.get(names.OUTPUT, ""))
            self._dropped.labels(receiver, *where).inc(event[names.COUNT])
        elif kind == names.SOURCE_TYPE:
            self._source_up.labels(receiver).set(event[keys.EVENT] == names.FOUND)
            self._source_lost.labels(receiver).inc(event[keys.EVENT] == names.LOST)
        elif kind == names.OUTPUT_TYPE:
            is_up = event[keys.EVENT] == names.FOUND
            self._output_up.labels(receiver, event[names.OUTPUT]).set(is_up)
        elif kind == names.CLOCK:
            self._clock_steps.labels(receiver).inc()

    def _make(self, metric, name: str, about: str, *labels: str):
        return metric(
            name, about, ["receiver", *labels], namespace="radiofm", registry=self.registry
        )

    def _take_run(self, receiver: str, event: Mapping) -> None:
        model = event[keys.MODEL] or ""
        told = (receiver, event[names.RUN], event[names.HOST], model, __version__)
        before = self._told.get(receiver)
        if told != before:
            if before is not None:
                self._info.remove(*before)
            self._told[receiver] = told
            self._info.labels(*told).set(1)
        tuned = event[names.RECEIVER]
        self._center.labels(receiver).set(tuned[keys.CENTER_FREQUENCY] or 0.0)
        self._rate.labels(receiver).set(tuned[keys.SAMPLE_RATE] or 0.0)

    def _take_emission(self, receiver: str, state: ReceiverState, event: Mapping) -> None:
        if event[keys.EVENT] == keys.EVENT_START:
            self._emissions.labels(receiver, state.label_of(event)).inc()
        for label, count in state.on_air().items():
            self._on_air.labels(receiver, label).set(count)

    def _take_status(self, receiver: str, event: Mapping) -> None:
        if keys.FRAMES in event:
            news = event[keys.FRAMES] - self._frames_before.get(receiver, 0)
            self._frames_before[receiver] = event[keys.FRAMES]
            # another flowgraph has begun at 0
            self._frames.labels(receiver).inc(news if news >= 0 else event[keys.FRAMES])
            self._queue.labels(receiver).set(event.get(keys.QUEUE_DEPTH, 0))
        for key, quantile in _QUANTILES.items():
            if key in event:
                self._latency.labels(receiver, quantile).set(event[key])
        for name, counts in event[names.OUTPUTS].items():
            self._waiting.labels(receiver, name).set(counts[names.WAITING])


class PrometheusSink(EventSink):
    """Serves ``/metrics``; each event counts at once, so that there is nothing to wait or drop.

    Args:
        name: of the output.
        server: whose socket listens.
        metrics: that it serves.
        types: of the events that count; None for all.
    """

    def __init__(
        self,
        name: str,
        server: WSGIServer,
        metrics: Metrics,
        types: Collection[str] | None = None,
    ):
        super().__init__(name, types=types)
        self._server, self._metrics = server, metrics
        self._lock, self._taken = threading.Lock(), 0

    @property
    def port(self) -> int:
        """On which it listens."""
        return self._server.server_port

    def start(self) -> None:
        """Begin to serve."""
        threading.Thread(
            target=self._server.serve_forever, name="radiofm-prometheus", daemon=True
        ).start()
        self.delivers()

    def put(self, event: Mapping) -> None:
        """Take an event."""
        if self._types is None or event[names.TYPE] in self._types:
            with self._lock:
                self._metrics.take(event)
                self._taken += 1

    def counts(self) -> Counts:
        """All are delivered."""
        return Counts(self._taken, 0, 0)

    def close(self, timeout: float) -> Counts:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
        return self.counts()

    def release(self) -> None:
        """Give the port back, where it was not started."""
        self._server.server_close()


class _Server(WSGIServer):
    """A scrape at a time, and none that hangs keeps the others out for ever."""

    def get_request(self):
        connection, address = super().get_request()
        connection.settimeout(5.0)
        return connection, address


class _SixServer(_Server):
    address_family = socket.AF_INET6


class _Silent(WSGIRequestHandler):
    def log_message(self, *_) -> None:
        """Nobody wants to read of each scrape."""


def open_prometheus(options: Options) -> EventSink:
    """``prometheus=PORT``, for this machine alone, or ``prometheus=HOST:PORT``; raises UsageError
    for a port in use."""
    host, port = listening_place(options, options.target)
    types = options.types()
    options.done()
    metrics = Metrics()
    try:
        server = make_server(
            host,
            port,
            make_wsgi_app(metrics.registry),
            _SixServer if ":" in host else _Server,
            _Silent,
        )
    except (OSError, UnicodeError) as error:
        raise options.error(
            f"cannot listen ({getattr(error, 'strerror', None) or reason_of(error)}); name "
            "another port"
        ) from error
    return PrometheusSink(options.name, server, metrics, types)
