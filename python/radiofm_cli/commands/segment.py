# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm segment``: recordings in; annotations, JSON lines, mask and picture out."""

from __future__ import annotations

import argparse
from pathlib import Path

from radiofm_core.bundle import TASK_SEGMENTATION, BundleInfo, read_bundle_info
from radiofm_core.errors import InputError
from radiofm_core.outputs.paths import RESULT_KINDS, result_paths
from radiofm_core.spectrum.datatypes import DATATYPES
from radiofm_core.spectrum.recordings import find_files, recording_stem, recordings_in

from ..archive.options import add_archive_options, is_archive
from ..archive.run import segment_archive
from ..console import StopRequest, add_model_options, hertz, rate, seconds, stop_on_signal
from ..emission_table import emission_table, recording_line
from ..inputs import add_output_options, distinct_inputs, work_through
from ..progress import Progress
from ..recording_notes import receive, tell_notes
from ..segmentation import Segmentation, SegmentOptions

HELP = "segment recordings"
DESCRIPTION = (
    "Segment recordings. Each gets four files in DIR: <stem>.sigmf-meta (SigMF annotations), "
    "<stem>.png (picture), <stem>.jsonl (one emission per line) and <stem>.mask.npz (class of "
    "every pixel). Of a folder, every recording in it and below it is segmented, but those whose "
    "results are there already; DIR gets the same folders, and a table of all that was found."
)
TABLE_ROWS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a recording: SigMF (either file, their stem, an archive, a collection), WAV of I and "
        "Q, GNU Radio file_meta, raw samples; also compressed; - for standard input; or a folder "
        "of recordings (docs/formats.md)",
    )
    add_output_options(parser)
    parser.add_argument(
        "--outputs",
        type=_outputs,
        default=RESULT_KINDS,
        metavar="KINDS",
        help=f"which files are written, such as jsonl,sigmf (default {','.join(RESULT_KINDS)})",
    )
    group = parser.add_argument_group(
        "recording (needed where no header and no name tells it, overrides what they tell)"
    )
    group.add_argument("--sample-rate", type=rate, metavar="HZ", help="such as 19.2e6 or 19.2M")
    group.add_argument("--center-frequency", type=hertz, metavar="HZ", help="default 0")
    group.add_argument(
        "--datatype",
        metavar="TYPE",
        help=f"{', '.join(DATATYPES)}, or another program's name of it, such as cs16",
    )
    parser.add_argument(
        "--frame-duration",
        type=seconds,
        metavar="S",
        help="length of a frame (default: 20 ms, down to 5 ms for short recordings)",
    )
    add_archive_options(parser)
    add_model_options(parser)


def _outputs(text: str) -> tuple[str, ...]:
    chosen = [word.strip() for word in text.split(",") if word.strip()]
    wrong = [word for word in chosen if word not in RESULT_KINDS]
    if wrong or not chosen:
        known = ", ".join(RESULT_KINDS)
        raise argparse.ArgumentTypeError(f"expected some of {known}, got {text!r}")
    return tuple(kind for kind in RESULT_KINDS if kind in chosen)


def run(options: argparse.Namespace) -> int:
    """Segment each input; one that fails does not keep the others from being done."""
    with stop_on_signal() as stop:
        info = read_bundle_info(options.model, TASK_SEGMENTATION)
        if is_archive(options):
            return segment_archive(options, _segment_options(options), info, stop)
        out = Path(options.out)
        named = [path for given in options.inputs for path in _recordings_in(given)]
        inputs = distinct_inputs(named, lambda path: _described(path, out))
        session = _Session(_segment_options(options), out, info, stop)
        return work_through(inputs, session.segment, stop)


def _recordings_in(given: str) -> list[str]:
    """The recordings of an archive or a collection; one that cannot be read is told when it is
    opened."""
    try:
        return recordings_in(given)
    except InputError:
        return [given]


def _segment_options(options: argparse.Namespace) -> SegmentOptions:
    return SegmentOptions(**{name: getattr(options, name) for name in SegmentOptions.names()})


def _described(path: Path, folder: Path) -> tuple[Path, Path]:
    """(the description, or the file, that a path stands for; its annotations in ``folder``)."""
    try:
        meta_path, data_path = find_files(path)
    except (InputError, OSError):
        meta_path, data_path = None, path  # told when it is opened
    return meta_path or data_path, result_paths(folder, recording_stem(path))["sigmf"]


class _Session:
    """One run of the command over files that were named: each has its table in the terminal."""

    def __init__(self, options: SegmentOptions, out: Path, info: BundleInfo, stop: StopRequest):
        self._out = out
        self._info = info
        self._stop = stop
        self._segmentation = Segmentation(info, options, stop)

    def segment(self, path: str) -> None:
        """Segment one recording and print what was found."""
        receive(path, self._stop)
        recording = self._segmentation.open(path)
        tell_notes(recording)
        progress = Progress(recording.stem, "signal", recording.duration)

        def report(results) -> None:
            progress.close()
            self._print(recording, results)

        try:
            self._segmentation.segment(recording, self._out, progress, report)
        finally:
            progress.close()

    def _print(self, recording, results) -> None:
        print(recording_line(recording, results.frames))
        shown = results.prominent(TABLE_ROWS)
        for line in emission_table(shown, recording, self._info, results.emissions):
            print(line)
        if self._stop.requested:
            print("  stopped: results so far are written, marked as incomplete")
        names = ", ".join(path.name for path in results.paths.values())
        print(f"  written to {self._out}: {names}\n", flush=True)
