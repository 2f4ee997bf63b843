# SPDX-License-Identifier: GPL-3.0-or-later
"""The segmenter block: frame vectors in, masks and detections out as messages."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pmt

from radiofm_core import keys
from radiofm_core.errors import InputError, one_line
from radiofm_core.fields import share_parameter
from radiofm_core.inference import load_bundle
from radiofm_core.tasks import SEGMENTATION

from ..pmts.messages import extend_dict, from_pmt, make_pdu, symbol, to_pmt
from ..radiofm_python import stream_has_ended
from ..runtime.block_inference import BlockInference
from ..runtime.emission_judge import EmissionJudge
from ..runtime.frame_batch import Segmented, check_frame, padded_rows, segment_frames, split_frame
from ..runtime.frame_groups import FrameGroups, segmented_groups
from ..runtime.held_block import held_block
from ..runtime.inference_workers import Job
from ..runtime.message_block import deliver_to_stopped

# The longest stay in general_work() (s): the scheduler can stop the block only between two calls
WORK_SLICE_S = 0.005


@dataclass(frozen=True)
class Result:
    """What there is to tell of a frame: its emissions, not yet judged, where someone takes masks
    or detections; or why there is none."""

    groups: FrameGroups | None = None
    problem: str = ""


class spectrogram_segmenter(held_block):
    """Segments spectrogram frames with a model bundle.

    Input: frame vectors of the spectrogram framer (``spec.frame_floats`` float32: power in dB,
    then the evidence of a spec with lags), each with its ``frame`` tag.

    Each emission is judged as a whole, by all of its pixels, in this frame and in those just
    before: its detections share one label, and the mask has one class for it.

    Output messages: ``masks`` (PDU: the frame's dict with classes, class_colors, model, latency,
    dropped; and the mask, uint8 rows x cols), ``detections`` (dict) and ``status`` (dict, once a
    second). ``latency`` is the time in seconds from the frame's arrival in this block to its
    messages.

    Inference runs on threads of its own, another frame or batch on each. A frame that gets no
    result (the model raises or answers NaN, the frame does not fit the model) is counted, reported
    in ``status`` and logged; the flowgraph goes on.

    Args:
        model: name of a bundled model, ``default``, or a bundle's path.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        threads: model calls at a time on a CPU; 0: one for each core, at most
            block_inference.MOST_THREADS.
        max_batch: most frames in one model call.
        overload: ``wait``: nothing is lost, a slow model holds up the flowgraph (recordings);
            ``drop``: the oldest waiting frames are dropped and counted (live receivers); at the
            end of a stream those that wait are still segmented.
        min_confidence: emissions with a lower confidence have the label ``unknown`` (0..1).

    Raises:
        BundleError: the model cannot be loaded or fails on an empty frame.
        UsageError: a parameter outside its range, a device that is not there.
    """

    def __init__(
        self,
        model: str = "default",
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
        max_batch: int = 8,
        overload: str = "wait",
        min_confidence: float = 0.5,
    ):
        self.set_min_confidence(min_confidence)
        self._bundle = load_bundle(model, device, precision, SEGMENTATION.name)
        self._spec = self._bundle.info.spec
        self._judge = EmissionJudge(self._bundle.info.class_names, self._bundle.judge)
        self._inference = BlockInference(
            self,
            SEGMENTATION.unit,
            self._compute,
            self._publish_all,
            self._bundle.device,
            threads,
            max_batch,
            overload,
        )
        self._stats, self._workers = self._inference.stats, self._inference.workers
        held_block.__init__(
            self,
            name="spectrogram_segmenter",
            in_sig=[(np.float32, self._spec.frame_floats)],
            out_sig=None,
        )
        for port in (keys.PORT_MASKS, keys.PORT_DETECTIONS, keys.PORT_STATUS):
            self.message_port_register_out(symbol(port))
        self._tag_key = symbol(keys.TAG_FRAME)
        self._classes = to_pmt(list(self._bundle.info.class_names))
        self._class_colors = to_pmt([each.color for each in self._bundle.info.classes])
        # under `drop`: frames that came
        self._submitted = 0
        # whether the newest frame was handed over and is still in the input buffer
        self._holds_newest = False
        self._is_stopping = False
        self._backlog = None
        self._backlog_limit = 0
        self._warm_up()

    @property
    def bundle_info(self):
        """The loaded bundle's description."""
        return self._bundle.info

    def set_min_confidence(self, min_confidence: float) -> None:
        """Change the least confidence of an emission, 0..1; may be called while running."""
        self._min_confidence = share_parameter("min_confidence", min_confidence)

    def set_backpressure(self, backlog, limit: int) -> None:
        """Hold the model while ``backlog()`` is above ``limit`` messages (policy ``wait`` only).

        A ``backlog`` that raises is logged and asked no more.

        Message queues have no bound of their own: this keeps memory flat when a receiver, such
        as ``result_sink.backlog``, is slower than the model. Call before the flowgraph starts.
        """
        self._backlog, self._backlog_limit = backlog, limit

    def status(self) -> dict:
        """The fields of a ``status`` message, now."""
        return self._inference.status()

    def publish(self, port: str, message) -> None:
        """Send a PMT from ``port``, also while the flowgraph ends."""
        self.message_port_pub(symbol(port), message)
        if self._is_stopping:
            deliver_to_stopped(self.message_subscribers(symbol(port)))

    # GNU Radio's calls

    def start(self) -> bool:
        """Begin a run: empty queue, counters at zero."""
        self._submitted = 0
        self._holds_newest = False
        self._is_stopping = False
        self._judge.forget()
        self._inference.start()
        return True

    def stop(self) -> bool:
        """End the run within block_inference.STOP_GRACE_S, whatever the model does."""
        self._inference.stop()
        if not self._inference.is_lossless:
            self._stats.drop_rest(self._submitted)
        # the receiver of this last count may be gone: GNU Radio tells it that this block is done
        # before it stops it
        self._is_stopping = True
        self._inference.publish_status()
        return True

    def forecast(self, noutput_items, ninputs) -> list[int]:
        """The frames that a call needs: beside one that is held, a new one, until none come."""
        return [1 + (self._holds_newest and not stream_has_ended(self.gateway))]

    def general_work(self, input_items, output_items) -> int:
        """Hand frames to the threads of the model, which copy them.

        A block whose input is empty at the end of the stream is done for GNU Radio, and so are then
        the receivers of its messages. So the newest frame stays in the buffer until another one
        comes, or until the stream has ended and all are published. No call waits while there is
        room for frames: a framer whose call took samples but completed no frame waits for the end
        of its readers' calls (GNU Radio 3.10, block_executor).
        """
        frames = input_items[0]
        begin = int(self._holds_newest)
        # two batches under way, and two frames for each thread, keep the model busy while this
        # thread is elsewhere
        most = 2 * max(self._inference.max_batch, self._inference.threads)
        if len(frames) == begin:
            if self._workers.wait_below(1, WORK_SLICE_S):
                self._holds_newest = False
                self.consume(0, begin)
        elif not self._inference.is_lossless:
            for job in self._jobs(frames, begin, len(frames)):
                self._stats.drop(self._workers.submit(job, self._inference.max_batch))
                self._submitted += 1
            self._holds_newest = True
            self.consume(0, len(frames) - 1)
        elif self._workers.wait_below(most, WORK_SLICE_S):
            end = min(len(frames), begin + most - self._workers.depth)
            for job in self._jobs(frames, begin, end):
                self._workers.submit(job)
            self._holds_newest = True
            self.consume(0, end - 1)
        return 0

    # From here on: the frame's way, first on the scheduler's thread

    def _jobs(self, frames: np.ndarray, begin: int, end: int):
        if end <= begin:
            return
        first = self.nitems_read(0)
        tags = self.get_tags_in_window(0, begin, end, self._tag_key)
        by_index = {tag.offset - first: tag.value for tag in tags}
        for index in range(begin, end):
            yield self._job(frames[index], by_index.get(index))

    def _job(self, frame: np.ndarray, tag) -> Job:
        if tag is None:
            return Job(None, problem=f"it has no `{keys.TAG_FRAME}` tag; connect a framer")
        try:
            meta = from_pmt(tag)
            check_frame(meta, self._spec)
        except InputError as error:
            return Job(None, problem=str(error))
        except Exception as error:  # a foreign tag can hold anything
            return Job(None, problem=f"its `{keys.TAG_FRAME}` tag is broken: {one_line(error)}")
        group = (
            padded_rows(meta[keys.ROWS], self._spec),
            meta[keys.SAMPLE_RATE],
            meta[keys.ROW_DURATION],
        )
        # a copy: the buffer may be gone while a model that was left behind still reads
        return Job((tag, meta, frame.copy()), group)

    # On the threads of the model

    def _compute(self, jobs: list[Job]) -> list[Result]:
        """The frames' results; several calls of this go on at a time."""
        _, metas, vectors = zip(*(job.payload for job in jobs), strict=True)
        split = [split_frame(vector, self._spec) for vector in vectors]
        frames = [power for power, _ in split]
        evidence = [part for _, part in split] if self._spec.evidence_lags else None
        answers = segment_frames(self._bundle, frames, list(metas), evidence)
        planes = evidence or [None] * len(jobs)
        return [self._result(*each) for each in zip(frames, planes, metas, answers, strict=True)]

    def _result(
        self, frame: np.ndarray, evidence: np.ndarray | None, meta: dict, answer: Segmented
    ) -> Result:
        if answer.problem:
            return Result(problem=answer.problem)
        if not any(map(self._inference.is_connected, (keys.PORT_MASKS, keys.PORT_DETECTIONS))):
            return Result()
        try:
            info = self._bundle.info
            return Result(segmented_groups(answer, frame, evidence, meta, info))
        except Exception as error:
            return Result(problem=f"finding its emissions failed: {one_line(error)}")

    def _publish_all(self, jobs: list[Job], results: list[Result] | None, is_live) -> None:
        """Send the messages of a batch; batches come here one by one, in the frames' order."""
        if results is None:
            for job in jobs:
                self._inference.fail(job.problem)
            return
        self._hold_for_receivers(is_live)
        for job, result in zip(jobs, results, strict=True):
            if not is_live():
                return
            if result.problem:
                self._inference.fail(result.problem)
                continue
            try:
                self._publish(job, result)
            except Exception as error:
                self._inference.fail(f"judging it or sending it failed: {one_line(error)}")

    def _hold_for_receivers(self, is_live) -> None:
        if self._backlog is None or not self._inference.is_lossless:
            return
        try:
            while is_live() and self._backlog() > self._backlog_limit:
                time.sleep(0.005)
        except Exception as error:  # a user's function; the batch must not go with it
            self._backlog = None
            self.logger.error(f"backlog() raised ({one_line(error)}) and is asked no more")

    def _publish(self, job: Job, result: Result) -> None:
        tag, meta, _ = job.payload
        if result.groups is not None:
            mask, detections = self._judge.decide(result.groups, self._min_confidence)
        latency = time.monotonic() - job.arrived
        # the tag's own PMT is extended, so that the frame's values pass unchanged
        message = extend_dict(
            pmt.dict_add(
                pmt.dict_add(tag, symbol(keys.CLASSES), self._classes),
                symbol(keys.CLASS_COLORS),
                self._class_colors,
            ),
            {
                keys.MODEL: self._bundle.info.name,
                keys.LATENCY: latency,
                keys.DROPPED: self._stats.dropped,
            },
        )
        if result.groups is not None and self._inference.is_connected(keys.PORT_MASKS):
            self.publish(keys.PORT_MASKS, make_pdu(message, mask))
        if result.groups is not None and self._inference.is_connected(keys.PORT_DETECTIONS):
            extra = {keys.DETECTIONS: [detection.to_dict() for detection in detections]}
            self.publish(keys.PORT_DETECTIONS, extend_dict(message, extra))
        self._stats.done(latency, meta[keys.ROWS] * meta[keys.ROW_SAMPLES])

    def _warm_up(self) -> None:
        self._inference.warm_up(self._bundle.info.path, self._bundle.answer_empty)
