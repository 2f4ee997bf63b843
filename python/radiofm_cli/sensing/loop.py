# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop of a sensor: from the server's first answer to the last frame."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING

from radiofm_core.errors import RadiofmError
from radiofm_core.outputs.event_words import STATUS_INTERVAL_S
from radiofm_net import protocol

from ..console import StopRequest
from ..printing import check_reader, show, tell
from ..watching.health import OPENING_S
from ..watching.service import Service

if TYPE_CHECKING:
    from radiofm_net.sensor_link import SensorLink

POLL_S = 0.1
STOP_GRACE_S = 2.0
# What waits at the end of a source may take so long (s); after a stop so long
LAST_GRACE_S, STOP_SEND_S = 60.0, 2.0
# A server that does not answer is told of after so long (s)
SILENT_S = 2.0


class SensorLoop:
    """Waits for the server, runs the flowgraph, looks after the link, and tells how it goes.

    Args:
        link: to the server.
        sender: makes the flowgraph and knows what else is to be told.
        source: the ``ReconnectingSource`` before it, or None for a file.
        address: of the server.
        as_json: print a line of JSON with the status every STATUS_INTERVAL_S.
        stop: the user's request.
    """

    def __init__(
        self, link: SensorLink, sender, source, address: str, as_json: bool, stop: StopRequest
    ):
        self._link, self._sender, self._source = link, sender, source
        self._address, self._as_json, self._stop = address, as_json, stop
        self._service = Service(self.is_well)
        self._is_running = False
        self._next_status = 0.0
        self._told_drops = 0

    def is_well(self) -> bool:
        """Whether the link goes on, and the source, once it was started, is looked after."""
        if self._link.failure is not None:
            return False
        if self._source is None or not self._is_running:
            return True
        return time.monotonic() - self._source.beat < OPENING_S

    def run(self, duration: float | None) -> None:
        """Until the source ends, ``duration`` s are over or a stop is requested; then what waits
        is sent. Raises RadiofmError if the server refused, or the source or a frame failed."""
        has_ended = False
        # also while the server is not there yet
        self._service.ready()
        try:
            self._wait_for_server()
            flowgraph = self._sender.flowgraph(self._link)
            self._stop.armed = True
            has_ended = self._follow(flowgraph, duration)
        finally:
            grace = LAST_GRACE_S if has_ended else STOP_SEND_S
            self._link.close(grace, lambda: has_ended and self._stop.requested)
            if self._link.buffer.made:
                tell(summary_words(self._link) + self._sender.words())
            if self._as_json:
                self._print_status()
        problem = (self._source and self._source.error) or flowgraph.problem()
        if self._link.failure is not None or problem:
            raise self._link.failure or RadiofmError(problem)

    def _wait_for_server(self) -> None:
        begin, is_told = time.monotonic(), False
        while self._link.wait_welcome(POLL_S) is None:
            self._service.look(self._state)
            if not is_told and time.monotonic() - begin > SILENT_S:
                is_told = True
                tell(f"waiting for {self._address}, which does not answer yet")

    def _follow(self, flowgraph, duration: float | None) -> bool:
        """Whether it came to its end, and no stop was requested."""
        end = math.inf if duration is None else time.monotonic() + duration
        self._next_status = time.monotonic() + STATUS_INTERVAL_S
        flowgraph.launch()
        try:
            if self._source is not None:
                self._source.start()
            self._is_running = True
            while not flowgraph.ended(POLL_S):
                self._look()
                if self._stop.requested or self._link.failure is not None:
                    return False
                if time.monotonic() >= end:
                    return True
            return True
        finally:
            self._service.stopping()
            if self._source is not None:
                self._source.stop()
            flowgraph.halt(STOP_GRACE_S)

    def _look(self) -> None:
        check_reader()
        self._service.look(self._state)
        if time.monotonic() < self._next_status:
            return
        self._next_status = time.monotonic() + STATUS_INTERVAL_S
        if self._as_json:
            self._print_status()
        _, _, dropped, _ = self._link.buffer.counts()
        if sum(dropped.values()) > self._told_drops:
            self._told_drops = sum(dropped.values())
            tell(f"dropped so far: {protocol.causes_words(dropped)}")

    def _state(self) -> str:
        is_linked = "connected" if self._link.is_linked else "waiting for the server"
        return f"{is_linked}; {summary_words(self._link)}"

    def _print_status(self) -> None:
        show(json.dumps(self._link.status()))


def summary_words(link: SensorLink) -> str:
    """What came of a sensor's frames or events so far."""
    made, judged, dropped, left = link.buffer.counts()
    waiting = f", {left} waiting" if left else ""
    return (
        f"{made} made, {judged} taken by the server, dropped {protocol.causes_words(dropped)}"
        f"{waiting}, {link.sent_bytes / 1e6:.1f} MB sent"
    )
