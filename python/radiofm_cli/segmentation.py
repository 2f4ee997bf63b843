# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings through a segmenter, one after the other: what `radiofm segment` does with each."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from radiofm_core import keys
from radiofm_core.bundle import BundleInfo
from radiofm_core.errors import InputError, RadiofmError, UsageError
from radiofm_core.outputs.paths import RESULT_KINDS
from radiofm_core.spectrum.recordings import Recording, open_recording

from .blocks import import_flowgraphs, make_segmenter
from .console import Stopped, StopRequest

if TYPE_CHECKING:
    from radiofm_core.outputs.results import RecordingResults

POLL_S = 0.1
# After a stop the flowgraph ends within this, or it is left behind (s)
STOP_GRACE_S = 2.0
# On the threads of a worker: the style of pictures is the process's
_WRITING = threading.Lock()


@dataclass(frozen=True)
class SegmentOptions:
    """The options of `radiofm segment` that say how a recording is segmented; None: as it says
    itself."""

    model: str = "default"
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    min_confidence: float = 0.5
    sample_rate: float | None = None
    center_frequency: float | None = None
    datatype: str | None = None
    frame_duration: float | None = None
    overwrite: bool = False
    outputs: tuple[str, ...] = RESULT_KINDS

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Of all options."""
        return tuple(each.name for each in fields(cls))


class Display(Protocol):
    """Shows how far a recording is."""

    def seen(self, done_s: float) -> None:
        """Note how many seconds of it are done; on any thread."""

    def show(self) -> None:
        """Show it."""


class Segmentation:
    """Segments recordings with one segmenter, which is made for the first of them."""

    def __init__(self, info: BundleInfo, options: SegmentOptions, stop: StopRequest):
        self._info = info
        self._options = options
        self._stop = stop
        self._segmenter = None

    def open(self, path: Path | str) -> Recording:
        """Open a recording; raises InputError where it cannot be used."""
        # Until the flowgraph runs there is nothing to save: a stop ends the command there
        self._stop.armed = False
        options = self._options
        recording = open_recording(
            path, options.sample_rate, options.center_frequency, options.datatype
        )
        self._check_length(recording)
        return recording

    def segment(
        self,
        recording: Recording,
        folder: Path,
        display: Display,
        report: Callable[[RecordingResults], None],
        stem: str = "",
        overwrite: bool = False,
    ) -> None:
        """Segment an opened recording and write its results, also of a part of it.

        Args:
            recording: from :meth:`open`.
            folder: for the results.
            display: of the progress.
            report: called with the results once they are written.
            stem: of the results; empty: the recording's.
            overwrite: whether other results may be replaced, also where the options say no.

        Raises:
            RadiofmError: there are no results, or they are not whole.
            Stopped: there are none yet.
        """
        options = self._options
        with self._stop.held():
            # Here, because it imports matplotlib, which takes a second
            from radiofm_core.outputs.results import RecordingResults

        results = RecordingResults(
            folder,
            recording,
            self._info,
            overwrite or options.overwrite,
            options.outputs,
            stem,
        )
        try:
            if self._segmenter is None:
                self._segmenter = make_segmenter(self._info, options, "wait", self._stop)
            problem = self._run(recording, results, display)
            interrupted = self._stop.requested
            failed = _failure(results, recording, interrupted, problem)
            if not results.frames:
                raise failed or Stopped
            with _WRITING:
                results.finish(complete=not (interrupted or failed))
            report(results)
        finally:
            results.discard()
        if failed:
            raise failed

    def _frame_duration(self, recording: Recording) -> float:
        return self._options.frame_duration or recording.suitable_frame_duration

    def _check_length(self, recording: Recording) -> None:
        """Refuse what is shorter than one row, or outside the model's sample rates."""
        spec = self._info.spec
        try:
            hops = spec.hops_per_row(recording.sample_rate, self._frame_duration(recording))
        except UsageError as error:
            raise InputError(f"{recording.shown}: {error}") from error
        least = max(spec.row_samples(hops), spec.fft_size)
        if recording.num_samples < least:
            raise InputError(
                f"{recording.origin} holds {recording.num_samples} samples, one row of the "
                f"spectrogram needs {least}; record longer"
            )

    def _run(self, recording, results, display: Display) -> RadiofmError | None:
        """Run the flowgraph to its end or to Ctrl-C; what went wrong on the way, or None."""
        status: dict = {}

        def take(port: str, fields: dict, data) -> None:
            if port == keys.PORT_STATUS:
                status.update(fields)
                return
            if port == keys.PORT_EMISSIONS:
                results.add_event(fields)
                return
            shape = (fields[keys.CHANNELS], fields[keys.ROWS], fields[keys.COLS])
            if port == keys.PORT_FRAMES:
                # power comes first; a model's evidence may follow
                results.add_frame(fields, data[: math.prod(shape)].reshape(shape))
            else:
                results.add_mask(fields, data.reshape(shape[1:]))
                end = fields[keys.SAMPLE_OFFSET] + fields[keys.ROWS] * fields[keys.ROW_SAMPLES]
                display.seen(end / recording.sample_rate)

        flowgraph = import_flowgraphs().SegmentFlowgraph(
            recording,
            self._segmenter,
            take,
            self._frame_duration(recording),
            with_frames=results.needs_power,
        )
        self._stop.armed = True
        try:
            flowgraph.launch()
            try:
                while not flowgraph.ended(POLL_S):
                    display.show()
                    if self._stop.requested or flowgraph.sink.error:
                        break
            finally:
                flowgraph.halt(STOP_GRACE_S)
            display.show()
            return _problem(flowgraph, status)
        finally:
            flowgraph.close()


def _problem(flowgraph, status: dict) -> RadiofmError | None:
    """What ended the flowgraph early or kept frames from a result."""
    if isinstance(flowgraph.sink.error, RadiofmError):
        return flowgraph.sink.error
    if flowgraph.sink.error is not None:
        error = flowgraph.sink.error
        return RadiofmError(f"results cannot be taken: {type(error).__name__}: {error}")
    if flowgraph.source.error():
        return InputError(flowgraph.source.error())
    status = {**status, **flowgraph.segmenter.status()}
    if status.get(keys.ERROR):
        return RadiofmError(
            f"{status[keys.FAILED]} frames without a result, last: {status[keys.ERROR]}"
        )
    return None


def _failure(results, recording, interrupted, problem) -> RadiofmError | None:
    if problem is not None:
        if results.frames and isinstance(problem, InputError):
            return InputError(f"{problem}; results up to there are written")
        return problem
    if not results.frames and not interrupted:
        return RadiofmError(f"{recording.origin}: no frame came out of the flowgraph")
    if results.dropped:
        return RadiofmError(
            f"{recording.origin}: {results.dropped} of {results.next_index} frames have no mask"
        )
    return None
