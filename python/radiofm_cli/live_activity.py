# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm activity --live``: packets as they come in, what goes on as lines and events out."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from radiofm_core import keys
from radiofm_core.bundle import TASK_ACTIVITY, BundleInfo
from radiofm_core.csi.classify import ActivityClassifier, Answer
from radiofm_core.csi.faults import FAULT_WORDS
from radiofm_core.csi.live.opening import live_csi
from radiofm_core.csi.live.source import CsiSource
from radiofm_core.csi.message_fields import activity_fields, motion_fields
from radiofm_core.csi.motion_state import MotionChange, MotionStates
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.errors import InputError, RadiofmError
from radiofm_core.events import names
from radiofm_core.outputs.activity_lines import ACTIVITY_DECIMALS
from radiofm_core.outputs.event_words import activity_words, motion_words, summary_words
from radiofm_core.outputs.json_lines import json_line
from radiofm_core.outputs.terminal import use_color
from radiofm_core.outputs.units import readable_time
from radiofm_sinks.outputs import EventOutputs

from .console import EXIT_DONE, StopRequest
from .event_outputs import open_event_outputs, prints_events
from .printing import check_reader, printing_apart, settle, show, tell

POLL_S = 0.1
STATUS_S = 1.0
# Without a packet for so long the source counts as lost
LOST_AFTER_S = 5.0
LEAST_WAIT_S, MOST_WAIT_S = 1.0, 30.0
LATENCY_WINDOW = 1024


def load_activity_model(options: argparse.Namespace, info: BundleInfo):
    """The model that the options ask for."""
    import torch

    from radiofm_core.inference import load_bundle

    if options.threads:
        torch.set_num_threads(options.threads)
    return load_bundle(info.path, options.device, options.precision, TASK_ACTIVITY)


def classify_live(options: argparse.Namespace, info: BundleInfo, stop: StopRequest) -> int:
    """Until the source ends, --duration is over, or Ctrl-C: each is a clean end."""
    source = live_csi(options.live)
    with (
        printing_apart(),
        open_event_outputs(options, stop, options.live, info.name) as outputs,
    ):
        with stop.held():
            model = load_activity_model(options, info)
            # TorchScript's first calls are slow
            for _ in range(2):
                model.answer_empty()
        LiveActivity(options, model, source, outputs, stop).run()
    return EXIT_DONE


class LiveActivity:
    """One run of the command.

    Args:
        options: of the command.
        model: loaded.
        source: the first one; after a loss others are made.
        outputs: of events.
        stop: the user's request.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        model,
        source: CsiSource,
        outputs: EventOutputs,
        stop: StopRequest,
    ):
        self._options, self._outputs, self._stop = options, outputs, stop
        self._name, self._model_name = options.live, model.info.name
        self._source, self._is_quiet = source, prints_events(options)
        self._colors = (
            {c.name: c.color for c in model.info.classes} if use_color(sys.stdout) else {}
        )
        self._classifier = ActivityClassifier(
            model,
            options.mac,
            options.smoothing,
            options.min_confidence,
            mirror_ends=False,
            batch=1,
        )
        self._states = MotionStates(options.moving_db)
        self._end = math.inf
        self._yielded_at = self._heard_at = self._next_status = 0.0
        self._is_heard: bool | None = None
        self._latencies: deque[float] = deque(maxlen=LATENCY_WINDOW)
        self._answers = self._dropped = 0
        self._told: set[str] = set()

    def run(self) -> None:
        """Raises InputError if the source cannot be opened at first, BundleError if the model
        fails."""
        with self._stop.held():
            self._source.start()
        self._stop.armed = True
        if self._options.duration is not None:
            self._end = time.monotonic() + self._options.duration
        tell(f"listening to {self._name} with {self._model_name}; Ctrl-C ends")
        self._heard_at = time.monotonic()
        try:
            for answer in self._classifier.answers(self._packets()):
                self._take(answer)
        finally:
            self._source.stop()
        self._tell_motion(self._states.finish())
        self._tell_status()
        settle()
        tell(summary_words(self._status(), "windows classified"))
        if failure := self._classifier.failure():
            raise failure

    def _packets(self) -> Iterator[CsiPacket]:
        while not self._is_over():
            try:
                packet = self._source.get(POLL_S)
            except InputError as error:
                self._lose(str(error))
                self._open_again()
                continue
            now = time.monotonic()
            if packet is not None:
                self._hear(now)
                self._yielded_at = now
                yield packet
            elif self._source.ended:
                return
            elif now - self._heard_at >= LOST_AFTER_S:
                self._lose(f"no packet for {LOST_AFTER_S:g} s")
            if now >= self._next_status:
                self._next_status = now + STATUS_S
                self._tell_status()

    def _is_over(self) -> bool:
        check_reader()
        return self._stop.requested or time.monotonic() >= self._end

    def _hear(self, now: float) -> None:
        if not self._is_heard:
            if self._is_heard is False:
                tell(
                    f"packets from {self._name} again, after {readable_time(now - self._heard_at)}"
                )
            self._is_heard = True
            self._outputs.source_found(self._name)
        self._heard_at = now

    def _lose(self, reason: str) -> None:
        if self._is_heard is not False:
            self._is_heard = False
            tell(f"{self._name}: {reason}; waiting for it")
            self._tell_motion(self._states.finish())
            self._outputs.source_lost(self._name, reason)

    def _open_again(self) -> None:
        wait, attempt = LEAST_WAIT_S, 0
        while not self._is_over():
            until = time.monotonic() + wait
            while time.monotonic() < until and not self._is_over():
                time.sleep(POLL_S)
            attempt += 1
            try:
                source = live_csi(self._name)
                source.start()
            except RadiofmError as error:
                wait = min(2 * wait, MOST_WAIT_S)
                self._outputs.source_retry(self._name, str(error), attempt, wait)
                continue
            self._count_drops()
            self._source, self._dropped = source, 0
            return

    def _take(self, answer: Answer) -> None:
        latency = time.monotonic() - self._yielded_at
        self._latencies.append(latency)
        self._answers += 1
        fields = activity_fields(answer.activity)
        more = {keys.MODEL: self._model_name, keys.LATENCY: latency}
        self._outputs.take(keys.PORT_ACTIVITY, fields | more)
        if self._options.json and not self._is_quiet:
            show(json_line(fields, ACTIVITY_DECIMALS))
        elif not self._is_quiet:
            show(activity_words(fields, self._colors))
        self._tell_motion(self._states.take(answer.activity))

    def _tell_motion(self, changes: Iterable[MotionChange]) -> None:
        for change in changes:
            fields = motion_fields(change)
            self._outputs.take(keys.PORT_MOTION, fields)
            if not (self._options.json or self._is_quiet):
                show(motion_words(fields))

    def _tell_status(self) -> None:
        self._count_drops()
        self._tell_faults()
        self._outputs.take(keys.PORT_STATUS, self._status())

    def _tell_faults(self) -> None:
        refused = self._classifier.counts.refused_windows
        for kind, words in FAULT_WORDS.items():
            if refused[kind] and kind not in self._told:
                self._told.add(kind)
                tell(f"{self._name}: windows without an answer: {words}; check the receiver")
        for line in set(self._classifier.counts.found) - self._told:
            self._told.add(line)
            tell(f"{self._name}: {line}")

    def _count_drops(self) -> None:
        news, self._dropped = self._source.dropped - self._dropped, self._source.dropped
        self._outputs.drops(names.SOURCE_OVERFLOW, names.PACKETS, news)

    def _status(self) -> Mapping:
        counts = self._classifier.counts
        p50, p99 = np.percentile(self._latencies or [0.0], (50, 99))
        failure = self._classifier.failure()
        failed = {keys.FAILED: self._classifier.failed, keys.ERROR: str(failure)}
        return {
            keys.FRAMES: self._answers,
            keys.DROPPED: 0,
            keys.QUEUE_DEPTH: 0,
            keys.LATENCY_P50: float(p50),
            keys.LATENCY_P99: float(p99),
            keys.PACKETS: counts.packets,
            keys.WINDOWS: counts.windows,
            **(failed if failure else {}),
        }
