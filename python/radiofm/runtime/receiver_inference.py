# SPDX-License-Identifier: GPL-3.0-or-later
"""One model for the frames of many receivers: batches over all of them, each in its turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np

from radiofm_core import keys
from radiofm_core.errors import InputError, one_line
from radiofm_core.fields import share_parameter, whole_parameter
from radiofm_core.spectrum.model import SegmentationModel
from radiofm_core.spectrum.tracking import DEFAULT_HOLD_TIME_S, EmissionTracker

from .block_inference import STOP_GRACE_S, use_one_core, usual_threads
from .emission_judge import EmissionJudge
from .frame_batch import check_frame, padded_rows, segment_frames, split_frame
from .frame_groups import FrameGroups, segmented_groups
from .inference_workers import InferenceWorkers, Job

WAIT_S = 0.1


@dataclass(frozen=True)
class ReceivedFrame:
    """A frame of a receiver: its dict, and what ``decode`` makes a vector of."""

    receiver: Hashable
    fields: Mapping
    content: object
    # of no frame: the receiver has ended
    is_end: bool = False


@dataclass
class _Receiver:
    judge: EmissionJudge
    tracker: EmissionTracker
    waiting: deque[Job] = field(default_factory=deque)


class ReceiverInference:
    """Segments frames of many receivers, and follows the emissions of each.

    Each receiver has a queue of ``queue`` frames; of a full one the oldest is dropped. Receivers
    take turns, frame by frame, so that one that sends too much holds up no other. The answers of a
    receiver come in its frames' order.

    Args:
        model: a loaded segmenter.
        decode: called as ``decode(fields, content)`` on the model's threads; returns a frame's
            vector, float32 (spec.frame_floats,). May raise InputError.
        report: called as ``report(frame, events, problem)``, one after the other, for each frame
            that is not dropped: the tracker's events, or why it has no result. It should not raise.
        threads: model calls at a time on a CPU; 0: one for each core, at most
            block_inference.MOST_THREADS.
        max_batch: most frames in one model call.
        min_confidence: emissions with a lower confidence are ``unknown`` (0..1).
        hold_time: s; a longer gap ends an emission.
        queue: frames of a receiver that may wait.
        on_error: called with one line where something went wrong that no frame is to blame for.

    Raises:
        UsageError: a parameter outside its range.
    """

    def __init__(
        self,
        model: SegmentationModel,
        decode: Callable[[Mapping, object], np.ndarray],
        report: Callable[[ReceivedFrame, list[dict], str], None],
        threads: int = 0,
        max_batch: int = 8,
        min_confidence: float = 0.5,
        hold_time: float = DEFAULT_HOLD_TIME_S,
        queue: int = 8,
        on_error: Callable[[str], None] = lambda text: None,
    ):
        self._model = model
        self._spec = model.info.spec
        self._decode, self._report = decode, report
        self._min_confidence = share_parameter("min_confidence", min_confidence)
        self._hold_time = hold_time
        self._queue = whole_parameter("queue", queue, 1)
        is_on_cpu = model.device == "cpu"
        max_batch = whole_parameter("max_batch", max_batch, 1)
        threads = whole_parameter("threads", threads, 0) or usual_threads()
        threads = threads if is_on_cpu else 1
        # more would only wait there instead of here, where receivers take turns
        self._most = 2 * (threads if is_on_cpu else max_batch)
        set_up = use_one_core if is_on_cpu else None
        self._workers = InferenceWorkers(
            self._compute, self._publish, max_batch, on_error, threads, set_up
        )
        self._changed = threading.Condition()
        self._receivers: dict[Hashable, _Receiver] = {}
        # those with frames that wait, the next one first
        self._turns: deque[Hashable] = deque()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to take frames."""
        self._stopping = False
        self._workers.start()
        self._thread = threading.Thread(target=self._hand_on, name="radiofm-turns", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End within block_inference.STOP_GRACE_S, whatever the model does, and end all emissions
        that are open; frames that wait come to nothing."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(2 * WAIT_S + STOP_GRACE_S)
        self._workers.stop(STOP_GRACE_S)
        for receiver in list(self._receivers):
            self._finish(receiver)

    def submit(self, receiver: Hashable, fields: Mapping, content: object) -> int:
        """Take a frame; returns how many older ones of this receiver were dropped for it."""
        frame = ReceivedFrame(receiver, fields, content)
        job = Job(frame)
        try:
            check_frame(fields, self._spec)
            job.group = padded_rows(fields[keys.ROWS], self._spec)
        except InputError as error:
            job.problem = str(error)
        return self._queue_up(receiver, job)

    def end(self, receiver: Hashable) -> None:
        """Nothing more comes of a receiver: once what waits is judged, its emissions end, and a
        frame with ``is_end`` is reported with the events."""
        self._queue_up(receiver, Job(ReceivedFrame(receiver, {}, None, True), problem="end"))

    @property
    def depth(self) -> int:
        """Frames that wait or are in the model."""
        with self._changed:
            waiting = sum(len(each.waiting) for each in self._receivers.values())
        return waiting + self._workers.depth

    # On the turns' thread

    def _queue_up(self, receiver: Hashable, job: Job) -> int:
        with self._changed:
            own = self._receivers.get(receiver)
            if own is None:
                names = self._model.info.class_names
                own = self._receivers[receiver] = _Receiver(
                    EmissionJudge(names, self._model.judge), EmissionTracker(self._hold_time)
                )
            if not own.waiting:
                self._turns.append(receiver)
            own.waiting.append(job)
            dropped = 0
            if not job.payload.is_end and len(own.waiting) > self._queue:
                own.waiting.popleft()
                dropped = 1
            self._changed.notify_all()
            return dropped

    def _hand_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._turns or self._stopping, WAIT_S)
                if self._stopping:
                    return
            if not self._workers.wait_below(self._most, WAIT_S):
                continue
            with self._changed:
                if not self._turns or self._stopping:
                    continue
                receiver = self._turns.popleft()
                own = self._receivers[receiver]
                job = own.waiting.popleft()
                if own.waiting:
                    self._turns.append(receiver)
            self._workers.submit(job)

    # On the threads of the model

    def _compute(self, jobs: list[Job]) -> list[FrameGroups | str]:
        """Of each frame its emissions, not yet judged, or why there are none."""
        try:
            return self._segment(jobs)
        except Exception as error:
            return [one_line(error)] * len(jobs)

    def _segment(self, jobs: list[Job]) -> list[FrameGroups | str]:
        results: list[FrameGroups | str] = [""] * len(jobs)
        found = []
        for place, job in enumerate(jobs):
            try:
                vector = self._decode(job.payload.fields, job.payload.content)
                found.append((place, job.payload.fields, *split_frame(vector, self._spec)))
            except Exception as error:  # a sensor can send anything
                results[place] = one_line(error)
        if not found:
            return results
        places, metas, frames, planes = (list(each) for each in zip(*found, strict=True))
        known = planes if self._spec.evidence_lags else None
        answers = segment_frames(self._model, frames, metas, known)
        for place, meta, frame, plane, answer in zip(
            places, metas, frames, planes, answers, strict=True
        ):
            results[place] = answer.problem or self._groups(meta, frame, plane, answer)
        return results

    def _groups(self, meta, frame, evidence, answer) -> FrameGroups | str:
        try:
            return segmented_groups(answer, frame, evidence, meta, self._model.info)
        except Exception as error:
            return f"finding its emissions failed: {one_line(error)}"

    def _publish(self, jobs: list[Job], results: list | None, is_live) -> None:
        for place, job in enumerate(jobs):
            if not is_live():
                return
            frame = job.payload
            if frame.is_end:
                self._finish(frame.receiver)
            elif results is None:
                self._report(frame, [], job.problem)
            elif isinstance(results[place], str):
                self._report(frame, [], results[place])
            else:
                self._follow(frame, results[place])

    def _follow(self, frame: ReceivedFrame, groups: FrameGroups) -> None:
        own = self._receivers[frame.receiver]
        try:
            _, detections = own.judge.decide(groups, self._min_confidence)
            events = own.tracker.process_frame(frame.fields, detections)
            if frame.fields.get(keys.LAST) is True:
                events += own.tracker.finish()
        except Exception as error:
            self._report(frame, [], f"judging it failed: {one_line(error)}")
            return
        self._report(frame, events, "")

    def _finish(self, receiver: Hashable) -> None:
        with self._changed:
            own = self._receivers.pop(receiver, None)
            if own is None:
                return
            with_turns = [each for each in self._turns if each != receiver]
            self._turns = deque(with_turns)
        frame = ReceivedFrame(receiver, {}, None, True)
        self._report(frame, own.tracker.finish(), "")
