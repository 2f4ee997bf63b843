# SPDX-License-Identifier: GPL-3.0-or-later
"""All outputs of a run: what happens goes in, becomes events, and leaves in one order."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from radiofm_core import keys
from radiofm_core.events import names
from radiofm_core.events.maker import EventMaker, Receiver

from .sink import Counts, EventSink

# How often clock and outputs are looked at, and what an output lost is told
LOOK_S = 1.0
TELL_DROPS_S = 10.0
# What is left after so many seconds at the end is dropped
CLOSE_S = 5.0


class EventOutputs:
    """Makes events of one receiver's run and gives each to all outputs, in one order.

    Any thread may call any method; none of them waits for an output. Messages that are none
    raise InputError, all else is fine.

    Args:
        maker: of the run.
        sinks: not started yet.
        listeners: called with each event, too; they do not wait, either.
        tell: called with a line for the user: what an output cannot do, that it can again.
    """

    def __init__(
        self,
        maker: EventMaker,
        sinks: Sequence[EventSink],
        tell: Callable[[str], None] = lambda line: None,
        listeners: Sequence[Callable[[Mapping], None]] = (),
    ):
        self._maker = maker
        self._sinks, self._listeners = tuple(sinks), tuple(listeners)
        self._say = tell
        self._lock = threading.RLock()
        self._before: dict[str, int] = {}
        self._totals: dict[str, int] = {}
        self._told = dict.fromkeys(self._sinks, 0)
        self._next_tell = 0.0
        self._counts: dict[str, Counts] | None = None
        self._has_ended = False
        self._lost: set[EventSink] = set()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="radiofm-events", daemon=True)

    @property
    def maker(self) -> EventMaker:
        """What makes the events."""
        return self._maker

    def start(self) -> None:
        """Start the outputs and tell that the run begins."""
        self._give(self._maker.run_start)
        for sink in self._sinks:
            sink.on_change = self._on_change
            sink.on_note = lambda text, name=sink.name: self._say(f"{name}: {text}")
            sink.start()
        self._thread.start()

    def set_receiver(self, receiver: Receiver) -> None:
        """From here on events tell this one."""
        with self._lock:
            self._maker.receiver = receiver

    def new_flowgraph(self) -> None:
        """A flowgraph begins, which counts frames and emissions from 0 on."""
        with self._lock:
            self._maker.new_tracker()
            self._before.clear()

    def take(self, port: str, message: Mapping) -> None:
        """A message of a flowgraph on ``emissions``, ``activity``, ``motion`` or ``status``; of
        other ports it is passed over."""
        if port == keys.PORT_EMISSIONS:
            self._give(self._maker.emission, message)
        elif port == keys.PORT_ACTIVITY:
            self._give(self._maker.activity, message)
        elif port == keys.PORT_MOTION:
            self._give(self._maker.motion, message)
        elif port == keys.PORT_STATUS:
            self._take_status(message)

    def source_found(self, source: str) -> None:
        """Samples or packets come, for the first time or again."""
        self._give(self._maker.source_found, source)

    def source_lost(self, source: str, reason: str) -> None:
        """They do not come any more."""
        self._give(self._maker.source_lost, source, reason)

    def source_retry(self, source: str, reason: str, attempt: int, wait: float) -> None:
        """The source could not be opened, and is tried again in ``wait`` seconds."""
        self._give(self._maker.source_retry, source, reason, attempt, wait)

    def drops(self, cause: str, unit: str, count: int) -> None:
        """``count`` more were lost, for a reason that no status tells."""
        with self._lock:
            self._tell_drops(cause, unit, count)

    def round(self, number: int, centers: Sequence[tuple[float, int, Mapping[str, int]]]) -> None:
        """A round of a sweep is over, see :meth:`EventMaker.round`."""
        self._give(self._maker.round, number, centers)

    def put(self, event: Mapping) -> None:
        """An event that another maker made."""
        with self._lock:
            for sink in self._sinks:
                sink.put(event)
            for listener in self._listeners:
                listener(event)

    def counts(self) -> dict[str, Counts]:
        """By the outputs' names."""
        return self._counts or {sink.name: sink.counts() for sink in self._sinks}

    def close(self, reason: str, timeout: float = CLOSE_S) -> dict[str, Counts]:
        """Tell that the run ends, deliver what waits, for ``timeout`` seconds at most, and return
        what came of it. What is left is dropped, which :meth:`summary` tells."""
        with self._lock:
            if self._counts is not None:
                return self._counts
            self._ending.set()
            self._tell_output_drops()
            self._give(lambda: self._maker.run_end(reason, self._fields()))
            self._has_ended = True
        until = time.monotonic() + timeout
        closers = [
            threading.Thread(target=sink.close, args=(until - time.monotonic(),), daemon=True)
            for sink in self._sinks
        ]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(max(until - time.monotonic(), 0.0) + 2.0)
        self._counts = {sink.name: sink.counts() for sink in self._sinks}
        return self._counts

    def summary(self) -> list[str]:
        """A line for each output."""
        lines = []
        for name, counts in self.counts().items():
            rest = f", {counts.waiting} wait" if counts.waiting else ""
            lines.append(f"{name}: {counts.delivered} events, {counts.dropped} dropped{rest}")
        return lines

    def _give(self, make: Callable[..., dict], *arguments) -> None:
        if not (self._sinks or self._listeners):
            return
        with self._lock:
            if not self._has_ended:
                self._look_at_clock()
                self.put(make(*arguments))

    def _look_at_clock(self) -> None:
        step = self._maker.clock_step()
        if step is not None:
            self.put(step)
            self._say(f"the clock was set by {step[names.STEP]:+.1f} s")

    def _take_status(self, message: Mapping) -> None:
        with self._lock:
            self._give(lambda: self._maker.status(message, self._fields()))
            for key, cause in (
                (keys.DROPPED, names.MODEL_TOO_SLOW),
                (keys.FAILED, names.NO_RESULT),
            ):
                # a block that tells no frames counts messages
                if keys.FRAMES not in message or type(message.get(key)) is not int:
                    continue
                news = message[key] - self._before.get(key, 0)
                self._before[key] = message[key]
                # another flowgraph, which nobody announced, has begun at 0
                self._tell_drops(cause, names.FRAMES, news if news >= 0 else message[key])

    def _tell_drops(self, cause: str, unit: str, count: int, output: str | None = None) -> None:
        if count <= 0:
            return
        place = f"{cause} {output or ''}"
        total = self._totals[place] = self._totals.get(place, 0) + count
        self._give(self._maker.drops, cause, unit, count, total, output)

    def _tell_output_drops(self) -> None:
        self._next_tell = time.monotonic() + TELL_DROPS_S
        for sink in self._sinks:
            dropped = sink.counts().dropped
            news, self._told[sink] = dropped - self._told[sink], dropped
            self._tell_drops(names.OUTPUT_FULL, names.EVENTS, news, sink.name)

    def _on_change(self, sink: EventSink, works: bool, reason: str) -> None:
        with self._lock:
            was_lost = sink in self._lost
            if works:
                self._lost.discard(sink)
                self._give(self._maker.output_found, sink.name)
            else:
                self._lost.add(sink)
                self._give(self._maker.output_lost, sink.name, reason)
        if not works:
            rest = "; events wait for it" if sink.tries_again else ""
            self._say(f"{sink.name}: {reason}{rest}")
        elif was_lost:
            dropped = sink.counts().dropped
            note = f"; {dropped} events were dropped" if dropped else ", none was dropped"
            self._say(f"{sink.name}: takes events again{note}")

    def _fields(self) -> dict[str, dict[str, int]]:
        return {sink.name: sink.counts().fields() for sink in self._sinks}

    def _watch(self) -> None:
        while not self._ending.wait(LOOK_S):
            # a thread that died here would leave drops untold
            with self._lock, contextlib.suppress(Exception):
                self._look_at_clock()
                if time.monotonic() >= self._next_tell:
                    self._tell_output_drops()
