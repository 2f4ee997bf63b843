# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm segment``: recordings in; annotations, JSON lines, mask and picture out."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from radiofm_core import keys
from radiofm_core.bundle import TASK_SEGMENTATION, BundleInfo, read_bundle_info
from radiofm_core.errors import InputError, RadiofmError, UsageError
from radiofm_core.outputs.paths import result_paths
from radiofm_core.spectrum.recordings import Recording, find_files, open_recording
from radiofm_core.spectrum.sample_data import DATATYPES

from ..blocks import import_flowgraphs, make_segmenter
from ..console import Stopped, StopRequest, add_model_options, hertz, rate, seconds, stop_on_signal
from ..emission_table import emission_table, recording_line
from ..inputs import add_output_options, distinct_inputs, work_through
from ..progress import Progress

HELP = "segment recordings"
DESCRIPTION = (
    "Segment recordings. Each INPUT gets four files in DIR: <stem>.sigmf-meta (SigMF "
    "annotations), <stem>.png (picture), <stem>.jsonl (one emission per line) and "
    "<stem>.mask.npz (class of every pixel)."
)
TABLE_ROWS = 20
POLL_S = 0.1
# After a stop the flowgraph ends within this, or it is left behind (s)
STOP_GRACE_S = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="SigMF pair (either file, or their stem) or raw file of samples",
    )
    add_output_options(parser)
    group = parser.add_argument_group("recording (needed for raw files, overrides SigMF)")
    group.add_argument("--sample-rate", type=rate, metavar="HZ", help="such as 19.2e6 or 19.2M")
    group.add_argument("--center-frequency", type=hertz, metavar="HZ", help="default 0")
    group.add_argument("--datatype", metavar="TYPE", help=", ".join(DATATYPES))
    parser.add_argument(
        "--frame-duration",
        type=seconds,
        metavar="S",
        help="length of a frame (default: 20 ms, down to 5 ms for short recordings)",
    )
    add_model_options(parser)


def run(options: argparse.Namespace) -> int:
    """Segment each input; one that fails does not keep the others from being done."""
    with stop_on_signal() as stop:
        info = read_bundle_info(options.model, TASK_SEGMENTATION)
        inputs = distinct_inputs(options.inputs, lambda path: _described(path, Path(options.out)))
        session = _Session(options, info, stop)
        return work_through(inputs, session.segment, stop)


def _described(path: Path, folder: Path) -> tuple[Path, Path]:
    """(the description, or the raw file, that a path stands for; its annotations in ``folder``)."""
    try:
        meta_path, data_path = find_files(path)
    except (InputError, OSError):
        meta_path, data_path = None, path  # told when it is opened
    file = meta_path or data_path
    return file, result_paths(folder, file.stem)["sigmf"]


class _Session:
    """One run of the command: the segmenter is made once, for all recordings."""

    def __init__(self, options: argparse.Namespace, info: BundleInfo, stop: StopRequest):
        self._options = options
        self._info = info
        self._stop = stop
        self._segmenter = None

    def segment(self, path: str) -> None:
        """Segment one recording and print what was found."""
        # Until the flowgraph runs there is nothing to save: a stop ends the command there
        self._stop.armed = False
        options = self._options
        recording = open_recording(
            path, options.sample_rate, options.center_frequency, options.datatype
        )
        frame_duration = options.frame_duration or recording.suitable_frame_duration
        _check_length(recording, self._info, frame_duration)
        with self._stop.held():
            # Here, because it imports matplotlib, which takes a second
            from radiofm_core.outputs.results import RecordingResults

        results = RecordingResults(Path(options.out), recording, self._info, options.overwrite)
        try:
            self._make_segmenter()
            problem = self._run(recording, results, frame_duration)
            interrupted = self._stop.requested
            failed = _failure(results, recording, interrupted, problem)
            if not results.frames:
                raise failed or Stopped
            paths = results.finish(complete=not (interrupted or failed))
            self._print(recording, results, paths)
        finally:
            results.discard()
        if failed:
            raise failed

    def _make_segmenter(self) -> None:
        if self._segmenter is None:
            self._segmenter = make_segmenter(self._info, self._options, "wait", self._stop)

    def _run(self, recording, results, frame_duration) -> RadiofmError | None:
        """Run the flowgraph to its end or to Ctrl-C; what went wrong on the way, or None."""
        progress = Progress(recording.stem, "signal", recording.duration)
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
                progress.seen(end / recording.sample_rate)

        flowgraph = import_flowgraphs().SegmentFlowgraph(
            recording, self._segmenter, take, frame_duration
        )
        self._stop.armed = True
        try:
            flowgraph.launch()
            try:
                while not flowgraph.ended(POLL_S):
                    progress.show()
                    if self._stop.requested or flowgraph.sink.error:
                        break
            finally:
                flowgraph.halt(STOP_GRACE_S)
            progress.show()
            return _problem(flowgraph, status)
        finally:
            progress.close()
            flowgraph.close()

    def _print(self, recording: Recording, results, paths: dict) -> None:
        print(recording_line(recording, results.frames))
        shown = results.prominent(TABLE_ROWS)
        for line in emission_table(shown, recording, self._info, results.emissions):
            print(line)
        if self._stop.requested:
            print("  stopped: results so far are written, marked as incomplete")
        folder = paths["picture"].parent
        names = ", ".join(path.name for path in paths.values())
        print(f"  written to {folder}: {names}\n", flush=True)


def _check_length(recording: Recording, info: BundleInfo, frame_duration: float) -> None:
    """Refuse what is shorter than one row, or outside the model's sample rates."""
    spec = info.spec
    try:
        hops = spec.hops_per_row(recording.sample_rate, frame_duration)
    except UsageError as error:
        raise InputError(f"{recording.meta_path or recording.data_path}: {error}") from error
    least = max(spec.row_samples(hops), spec.fft_size)
    if recording.num_samples < least:
        raise InputError(
            f"{recording.data_path} holds {recording.num_samples} samples, one row of the "
            f"spectrogram needs {least}; record longer"
        )


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
        return RadiofmError(f"{recording.data_path}: no frame came out of the flowgraph")
    if results.dropped:
        return RadiofmError(
            f"{recording.data_path}: {results.dropped} of {results.next_index} frames have no mask"
        )
    return None
