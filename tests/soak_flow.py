# SPDX-License-Identifier: GPL-3.0-or-later
"""What a soak runs, in a process of its own: ``python -m tests.soak_flow FOLDER``.

Two flowgraphs with the default models under full load: a recording that is played for ever, held
up by nothing but the model (two carriers at 19.2 MS/s, so that there are emissions to track), and
a file of CSI again and again, each time a start and an end of the same flowgraph. Once a second a
line of JSON tells how far they are, until standard input is closed.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from gnuradio import gr, radiofm

from radiofm_core import keys
from radiofm_core.spectrum.spec import SpectrogramSpec

# `python -m tests.soak_flow` finds its neighbours here, pytest by itself
sys.path.insert(0, str(Path(__file__).parent))
import long_run
from csi_room import Receiver, Room
from csi_walk import write_npz

PASS_FRAMES = 45
CSI_SECONDS = 20.0
CSI_PAUSE_S = 1.0
REPORT_S = 1.0
FRAME_SAMPLES = SpectrogramSpec().frame_samples(SpectrogramSpec().hops_per_row(long_run.RATE))


@dataclass
class Report:
    """How far a soak is.

    ``lost``: frames without a mask, or not where they must begin; ``lost_windows``: answers that
    a run of the CSI file did not give, or gave too many; ``problem``: what a block reported.
    """

    frames: int = 0
    lost: int = 0
    p99_ms: float = 0.0
    emissions: int = 0
    windows: int = 0
    lost_windows: int = 0
    runs: int = 0
    threads: int = 0
    files: int = 0
    problem: str = ""


def first_sample(index: int) -> int:
    """Where a frame begins: after each pass of the recording comes one sample that marks it."""
    return index * FRAME_SAMPLES + index // PASS_FRAMES


class RadioFlow(gr.top_block):
    """Recording, for ever -> framer -> segmenter -> tracker -> a count of all that comes."""

    def __init__(self, recording: Path, report: Report):
        gr.top_block.__init__(self, "soak", catch_exceptions=True)
        self._report = report
        self._next_index = 0
        self.source = radiofm.recording_source(recording, repeat=True)
        self.framer = radiofm.spectrogram_framer(long_run.RATE)
        self.segmenter = radiofm.spectrogram_segmenter()
        self.tracker = radiofm.emission_tracker()
        self.sink = radiofm.result_sink(self._take, ["masks", "emissions", "status"])
        self.segmenter.set_backpressure(self.sink.backlog, 64)
        self.connect(self.source, self.framer, self.segmenter)
        for sender, port, receiver in (
            (self.segmenter, keys.PORT_DETECTIONS, self.tracker),
            (self.segmenter, keys.PORT_MASKS, self.sink),
            (self.segmenter, keys.PORT_STATUS, self.sink),
            (self.tracker, keys.PORT_EMISSIONS, self.sink),
        ):
            self.msg_connect((sender, port), (receiver, port))

    def _take(self, port: str, fields: dict, data) -> None:
        report = self._report
        if port == keys.PORT_STATUS:
            report.p99_ms = fields[keys.LATENCY_P99] * 1e3
            report.problem = fields.get(keys.ERROR, report.problem)
        elif port == keys.PORT_EMISSIONS:
            report.emissions += fields[keys.EVENT] == keys.EVENT_START
        else:
            index, offset = fields[keys.FRAME_INDEX], fields[keys.SAMPLE_OFFSET]
            if (index, offset) != (self._next_index, first_sample(self._next_index)):
                report.lost += max(1, index - self._next_index)
            self._next_index = index + 1
            report.frames += 1


class CsiFlow(gr.top_block):
    """A file of CSI -> framer -> classifier -> a count of the answers."""

    def __init__(self, file: Path, report: Report):
        gr.top_block.__init__(self, "soak of CSI", catch_exceptions=True)
        self._report = report
        self._answers = self._expected = 0
        self.source = radiofm.csi_recording_source(file)
        self.classifier = radiofm.activity_classifier()
        self.framer = radiofm.csi_framer(spec=self.classifier.bundle_info.spec)
        self.sink = radiofm.result_sink(self._take, ["activity"])
        for sender, port, receiver in (
            (self.source, keys.PORT_CSI, self.framer),
            (self.framer, keys.PORT_WINDOWS, self.classifier),
            (self.classifier, keys.PORT_ACTIVITY, self.sink),
        ):
            self.msg_connect((sender, port), (receiver, port))

    def _take(self, port: str, fields: dict, data) -> None:
        self._answers += 1

    def run_again(self) -> None:
        """The file once more; it must give as many answers as the first time."""
        self._answers = 0
        self.run()
        self._expected = self._expected or max(self._answers, 1)
        report = self._report
        report.runs += 1
        report.windows += self._answers
        report.lost_windows += abs(self._expected - self._answers)
        report.problem = self.classifier.status().get(keys.ERROR, report.problem)


def make_files(folder: Path) -> tuple[Path, Path]:
    """Whole frames of two carriers, and CSI of somebody who walks: (recording, CSI file)."""
    recording = long_run.make_recording(folder, 1.0)
    os.truncate(recording.with_suffix(".sigmf-data"), 2 * PASS_FRAMES * FRAME_SAMPLES)
    packets = Receiver(loss=0.0).packets(Room(), CSI_SECONDS)
    return recording, write_npz(folder / "walk.npz", packets)


def main() -> None:
    """Run until standard input ends."""
    faulthandler.enable()  # on SIGABRT, a hung process tells where it hangs
    recording, csi_file = make_files(Path(sys.argv[1]))
    report, ended = Report(), threading.Event()
    radio, csi = RadioFlow(recording, report), CsiFlow(csi_file, report)

    def run_csi() -> None:
        while not ended.wait(CSI_PAUSE_S):
            csi.run_again()

    def tell() -> None:
        while not ended.wait(REPORT_S):
            report.threads = len(os.listdir("/proc/self/task"))
            report.files = len(os.listdir("/proc/self/fd"))
            print(json.dumps(asdict(report)), flush=True)

    radio.start()
    workers = [threading.Thread(target=call, daemon=True) for call in (run_csi, tell)]
    for worker in workers:
        worker.start()
    sys.stdin.read()
    begin = time.monotonic()
    ended.set()
    radio.stop()
    radio.wait()
    stop_s = time.monotonic() - begin
    for worker in workers:
        worker.join()
    print(json.dumps({"stop_s": stop_s}), flush=True)


if __name__ == "__main__":
    main()
