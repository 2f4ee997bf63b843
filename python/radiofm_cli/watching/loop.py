# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop of a command that watches: from the first sample to the last line."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from radiofm_core import keys
from radiofm_core.errors import RadiofmError
from radiofm_core.events import names
from radiofm_core.outputs.event_words import counts_words

from ..printing import check_reader, tell
from .health import Health
from .inbox import Inbox
from .printer import Printer
from .relief import Relief
from .rounds import Rounds
from .service import Service
from .source_log import BURST, SourceLog

POLL_S = 0.1
STOP_GRACE_S = 2.0
# What was taken when the time is over is still judged, for so long
DRAIN_S = 60.0


class WatchLoop:
    """Takes what the flowgraph tells and looks after all that goes on beside it.

    Args:
        flowgraph: a ``WatchFlowgraph``, not started yet.
        source: the ``ReconnectingSource`` before it, or None.
        messages: (port, fields) of the flowgraph, and what ``log`` puts in.
        printer, relief: get the messages.
        outputs: gets them as events.
        log: of the source.
        rounds: of a sweep, or None.
        stop: the user's request.
    """

    def __init__(
        self,
        flowgraph,
        source,
        messages: Inbox,
        printer: Printer,
        relief: Relief,
        outputs,
        log: SourceLog,
        rounds: Rounds | None,
        stop,
    ):
        self._flowgraph, self._source = flowgraph, source
        self._messages, self._printer, self._relief = messages, printer, relief
        self._outputs, self._log, self._rounds, self._stop = outputs, log, rounds, stop
        self._status: dict = {}
        self._is_draining = False
        self._service = Service(Health(flowgraph, source).is_well)

    def run(self, duration: float | None) -> None:
        """Until the source ends, ``duration`` seconds are over or a stop is requested; raises
        RadiofmError if the source was given up or frames had no result."""
        self._flowgraph.launch()
        try:
            if self._source is not None:
                self._source.start()
            self._service.ready()
            self._follow(duration)
        finally:
            # whatever comes out of here, such as a pipe that nobody reads: a process must not end
            # while GNU Radio's threads run
            self._service.stopping()
            if self._source is not None:
                self._source.stop()
            self._flowgraph.halt(STOP_GRACE_S)
        self._take_all()
        self._tell_rounds()
        self._printer.summary()
        problem = (self._source and self._source.error) or self._flowgraph.problem()
        if problem or self._printer.error:
            raise RadiofmError(problem or self._printer.error)

    def _follow(self, duration: float | None) -> None:
        end = math.inf if duration is None else time.monotonic() + duration
        while not self._flowgraph.ended(POLL_S):
            self._take_all()
            self._tell_rounds()
            self._service.look(self._state)
            if self._stop.requested:
                return
            if time.monotonic() >= end:
                if not self._begin_draining():
                    return
                end = time.monotonic() + DRAIN_S

    def _begin_draining(self) -> bool:
        """Take no more samples, so that the flowgraph ends once those of a burst are judged; False
        where none need to be."""
        if self._is_draining or self._source is None or not self._source.is_lossless:
            return False
        self._is_draining = True
        self._source.stop()
        return True

    def _take_all(self) -> None:
        check_reader()
        self._outputs.drops(names.WATCH_FULL, names.EVENTS, self._messages.take_dropped())
        for port, fields in self._messages.take():
            if port == BURST:
                if self._rounds is not None:
                    self._rounds.begin(fields)
                continue
            if self._rounds is not None:
                self._rounds.take(port, fields)
                self._name_center(port, fields)
            self._outputs.take(port, fields)
            self._printer.take(port, fields)
            if port == keys.PORT_STATUS:
                self._status = fields
                self._relief.look(fields)

    def _name_center(self, port: str, fields: dict) -> None:
        """Events of a sweep tell the centre frequency that their samples were received at."""
        if port != keys.PORT_EMISSIONS:
            return
        burst, receiver = (
            self._rounds.burst_at(fields[keys.START_OFFSET]),
            self._outputs.maker.receiver,
        )
        if burst is not None and burst.frequency != receiver.center_frequency:
            self._outputs.set_receiver(replace(receiver, center_frequency=burst.frequency))

    def _tell_rounds(self) -> None:
        for each in self._rounds.over() if self._rounds is not None else ():
            tell(each.words())
            self._outputs.round(each.number, each.stays)

    def _state(self) -> str:
        counts = counts_words(self._status) if self._status else "no frame yet"
        return f"{self._log.state}; {counts}"
