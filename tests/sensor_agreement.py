# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sensor's coding of frames costs: ``python -m tests.sensor_agreement RECORDING...``.

Each recording goes through the framer; the model judges its frames as they are, and as a server
gets them. It prints a line of a table for each: bytes a second of signal, steps of the power, the
share of pixels whose class stays, of the model's own mask and of the judged one, and the emissions
of both ways, and those that are found in both with the same label and edges within two bins; then
of the ones with a confidence of SURE or more without coding, how many are found with it. At the end
the same of all recordings.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm.runtime.emission_judge import EmissionJudge
from gnuradio.radiofm.runtime.frame_batch import segment_frames, split_frame
from gnuradio.radiofm.runtime.frame_groups import segmented_groups

from radiofm_core import keys
from radiofm_core.inference import load_bundle
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.tracking import EmissionTracker
from radiofm_net.frame_code import POWER_STEP, FrameEncoder, decode_frame

BYTE_RATE = 2e6
MOST_FRAMES = 10
EDGE_BINS = 2.0
SURE = 0.6


@dataclass
class Agreement:
    """Sums over frames, and the emissions of both ways."""

    frames: int = 0
    pixels: int = 0
    same: int = 0
    same_judged: int = 0
    bytes: int = 0
    seconds: float = 0.0
    steps: list[float] = field(default_factory=list)
    exact: list[dict] = field(default_factory=list)
    coded: list[dict] = field(default_factory=list)
    common: int = 0
    sure: int = 0
    sure_common: int = 0

    def add(self, other: Agreement) -> None:
        """The same of another recording."""
        for name in (
            "frames",
            "pixels",
            "same",
            "same_judged",
            "bytes",
            "seconds",
            "common",
            "sure",
            "sure_common",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("steps", "exact", "coded"):
            getattr(self, name).extend(getattr(other, name))

    def line(self, name: str) -> str:
        """Of the table."""
        return (
            f"| {name} | {self.frames} | {self.bytes / self.seconds / 1e6:.2f} | "
            f"{min(self.steps):.2f} – {max(self.steps):.2f} | {self.same / self.pixels:.2%} | "
            f"{self.same_judged / self.pixels:.2%} | {len(self.exact)} / {len(self.coded)} / "
            f"{self.common} | {self.sure} / {self.sure_common} |"
        )


def recorded_frames(path: Path, spec: SpectrogramSpec) -> Iterator[tuple[dict, np.ndarray]]:
    """The frames of a recording as the framer's port ``frames`` has them."""
    recording = open_recording(path)
    found: list[tuple[dict, np.ndarray]] = []
    framer = radiofm.spectrogram_framer(recording.sample_rate, spec=spec)
    sink = radiofm.result_sink(lambda _, fields, data: found.append((fields, data)), ["frames"])
    top = gr.top_block()
    source = radiofm.recording_source(recording)
    head = blocks.head(gr.sizeof_gr_complex, MOST_FRAMES * framer.frame_samples())
    top.connect(source, head, framer)
    top.msg_connect(framer, keys.PORT_FRAMES, sink, keys.PORT_FRAMES)
    top.run()
    yield from found


class Way:
    """From frames to emissions, as segmenter and tracker do it."""

    def __init__(self, model):
        self._model = model
        self._judge = EmissionJudge(model.info.class_names, model.judge)
        self._tracker = EmissionTracker()

    def masks(self, fields: dict, vector: np.ndarray, ended: list[dict]):
        """The model's mask and the judged one; what ends goes into ``ended``."""
        power, evidence = split_frame(vector, self._model.info.spec)
        known = None if evidence is None else [evidence]
        answer = segment_frames(self._model, [power], [fields], known)[0]
        groups = segmented_groups(answer, power, evidence, fields, self._model.info)
        judged, detections = self._judge.decide(groups)
        self._take(self._tracker.process_frame(fields, detections), ended)
        return answer.mask, judged

    def finish(self, ended: list[dict]) -> None:
        """The end of the recording."""
        self._take(self._tracker.finish(), ended)

    @staticmethod
    def _take(events: list[dict], ended: list[dict]) -> None:
        ended += [event for event in events if event[keys.EVENT] == keys.EVENT_END]


def whole_vector(fields: dict, vector: np.ndarray, spec: SpectrogramSpec) -> np.ndarray:
    """A frame of the port ``frames`` as the segmenter's input has it."""
    rows = fields[keys.ROWS]
    whole = np.full(spec.frame_floats, spec.floor_db, np.float32)
    power = whole[: spec.power_floats].reshape(len(spec.channels), spec.rows, spec.cols)
    power[:, :rows] = vector[: rows * power[:, 0].size].reshape(len(power), rows, -1)
    if spec.evidence_lags:
        whole[spec.power_floats :] = np.nan
        cells = -(-rows // spec.row_multiple)
        planes = whole[spec.power_floats :].reshape(
            len(spec.evidence_lags), 2, spec.rows // spec.row_multiple, -1
        )
        planes[:, :, :cells] = vector[rows * power[:, 0].size :].reshape(len(planes), 2, cells, -1)
    return whole


def agreement(path: Path, model, byte_rate: float = BYTE_RATE) -> Agreement:
    """Of a recording's first MOST_FRAMES frames."""
    spec = model.info.spec
    found, encoder = Agreement(), FrameEncoder(spec, byte_rate)
    exact, coded = Way(model), Way(model)
    rate = 0.0
    for fields, vector in recorded_frames(path, spec):
        told, parts = encoder.encode(fields, vector)
        sent = decode_frame(told, parts, spec)
        mask, judged = exact.masks(fields, whole_vector(fields, vector, spec), found.exact)
        mask_sent, judged_sent = coded.masks(fields, sent, found.coded)
        found.frames += 1
        found.pixels += mask.size
        found.same += int((mask == mask_sent).sum())
        found.same_judged += int((judged == judged_sent).sum())
        found.bytes += sum(map(len, parts))
        found.seconds += fields[keys.ROWS] * fields[keys.ROW_DURATION]
        found.steps.append(told[POWER_STEP])
        rate = fields[keys.SAMPLE_RATE]
    exact.finish(found.exact)
    coded.finish(found.coded)
    width = EDGE_BINS * rate / spec.cols
    found.common = _common(found.exact, found.coded, width)
    sure = [event for event in found.exact if event[keys.CONFIDENCE] >= SURE]
    found.sure, found.sure_common = len(sure), _common(sure, found.coded, width)
    return found


def _common(some: list[dict], others: list[dict], width: float) -> int:
    left = list(others)
    for one in some:
        for other in left:
            if one[keys.LABEL] == other[keys.LABEL] and all(
                abs(a - b) <= width for a, b in zip(_edges(one), _edges(other), strict=True)
            ):
                left.remove(other)
                break
    return len(others) - len(left)


def _edges(event: dict) -> tuple[float, float]:
    center, half = event[keys.CENTER_FREQUENCY], event[keys.BANDWIDTH] / 2
    return center - half, center + half


def main(paths: list[str]) -> int:
    """See the module."""
    model = load_bundle()
    print("| recording | frames | MB/s | steps (dB) | mask | judged mask | emissions | sure ones |")
    print("|---|---|---|---|---|---|---|---|")
    total = Agreement()
    for path in paths:
        found = agreement(Path(path), model)
        if found.frames:
            print(found.line(Path(path).name.removesuffix(".sigmf-meta")), flush=True)
            total.add(found)
    print(total.line("all"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
