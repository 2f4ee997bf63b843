# SPDX-License-Identifier: GPL-3.0-or-later
"""The sensors' hub, the model, and the events of each receiver."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from gnuradio.radiofm.runtime.receiver_inference import ReceivedFrame, ReceiverInference

from radiofm_core import keys
from radiofm_core.errors import InputError, RadiofmError, one_line
from radiofm_core.model import BundleInfo
from radiofm_core.outputs.event_words import STATUS_INTERVAL_S
from radiofm_core.outputs.terminal import use_color
from radiofm_core.spectrum.model import SegmentationModel
from radiofm_net import protocol
from radiofm_net.frame_code import decode_frame
from radiofm_net.hub import Hub
from radiofm_net.session import Session
from radiofm_sinks.outputs import EventOutputs

from ..printing import show, tell
from ..watching.health import STUCK_S
from .receiver_events import ReceiverEvents, status_words


class SensorServer:
    """Serves sensors.

    Args:
        info: of the model.
        outputs: where events go.
        prints: whether emissions are printed.
        address, folder, gone_after, window: see :class:`Hub`.

    Raises:
        UsageError: an address that is none or in use, keys that are not there.
    """

    def __init__(
        self,
        info: BundleInfo,
        outputs: EventOutputs,
        prints: bool,
        address: str,
        folder: Path,
        gone_after: float,
        window: int,
    ):
        self._outputs = outputs
        self._spec = info.spec
        self._model = info.name
        self._prints = prints
        classes = {c.name: c.color for c in info.classes}
        self._colors = classes if use_color(sys.stdout) else {}
        self._events: dict[Session, ReceiverEvents] = {}
        self._told: dict[Session, int] = {}
        self._problems: set[str] = set()
        self._handled = self._handled_then = 0
        self._moved = time.monotonic()
        self._next_status = time.monotonic() + STATUS_INTERVAL_S
        self._window = window
        self._inference: ReceiverInference | None = None
        self._hub = Hub(
            address,
            folder,
            self._spec,
            self._model,
            self._take,
            self._changed,
            tell,
            gone_after,
            window,
        )
        self.address = self._hub.address

    @property
    def failure(self) -> RadiofmError | None:
        """Why it cannot go on, or None."""
        return self._hub.failure

    def is_well(self) -> bool:
        """Whether frames that wait are judged."""
        waiting, handled = self._inference.depth, self._handled
        if not waiting or handled != self._handled_then:
            self._handled_then, self._moved = handled, time.monotonic()
        return self.failure is None and time.monotonic() - self._moved < STUCK_S

    def state(self) -> str:
        """How it is doing, in words."""
        linked = [session for session in self._hub.sensors if session.is_linked]
        return f"{len(linked)} sensors, {self._handled} frames judged"

    def start(
        self, model: SegmentationModel, threads: int, max_batch: int, min_confidence: float
    ) -> None:
        """Begin to serve with the loaded model; see :class:`ReceiverInference`."""
        self._inference = ReceiverInference(
            model,
            self._decode,
            self._report,
            threads,
            max_batch,
            min_confidence,
            queue=self._window,
            on_error=tell,
        )
        self._inference.start()
        self._hub.start()

    def stop(self) -> None:
        """End: open emissions end, and what each receiver came to is told."""
        # the hub then still tells sensors what is done
        if self._inference is not None:
            self._inference.stop()
        self._hub.stop()
        for session, events in list(self._events.items()):
            events.end("stopped")
            tell(status_words(session))
        if refused := self._hub.refused:
            tell("refused: " + ", ".join(f"{count} {what}" for what, count in refused.items()))

    def look(self) -> None:
        """Now and then tell how each receiver is doing."""
        if time.monotonic() < self._next_status:
            return
        self._next_status = time.monotonic() + STATUS_INTERVAL_S
        for session, events in list(self._events.items()):
            events.status()
            dropped = sum(session.all_dropped().values())
            if dropped > self._told.get(session, 0):
                self._told[session] = dropped
                tell(status_words(session))

    # On the hub's thread

    def _take(self, session: Session, kind: str, fields: dict, parts: list[bytes]) -> int:
        if kind == protocol.EVENT:
            self._take_event(session, fields)
            return 0
        moment = fields.get(keys.RX_TIME)
        if isinstance(moment, list):
            fields[keys.RX_TIME] = tuple(moment)
        return self._inference.submit(session, fields, parts)

    def _take_event(self, session: Session, fields: dict) -> None:
        try:
            latency = session.latency(fields.get(protocol.CAPTURED))
            self._events[session].emission(fields, latency)
            session.judged(latency)
        except InputError as error:
            self._fail(session, str(error))

    def _changed(self, session: Session, what: str, why: str) -> None:
        if session not in self._events:
            self._events[session] = ReceiverEvents(
                session, session.model or self._model, self._outputs, self._show, self._colors
            )
        events = self._events[session]
        where = f"{session.name} at {session.address}"
        if what == "found":
            events.found()
            tell(f"{where} sends {_receiver_words(session)}")
        elif what == "source found":
            events.found()
            tell(f"{where}: samples come again")
        elif what in ("lost", "source lost"):
            events.lost(why)
            tell(f"{where}: {why}")
        else:
            self._inference.end(session)

    # On the model's threads

    def _decode(self, fields: dict, parts: list[bytes]) -> np.ndarray:
        return decode_frame(fields, parts, self._spec)

    def _report(self, frame: ReceivedFrame, events: list[dict], problem: str) -> None:
        session = frame.receiver
        self._handled += not frame.is_end
        if problem:
            self._fail(session, problem)
            return
        latency = session.latency(frame.fields.get(protocol.CAPTURED))
        told = self._events[session]
        try:
            for event in events:
                told.emission(event, latency)
        except Exception as error:  # the frame must come to an end, or its sensor waits for ever
            self._fail(session, one_line(error))
            return
        if not frame.is_end:
            session.judged(latency)
        elif session.is_over:
            told.end("ended")
            self._events.pop(session)
            self._told.pop(session, None)
            tell(status_words(session))

    def _fail(self, session: Session, problem: str) -> None:
        session.fail(problem)
        if problem not in self._problems and len(self._problems) < 100:
            self._problems.add(problem)
            tell(f"a frame of {session.name} has no result: {problem}")

    def _show(self, line: str) -> None:
        if self._prints:
            show(line)


def _receiver_words(session: Session) -> str:
    rate = "" if session.sample_rate is None else f", {session.sample_rate / 1e6:g} MS/s"
    return f"{session.source} at {session.center_frequency / 1e6:.6g} MHz{rate}"
