# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny real bundles and frame streams for the tests of the segmenter and tracker blocks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pmt
import torch
from gnuradio import gr, radiofm
from gnuradio.radiofm.pmts.messages import to_pmt
from torch import nn

from radiofm_core import keys
from radiofm_core.bundle import TASK_SEGMENTATION
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.engine.bundle_file import export_bundle
from training.segmentation.classes import DEFAULT

SPEC = SpectrogramSpec()
RATE = 19.2e6
FLOOR_DB = -100.0
# A pixel (0, 0) above 0 dB is an order to the tiny model, not power
ORDER_RAISE = 100.0
ORDER_NAN = 200.0
ORDER_LONG = 300.0


# An operator that TorchScript models of this process can call: takes time, but no CPU
_operators = torch.library.Library("radiofm_test", "DEF")
_operators.define("pause(Tensor x, float seconds) -> Tensor")


def _pause(x, seconds):
    time.sleep(seconds)
    return x.clone()


_operators.impl("pause", _pause, "CPU")


class TinySegmenter(nn.Module):
    """Pixels above -60 dB are lte, above -30 dB nr; obeys orders.

    Each call takes ``pause`` seconds; one with ORDER_LONG, ``work`` matrix products.
    """

    def __init__(self, pause: float = 0.0, work: int = 0):
        super().__init__()
        self.pause = pause
        self.work = work
        self.weight = nn.Parameter(torch.eye(256))

    def forward(self, x: torch.Tensor, resolution: torch.Tensor):
        power = x[:, 0].float()
        order = power[:, 0, 0]
        if bool((order == 100.0).any()):
            raise RuntimeError("ordered to raise")
        load = self.weight
        if bool((order == 300.0).any()):
            for _ in range(self.work):
                load = load @ self.weight
        if self.pause > 0.0:
            power = torch.ops.radiofm_test.pause(power, self.pause)
        mask = (power > -60.0).to(torch.uint8) + (power > -30.0).to(torch.uint8)
        confidence = torch.full_like(power, 0.9) * load[0, 0].float()
        confidence[order == 200.0, 0, 0] = float("nan")
        return mask, confidence


def make_bundle(path, pause: float = 0.0, work_s: float = 0.0):
    """A bundle of TinySegmenter; ORDER_LONG takes about ``work_s`` seconds of one CPU's time."""
    work = round(work_s / product_seconds()) if work_s else 0
    return str(
        export_bundle(
            path,
            TinySegmenter(pause, work),
            SPEC,
            "tiny",
            {},
            "none",
            {},
            TASK_SEGMENTATION,
            DEFAULT.infos,
        )
    )


@cache
def product_seconds() -> float:
    """CPU seconds of one product, at the machine's best: other loads must not count."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    weight = torch.eye(256)
    load, best = weight, 1.0
    for _ in range(5):
        begin = time.thread_time()
        for _ in range(40):
            load = load @ weight
        best = min(best, (time.thread_time() - begin) / 40)
    torch.set_num_threads(threads)
    return best


def frame_meta(index: int, rate: float = RATE, rows: int = SPEC.rows, **changes) -> dict:
    """The dict of frame ``index`` of a stream without cuts."""
    hops = SPEC.hops_per_row(rate)
    row_samples = SPEC.row_samples(hops)
    offset = index * SPEC.frame_samples(hops)
    seconds, rest = divmod(offset, int(rate))
    return {
        keys.ROWS: rows,
        keys.COLS: SPEC.cols,
        keys.CHANNELS: len(SPEC.channels),
        keys.FRAME_INDEX: index,
        keys.SAMPLE_OFFSET: offset,
        keys.SAMPLE_RATE: rate,
        keys.CENTER_FREQUENCY: 1.8e9,
        keys.RX_TIME: (seconds, rest / rate),
        keys.ROW_DURATION: row_samples / rate,
        keys.ROW_SAMPLES: row_samples,
        keys.SPEC: SPEC.fingerprint,
        keys.LAST: False,
        **changes,
    }


def band_frame(rows=slice(None), cols=slice(64, 192), level_db: float = -40.0) -> np.ndarray:
    """A frame at the floor with one band at ``level_db``: float32 (rows, cols)."""
    frame = np.full((SPEC.rows, SPEC.cols), FLOOR_DB, np.float32)
    frame[rows, cols] = level_db
    return frame


def order_frame(order: float) -> np.ndarray:
    """A frame that makes TinySegmenter fail."""
    frame = band_frame()
    frame[0, 0] = order
    return frame


@dataclass
class Results:
    """What came out of a flowgraph, by port, with the wall-clock time of arrival."""

    got: dict[str, list] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)

    def __call__(self, port, fields, data):
        self.got.setdefault(port, []).append((fields, data))
        self.times.setdefault(port, []).append(time.monotonic())

    def fields(self, port: str) -> list[dict]:
        """The dicts of one port's messages."""
        return [fields for fields, _ in self.got.get(port, [])]

    def indexes(self, port: str = keys.PORT_MASKS) -> list[int]:
        """The frame indexes in one port's messages."""
        return [fields[keys.FRAME_INDEX] for fields in self.fields(port)]


class FrameSource(gr.sync_block):
    """A source of tagged frames, frame ``i`` being number ``i % len(frames)`` of the list.

    ``metas`` holds one dict a frame, or None for a frame without a tag; ``rate`` (frames a
    second) paces the source as a receiver does, late or not; 0 leaves it to the buffers.
    """

    def __init__(self, frames, metas, rate: float = 0.0, repeat: bool = False):
        shape = (np.float32, SPEC.frame_floats)
        gr.sync_block.__init__(self, "frames", in_sig=None, out_sig=[shape])
        self.set_min_output_buffer(0, 16)
        self.set_max_noutput_items(1)
        self._frames, self._metas, self._rate = frames, metas, rate
        self._repeat = repeat
        self._begin = None

    def work(self, input_items, output_items):
        index = self.nitems_written(0)
        if index >= len(self._metas) and not self._repeat:
            return -1
        if self._rate:
            self._begin = self._begin or time.monotonic()
            time.sleep(max(0.0, self._begin + index / self._rate - time.monotonic()))
        output_items[0][0] = self._frames[index % len(self._frames)].ravel()
        meta = self._metas[index % len(self._metas)]
        if meta is not None:
            self.add_item_tag(0, index, pmt.intern(keys.TAG_FRAME), to_pmt(meta))
        return 1


class SegmenterFlow(gr.top_block):
    """source -> segmenter (-> tracker) -> result sink."""

    def __init__(self, source, segmenter, callback=None):
        gr.top_block.__init__(self, "segmenter flow")
        self.results = callback or Results()
        # GNU Radio keeps only the C++ half of a Python block alive
        self.source, self.segmenter = source, segmenter
        self.tracker = radiofm.emission_tracker()
        self.sink = radiofm.result_sink(
            self.results, ["masks", "detections", "status", "emissions"]
        )
        self.connect(source, segmenter)
        for port in (keys.PORT_MASKS, keys.PORT_DETECTIONS, keys.PORT_STATUS):
            self.msg_connect((segmenter, port), (self.sink, port))
        self.msg_connect((segmenter, keys.PORT_DETECTIONS), (self.tracker, keys.PORT_DETECTIONS))
        self.msg_connect((self.tracker, keys.PORT_EMISSIONS), (self.sink, keys.PORT_EMISSIONS))


def run_frames(bundle, frames, metas, **options) -> SegmenterFlow:
    """Run ``frames`` through a segmenter to the end of the stream; returns the flowgraph."""
    flow = SegmenterFlow(
        FrameSource(frames, metas), radiofm.spectrogram_segmenter(bundle, **options)
    )
    flow.run()
    return flow
