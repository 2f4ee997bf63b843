# SPDX-License-Identifier: GPL-3.0-or-later
"""The activity classifier block: windows of CSI in, what goes on in the room out."""

from __future__ import annotations

import time

from radiofm_core import keys
from radiofm_core.csi.activity import DEFAULT_MIN_CONFIDENCE, Activity, ActivityDecider
from radiofm_core.csi.message_fields import activity_fields, motion_fields, rx_time
from radiofm_core.csi.motion_state import MOVING_DB, MotionChange, MotionStates
from radiofm_core.csi.window_batch import Classified, classify_windows
from radiofm_core.errors import one_line
from radiofm_core.inference import load_bundle
from radiofm_core.tasks import ACTIVITY

from ..pmts.csi_messages import read_window
from ..pmts.messages import symbol, to_pmt
from ..runtime.block_inference import BlockInference
from ..runtime.inference_workers import Job
from ..runtime.message_block import message_block


class activity_classifier(message_block):
    """Classifies windows of CSI with a model bundle.

    Input messages: ``windows``, the PDUs of one :class:`csi_framer`, whose rows and columns are
    as far apart as the model's; its hop and its limits may be others.

    Output messages: ``activity``, a dict per window: label, confidence, probabilities (a dict),
    start_time, duration and rx_time (the middle of the window, as long as a hop), motion_db,
    motion_probability, packet_rate, lost_packets, source, model, latency, dropped. ``latency`` is
    the time in seconds from the window's arrival in this block to its message. ``motion``, a dict
    where a state of motion begins or is over (:mod:`radiofm_core.csi.motion_state`). ``status``:
    as of :class:`spectrogram_segmenter`, where windows are frames and no samples come.

    Inference runs on a thread of its own. A window that gets no result (the model raises or
    answers no probabilities, the window does not fit the model) is counted, reported in
    ``status`` and logged; the flowgraph goes on. At the end of a stream what has come is still
    answered; a flowgraph that is stopped does not wait for that.

    Args:
        model: name of a bundled model, ``default``, or a bundle's path.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        threads: model calls at a time on a CPU; 0: one for each core, at most
            block_inference.MOST_THREADS.
        max_batch: most windows in one model call; at least as many as senders that are followed
            live, since their windows may end together.
        overload: ``wait``: nothing is lost, windows wait for a slow model; messages cannot hold
            up their sender, so the sources of CSI look at :meth:`backlog`.
            ``drop``: the oldest waiting windows beyond ``max_batch`` are dropped and counted.
        smoothing: over how many windows of a sender probabilities are averaged.
        min_confidence: below it the label is ``unknown`` (0..1).
        moving_db: level of motion from which on somebody moves (dB).

    Raises:
        BundleError: the model cannot be loaded or fails on an empty window.
        UsageError: a parameter outside its range, a device that is not there.
    """

    def __init__(
        self,
        model: str = "default",
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
        max_batch: int = 32,
        overload: str = "wait",
        smoothing: int = 1,
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
        moving_db: float = MOVING_DB,
    ):
        self._bundle = load_bundle(model, device, precision, ACTIVITY.name)
        self._inference = BlockInference(
            self,
            ACTIVITY.unit,
            self._compute,
            self._publish_all,
            self._bundle.device,
            threads,
            max_batch,
            overload,
            self._on_idle,
            self.failure_status,
        )
        self._stats, self._workers = self._inference.stats, self._inference.workers
        self._capacity = None if self._inference.is_lossless else self._inference.max_batch
        self._spec = self._bundle.info.spec
        self._decider = ActivityDecider(self._bundle.info.class_names, smoothing, min_confidence)
        self._states = MotionStates(moving_db)
        self._arrived = 0
        message_block.__init__(self, "activity_classifier", senders=1)
        self.add_input(keys.PORT_WINDOWS, self._on_windows)
        for port in (keys.PORT_ACTIVITY, keys.PORT_MOTION, keys.PORT_STATUS):
            self.message_port_register_out(symbol(port))
        self._warm_up()

    def set_moving_db(self, moving_db: float) -> None:
        """Change the level of motion from which on somebody moves; may be called while running."""
        self._states.set_moving_db(moving_db)

    @property
    def bundle_info(self):
        """The loaded bundle's description."""
        return self._bundle.info

    def set_min_confidence(self, min_confidence: float) -> None:
        """Change the least confidence of a label, 0..1; may be called while running."""
        self._decider.set_min_confidence(min_confidence)

    def status(self) -> dict:
        """The fields of a ``status`` message, now."""
        return self._inference.status()

    def backlog(self) -> int:
        """Windows that wait for the model, and messages that wait to be taken for windows."""
        return message_block.backlog(self) + self._workers.depth

    # GNU Radio's calls

    def start(self) -> bool:
        """Begin a run: empty queue, counters at zero."""
        self._arrived = 0
        self._decider.reset()
        self._states.reset()
        self._inference.start()
        return message_block.start(self)

    def stop(self) -> bool:
        """End the run within block_inference.STOP_GRACE_S, whatever the model does."""
        self._inference.stop()
        return message_block.stop(self)

    def handle(self, port: str, message) -> None:
        """Hand one window to the worker."""
        self._arrived += 1
        self._stats.drop(self._workers.submit(self._job(message), self._capacity))

    def is_idle(self) -> bool:
        """Whether all windows that came are answered."""
        return self._workers.depth == 0

    def finish(self) -> None:
        """The last states and counts; what a stopped flowgraph left unanswered was dropped."""
        self._publish_motion(self._states.finish())
        self._stats.drop_rest(self._arrived)
        self._inference.publish_status()

    def _on_windows(self, message) -> None:
        self.receive(keys.PORT_WINDOWS, message)

    def _job(self, message) -> Job:
        try:
            window = read_window(message, self._spec)
        except Exception as error:  # a foreign message can hold anything
            return Job(None, problem=one_line(error))
        return Job(window, window.kind)

    # On the threads of the model

    def _compute(self, jobs: list[Job]) -> list[Classified]:
        return classify_windows(
            self._bundle, [job.payload for job in jobs], self._inference.max_batch
        )

    def _publish_all(self, jobs: list[Job], answers: list[Classified] | None, is_live) -> None:
        if answers is None:
            self._inference.fail(jobs[0].problem)
            return
        for job, answer in zip(jobs, answers, strict=True):
            if not is_live():
                return
            if answer.problem:
                self._inference.fail(answer.problem)
                continue
            try:
                self._publish(job, self._decider.decide(answer.probabilities, job.payload))
            except Exception as error:
                self._inference.fail(f"its message could not be sent: {one_line(error)}")

    def _publish(self, job: Job, activity: Activity) -> None:
        latency = time.monotonic() - job.arrived
        message = {
            **activity_fields(activity),
            keys.RX_TIME: rx_time(activity.start_ns),
            keys.MODEL: self._bundle.info.name,
            keys.LATENCY: latency,
            keys.DROPPED: self._stats.dropped,
        }
        self.publish(keys.PORT_ACTIVITY, to_pmt(message))
        self._publish_motion(self._states.take(activity))
        self._stats.done(latency)

    def _publish_motion(self, changes: list[MotionChange]) -> None:
        for change in changes:
            self.publish(keys.PORT_MOTION, to_pmt(motion_fields(change)))

    def _on_idle(self) -> None:
        # the stream may have ended meanwhile
        if self._done:
            self.look_again()

    def _warm_up(self) -> None:
        self._inference.warm_up(self._bundle.info.path, self._bundle.answer_empty)
