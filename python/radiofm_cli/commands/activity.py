# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm activity``: files of Wi-Fi CSI in; what went on, as JSON lines and a picture, out."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from radiofm_core.bundle import TASK_ACTIVITY, BundleInfo, read_bundle_info
from radiofm_core.csi.activity import DEFAULT_MIN_CONFIDENCE
from radiofm_core.csi.classify import ActivityClassifier
from radiofm_core.csi.motion_state import HYSTERESIS_DB, MOVING_DB
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.reader import CsiReader, open_csi
from radiofm_core.errors import BundleError, InputError, UsageError
from radiofm_core.outputs.paths import activity_paths

from ..activity_report import activity_table, file_facts, no_answer, notes
from ..config_file import add_config_options
from ..console import (
    Stopped,
    StopRequest,
    add_model_options,
    seconds,
    stop_on_signal,
    whole,
)
from ..event_outputs import add_event_options
from ..inputs import add_output_options, distinct_inputs, work_through
from ..live_activity import classify_live, load_activity_model
from ..progress import Progress

HELP = "classify human activity from Wi-Fi CSI, of files or live"
DESCRIPTION = (
    "Classify the activity of people in a room from files of Wi-Fi CSI. For each INPUT two files "
    "are written to DIR: <stem>.jsonl (one window per line: time, label, confidence, level of "
    "motion) and <stem>.png (picture). Results of a stopped run are marked as incomplete, in the "
    'picture and in the last line ("incomplete": true). With --live: from packets as they come, '
    "to lines and events."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="CSI of an Intel 5300, Atheros, nexmon (.pcap), ESP32 (.csv), PicoScenes, FeitCSI, or "
        ".npz with 'amplitude' or 'csi', (packets, subcarriers[, antennas]), and 'time_s', or a "
        "table of amplitudes (.mat, .csv)",
    )
    add_output_options(parser, required=False)
    parser.add_argument(
        "--live",
        metavar="SOURCE",
        help="classify packets as they come, instead of files: 'nexmon=5500' (datagrams to this "
        "UDP port), 'esp32=/dev/ttyUSB0' (a serial port) or 'file=capture.pcap' (played in real "
        "time); until Ctrl-C",
    )
    parser.add_argument(
        "--duration", type=seconds, metavar="S", help="with --live: stop after this time"
    )
    parser.add_argument(
        "--json", action="store_true", help="with --live: print each answer as one line of JSON"
    )
    parser.add_argument(
        "--moving-db",
        type=float,
        default=MOVING_DB,
        metavar="DB",
        help=f"with --live: level of motion from which on somebody moves (default {MOVING_DB:g}); "
        f"nobody does {HYSTERESIS_DB:g} dB below it",
    )
    parser.add_argument("--mac", help="use this sender's packets only, such as 00:11:22:aa:bb:cc")
    parser.add_argument(
        "--packet-rate",
        type=float,
        metavar="HZ",
        help="packets per second of files without times, such as tables of amplitudes or logs "
        "without a clock; where packets have numbers, missing ones leave their gaps",
    )
    parser.add_argument(
        "--smoothing",
        type=whole,
        default=1,
        metavar="N",
        help="average the probabilities over this many windows, the current one and those before "
        "it (default 1: no smoothing)",
    )
    add_event_options(parser)
    add_model_options(parser, DEFAULT_MIN_CONFIDENCE)
    add_config_options(parser)


def run(options: argparse.Namespace) -> int:
    """Classify each input; one that fails does not keep the others from being done."""
    _check(options)
    with stop_on_signal() as stop:
        info = read_bundle_info(options.model, TASK_ACTIVITY)
        if options.live is not None:
            return classify_live(options, info, stop)
        inputs = distinct_inputs(
            options.inputs,
            lambda path: (path, activity_paths(Path(options.out), path.stem)["jsonl"]),
        )
        session = _Session(options, info, stop)
        return work_through(inputs, session.classify, stop)


def _check(options: argparse.Namespace) -> None:
    if (options.live is None) == (not options.inputs):
        raise UsageError("name files of CSI, or a live source with --live")
    if options.live is not None and options.packet_rate is not None:
        raise UsageError("--packet-rate is for files; a live source's packets have times")
    if options.live is None:
        if options.out is None:
            raise UsageError("--out is missing: name the folder for the results")
        if options.output or options.duration or options.json:
            raise UsageError("--output, --duration and --json are for --live")


class _Session:
    """One run of the command: the model is loaded once, for all files."""

    def __init__(self, options: argparse.Namespace, info: BundleInfo, stop: StopRequest):
        self._options = options
        self._info = info
        self._stop = stop
        self._model = None
        # What kept a file from being read to its end
        self._damage: InputError | None = None

    def classify(self, path: str) -> None:
        """Classify one file and print what went on."""
        # Until there are packets there is nothing to save: a stop ends the command there
        self._stop.armed = False
        options = self._options
        reader = open_csi(path, options.packet_rate)
        with self._stop.held():
            # Here, because it imports matplotlib, which takes a second
            from radiofm_core.outputs.activity_results import ActivityResults

            self._load_model()
        classifier = ActivityClassifier(
            self._model, options.mac, options.smoothing, options.min_confidence
        )
        results = ActivityResults(
            Path(options.out), reader.path, self._info, options.min_confidence, options.overwrite
        )
        try:
            self._run(reader, classifier, results)
            problem = self._damage or classifier.failure()
            if not results.record.count:
                if problem is None and not self._stop.requested:
                    spec = self._info.spec
                    problem = InputError(no_answer(reader, classifier, spec, options.mac))
                raise problem or Stopped
            facts = file_facts(reader, classifier.facts)
            complete = problem is None and not self._stop.requested
            paths = results.finish(facts, complete)
            self._print(reader, classifier, results.record, facts, paths, complete)
        finally:
            results.discard()
        if problem is not None:
            if problem is not self._damage:
                raise BundleError(f"{path}: {problem}; the other results are written")
            raise InputError(f"{problem}; results up to there are written")

    def _load_model(self) -> None:
        if self._model is None:
            self._model = load_activity_model(self._options, self._info)

    def _run(self, reader, classifier, results) -> None:
        """Take all answers, or those until Ctrl-C or damage in the file."""
        progress = Progress(reader.path.stem, "CSI")
        self._stop.armed = True
        try:
            for answer in classifier.answers(self._packets(reader, classifier, progress)):
                results.add(answer)
        finally:
            progress.close()

    def _packets(self, reader: CsiReader, classifier, progress) -> Iterator[CsiPacket]:
        """The file's packets up to its end, to Ctrl-C, or to damage, which is noted."""
        self._damage = None
        try:
            for packet in reader:
                yield packet
                progress.seen(classifier.facts.duration_s)
                progress.show()
                if self._stop.requested:
                    return
        except InputError as error:
            self._damage = error

    def _print(self, reader, classifier, record, facts, paths, complete: bool) -> None:
        print(f"{reader.path.stem}: {', '.join(facts)}")
        for line in activity_table(record, self._info.classes):
            print(line)
        for line in notes(reader, classifier.counts, self._info.spec):
            print(line)
        if self._stop.requested and not complete:
            print("  stopped: results so far are written, marked as incomplete")
        folder = paths["picture"].parent
        names = ", ".join(path.name for path in paths.values())
        print(f"  written to {folder}: {names}\n", flush=True)
