# SPDX-License-Identifier: GPL-3.0-or-later
"""Section ``end_to_end``: recording -> framer -> segmenter -> tracker from memory, lossless.

The recording is a file that was just written, so it lies in the system's memory. Every sample is
looked at: as many frames come out as there are in it. Wall-clock time from the flowgraph's start
to its end.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from gnuradio import gr
from gnuradio.radiofm.blocks.recording_source import recording_source
from gnuradio.radiofm.blocks.spectrogram_segmenter import spectrogram_segmenter
from gnuradio.radiofm.flowgraphs import SegmentFlowgraph

from radiofm_core import keys
from radiofm_core.errors import RadiofmError
from radiofm_core.spectrum.recordings import Recording

from .eager import EagerModel
from .effort import Effort
from .framer import gnuradio_chain
from .naive import naive_segmenter
from .results import Section, alternate, ratios
from .scene import FRAMES, write_scene
from .segmenter import frame_fields

SAMPLE_RATE = 61.44e6
NAIVE_SHARE = 8


def measure_end_to_end(segmenter: spectrogram_segmenter, effort: Effort, folder: Path) -> Section:
    """The section's figures.

    ``msps``: millions of samples a second; ``frames_in``, ``frames_out``: of one run.
    ``naive_msps``: of :mod:`.naive` with the same source, on an eighth of the frames.

    Args:
        segmenter: with ``overload="wait"``.
        effort: how long.
        folder: where the recording is written.
    """
    spec = segmenter.bundle_info.spec
    repeats = -(-effort.frames // FRAMES)
    recording = write_scene(folder, SAMPLE_RATE, spec, repeats)
    frame_samples = spec.frame_samples(spec.hops_per_row(SAMPLE_RATE))
    frames = recording.num_samples // frame_samples
    naive_part = replace(recording, num_samples=max(1, frames // NAIVE_SHARE) * frame_samples)
    eager = EagerModel(segmenter.bundle_info)
    found = alternate(
        {
            "msps": lambda: _whole_path(recording, segmenter, frames),
            "naive_msps": lambda: _naive(naive_part, segmenter, eager),
        },
        effort.repetitions,
    )
    section = Section()
    for name, values in found.items():
        section.add_median(name, values)
    section.add_median("ratio_to_naive", ratios(found["msps"], found["naive_msps"]))
    section.add("frames_in", frames)
    section.add("frames_out", frames)  # or _whole_path would have raised
    return section


def _whole_path(recording: Recording, segmenter: spectrogram_segmenter, frames: int) -> float:
    """MS/s; raises RadiofmError where frames are lost."""
    last = {}

    def take(port: str, fields: dict, data) -> None:
        if port == keys.PORT_STATUS:
            last.update(fields)

    flowgraph = SegmentFlowgraph(recording, segmenter, take)
    begin = time.perf_counter()
    flowgraph.launch()
    while not flowgraph.ended(60.0):
        pass
    seconds = time.perf_counter() - begin
    flowgraph.close()
    if last.get(keys.FRAMES) != frames:
        raise RadiofmError(f"{last.get(keys.FRAMES, 0)} of {frames} frames were segmented: {last}")
    return recording.num_samples / seconds / 1e6


def _naive(recording: Recording, segmenter: spectrogram_segmenter, eager: EagerModel) -> float:
    spec = segmenter.bundle_info.spec
    # FFTs that do not overlap: half as many
    vectors = spec.hops_per_row(SAMPLE_RATE) * spec.hop // spec.fft_size
    sink = naive_segmenter(eager, spec, frame_fields(spec, SAMPLE_RATE), vectors)
    top = gr.top_block()
    top.connect(recording_source(recording), *gnuradio_chain(spec.fft_size), sink)
    begin = time.perf_counter()
    top.run()
    seconds = time.perf_counter() - begin
    samples = len(sink.masks) * spec.rows * vectors * spec.fft_size
    if samples != recording.num_samples:
        raise RadiofmError(f"the naive path took {samples} of {recording.num_samples} samples")
    return samples / seconds / 1e6
