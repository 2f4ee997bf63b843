# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of one sensor's receiver, and what people are told of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from radiofm_core import keys
from radiofm_core.events import names
from radiofm_core.events.maker import EventMaker, Receiver
from radiofm_core.outputs.event_words import event_words
from radiofm_net import protocol
from radiofm_net.session import Session
from radiofm_sinks.outputs import EventOutputs


class ReceiverEvents:
    """A run of events of its own: it begins with the sensor's session and ends with it.

    Any thread may call.

    Args:
        session: the sensor's.
        model: name of the model that judges its frames.
        outputs: where events go.
        show: called with a line for each emission that starts or ends.
        colors: by label, for these lines.
    """

    def __init__(
        self,
        session: Session,
        model: str,
        outputs: EventOutputs,
        show: Callable[[str], None],
        colors: Mapping[str, str],
    ):
        receiver = Receiver(session.name, session.center_frequency, session.sample_rate)
        self._session = session
        self._outputs = outputs
        self._show, self._colors = show, colors
        self._lock = threading.RLock()
        self._told: dict[str, int] = {}
        # of a sensor with a model of its own: nothing here ends them if it is gone
        self._open: dict[int, Mapping] = {}
        self._maker = EventMaker(receiver, model, host=session.host)
        self._put(self._maker.run_start)

    def found(self) -> None:
        """Its sensor sends, for the first time or again."""
        self._put(self._maker.source_found, self._session.source)

    def lost(self, reason: str) -> None:
        """It does not any more."""
        self._put(self._maker.source_lost, self._session.source, reason)

    def emission(self, message: Mapping, latency: float | None) -> None:
        """An emission starts, goes on or ends; raises InputError for what is none.

        ``latency``: s from the antenna's host to here, if it is known.
        """
        told = {} if latency is None else {keys.LATENCY: round(latency, 6)}
        self._put(lambda: self._maker.emission(message) | told)
        if message[keys.EVENT] == keys.EVENT_END:
            self._open.pop(message[keys.BURST_ID], None)
        else:
            self._open[message[keys.BURST_ID]] = message
        if message[keys.EVENT] != keys.EVENT_UPDATE:
            self._show(f"{self._session.name:12} {event_words(message, self._colors)}")

    def status(self) -> None:
        """How it is doing, and what was dropped since it was last told."""
        session = self._session
        self._put(lambda: self._maker.status(status_message(session)) | status_fields(session))
        with self._lock:
            for cause, total in session.all_dropped().items():
                self._drops(cause, self._unit, total)
            self._drops(names.SOURCE_OVERFLOW, names.SAMPLES, session.overflowed)
            self._drops(names.MODEL_TOO_SLOW, names.FRAMES, session.too_slow)

    def end(self, reason: str) -> None:
        """The last event; emissions that are open end before it."""
        for message in list(self._open.values()):
            self.emission({**message, keys.EVENT: keys.EVENT_END}, None)
        self.status()
        self._put(self._maker.run_end, reason)

    def _drops(self, cause: str, unit: str, total: int) -> None:
        news, self._told[cause] = total - self._told.get(cause, 0), total
        if news > 0:
            self._put(self._maker.drops, cause, unit, news, total)

    @property
    def _unit(self) -> str:
        return names.FRAMES if self._session.sends == protocol.FRAME else names.EVENTS

    def _put(self, make: Callable[..., dict], *arguments) -> None:
        # numbers and order of a run's events are the same
        with self._lock:
            self._outputs.put(make(*arguments))


def status_message(session: Session) -> dict:
    """What a status tells of a receiver as of any model's block."""
    done = session.done()
    p50, p99 = session.latencies() or (None, None)
    return {
        keys.FRAMES: done[protocol.JUDGED],
        keys.DROPPED: sum(session.all_dropped().values()),
        keys.QUEUE_DEPTH: session.in_server,
        keys.LATENCY_P50: p50,
        keys.LATENCY_P99: p99,
        **session.failures(),
    }


def status_fields(session: Session) -> dict:
    """What it tells of a sensor beside that."""
    return {
        names.DROPPED_BY: session.all_dropped(),
        names.MADE: session.made,
        names.BYTE_RATE: round(session.byte_rate(), 1),
        names.CLOCK_OFFSET: round(session.clock_offset, 6),
        names.ROUND_TRIP: None if session.round_trip is None else round(session.round_trip, 6),
    }


def status_words(session: Session) -> str:
    """A receiver's line at the end, or where frames are dropped."""
    latencies = session.latencies()
    times = ""
    if latencies is not None:
        times = ", antenna host to event {:.0f} ms (p99 {:.0f} ms)".format(
            *(1e3 * value for value in latencies)
        )
    trip = session.round_trip
    clock = "" if trip is None else f", its clock is {-session.clock_offset * 1e3:+.1f} ms off"
    what = "frames judged" if session.sends == protocol.FRAME else "events"
    return (
        f"{session.name}: {session.done()[protocol.JUDGED]} {what}, dropped "
        f"{protocol.causes_words(session.all_dropped())}{times}{clock}"
    )
