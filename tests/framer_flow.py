# SPDX-License-Identifier: GPL-3.0-or-later
"""Real flowgraphs around the framer and the recording source, for their tests."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pmt
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm.runtime.frame_batch import split_frame

from radiofm_core import keys
from radiofm_core.spectrum.spec import SpectrogramSpec

SPEC = SpectrogramSpec()
PEAK_SPEC = SpectrogramSpec(channels=("mean", "peak"))


@dataclass
class Frame:
    """One output item: ``pixels`` (channels, 256, 256) in dB, ``info`` its tag's dict, and the
    ``evidence`` (lags, 2, cell rows, 32) of a spec with lags."""

    pixels: np.ndarray
    info: dict
    evidence: np.ndarray | None = None


def noise(samples: int, seed: int = 1, power_db: float = -20.0) -> np.ndarray:
    """Complex white Gaussian noise, complex64 (samples,)."""
    rng = np.random.default_rng(seed)
    pair = rng.standard_normal((samples, 2), dtype=np.float32)
    return pair.view(np.complex64)[:, 0] * np.float32(np.sqrt(0.5 * 10 ** (power_db / 10)))


def time_value(seconds: int, fraction: float):
    """An rx_time tag's value."""
    return pmt.make_tuple(pmt.from_uint64(seconds), pmt.from_double(fraction))


def tag(offset: int, key: str, value) -> gr.tag_t:
    """A stream tag; numbers become doubles."""
    made = gr.tag_t()
    made.offset = offset
    made.key = pmt.intern(key)
    made.value = pmt.from_double(value) if isinstance(value, (int, float)) else value
    return made


def end_tag(offset: int) -> gr.tag_t:
    """The tag that ends a recording."""
    return tag(offset, keys.TAG_END, pmt.PMT_T)


def collect(source, framer, spec: SpectrogramSpec = SPEC, chunk: int | None = None):
    """Run source -> framer -> sink to its end; returns the frames.

    ``chunk`` limits how many samples the framer gets at once.
    """
    top = gr.top_block()
    sink = blocks.vector_sink_f(spec.frame_floats)
    if chunk:
        copy = blocks.copy(gr.sizeof_gr_complex)
        copy.set_max_output_buffer(2 * chunk)
        copy.set_max_noutput_items(chunk)
        top.connect(source, copy, framer)
    else:
        top.connect(source, framer)
    top.connect(framer, sink)
    top.run()
    vectors = np.array(sink.data(), dtype=np.float32).reshape(-1, spec.frame_floats)
    tags = sorted(sink.tags(), key=lambda t: t.offset)
    assert [t.offset for t in tags] == list(range(len(vectors)))
    assert {pmt.symbol_to_string(t.key) for t in tags} <= {keys.TAG_FRAME}
    return [
        Frame(power, pmt.to_python(t.value), evidence)
        for (power, evidence), t in zip((split_frame(v, spec) for v in vectors), tags, strict=True)
    ]


def frames_of(
    samples, rate: float, tags=(), spec: SpectrogramSpec = SPEC, chunk: int | None = None, **options
):
    """(frames, framer) of a run over samples with tags."""
    framer = radiofm.spectrogram_framer(rate, spec=spec, **options)
    source = blocks.vector_source_c(samples, False, 1, list(tags))
    return collect(source, framer, spec, chunk), framer


def sizes(rate: float, frame_duration: float = 20e-3) -> tuple[int, int, int]:
    """(hops per row, samples per row, samples per frame)."""
    hops = SPEC.hops_per_row(rate, frame_duration)
    return hops, SPEC.row_samples(hops), SPEC.frame_samples(hops)


class Halting(gr.sync_block):
    """Samples and tags, halting at each of ``halts`` until ``go_on()`` or for a moment.

    What comes before a halt is taken by the next block before what comes after it.
    """

    def __init__(self, samples: np.ndarray, tags, halts, go_on, most_s: float = 0.1):
        super().__init__("halting", None, [np.complex64])
        self._samples, self._tags = samples, list(tags)
        self._halts, self._go_on, self._most_s = sorted({*halts, len(samples)}), go_on, most_s

    def work(self, input_items, output_items):
        begin = self.nitems_written(0)
        if begin == len(self._samples):
            return -1
        if begin in self._halts:
            deadline = time.monotonic() + self._most_s
            while not self._go_on() and time.monotonic() < deadline:
                time.sleep(0.001)
        n = min(len(output_items[0]), min(h for h in self._halts if h > begin) - begin)
        output_items[0][:n] = self._samples[begin : begin + n]
        for one in self._tags:
            if begin <= one.offset < begin + n:
                self.add_item_tag(0, one.offset, one.key, one.value)
        return n


class RateLimited(gr.sync_block):
    """Endless zeros, a few at a time: a live source that never ends."""

    def __init__(self):
        super().__init__("rate_limited", None, [np.complex64])

    def work(self, input_items, output_items):
        output_items[0][:] = 0
        return min(len(output_items[0]), 1024)
