# SPDX-License-Identifier: GPL-3.0-or-later
"""Section ``segmenter``: the model as the segmenter block runs it, against what the machine can.

The bound is the time that this machine's matrix products take for as many operations, at the same
precision and with as many threads. All is called as the block calls its model: first on the thread
that makes it, then on another one. That matters: PyTorch's OpenMP threads wait for each other
without sleeping while there are no more of them than cores, which takes seconds a frame where
other programs run beside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from radiofm_core import keys
from radiofm_core.bench.results import Section, alternate, ratios
from radiofm_core.bench.scene import FRAMES, make_samples
from radiofm_core.inference import SegmentationModel
from radiofm_core.spec import SpectrogramSpec
from radiofm_core.spectrogram import spectrogram_db

from ..frame_batch import segment_frames
from .eager import EagerModel
from .effort import Effort

SAMPLE_RATE = 61.44e6
# Most frames in a call, as the block has it by default
BATCH = 8


def measure_segmenter(model: SegmentationModel, effort: Effort) -> Section:
    """The section's figures.

    ``fps``: frames a second, BATCH of them in a call; ``fps_single``: one in a call.
    ``eager_fp32_fps``: of the same model, operation by operation in fp32, BATCH in a call.
    ``gflop_per_frame``: of matrix products and convolutions; ``gemm_gflops``: 10^9 operations a
    second of products of large matrices. ``ratio_to_gemm_bound``: the time that these two give for
    a frame, over the time of a frame at ``fps``.
    """
    spec, calls = model.info.spec, effort.model_calls
    meta = frame_fields(spec, SAMPLE_RATE)
    frames = list(scene_frames(spec, SAMPLE_RATE)) * (BATCH // FRAMES)
    eager = EagerModel(model.info)
    batch = np.stack(frames)
    gflop = eager.count_flops(batch[:1], meta) / 1e9
    segment_frames(model, frames[:1], [meta])
    cases = {
        "fps": lambda: _fps(lambda: segment_frames(model, frames, [meta] * BATCH), calls, BATCH),
        "fps_single": lambda: _fps(lambda: segment_frames(model, frames[:1], [meta]), 4 * calls, 1),
        "gemm_gflops": _product_of(model, effort.gemm_size),
        "eager_fp32_fps": lambda: _fps(lambda: eager.segment(batch, meta), 1, BATCH),
    }
    with ThreadPoolExecutor(1) as worker:
        worker.submit(alternate, cases, 1).result()  # the first calls set things up
        found = worker.submit(alternate, cases, effort.repetitions).result()
    section = Section()
    for name, values in found.items():
        section.add_median(name, values)
    section.add("gflop_per_frame", gflop)
    bound = [gflops / gflop for gflops in found["gemm_gflops"]]
    section.add_median("ratio_to_gemm_bound", ratios(found["fps"], bound))
    section.add_median("speedup_over_eager_fp32", ratios(found["fps"], found["eager_fp32_fps"]))
    return section


def scene_frames(spec: SpectrogramSpec, sample_rate: float) -> np.ndarray:
    """The scene as float32 (FRAMES, channels, rows, cols) in dB."""
    hops = spec.hops_per_row(sample_rate)
    samples = make_samples(sample_rate, FRAMES * spec.frame_samples(hops)).reshape(FRAMES, -1)
    return spectrogram_db(torch.from_numpy(samples), spec, hops).numpy()


def frame_fields(spec: SpectrogramSpec, sample_rate: float) -> dict:
    """What of a whole frame's dict the model is told."""
    duration = spec.resolution(sample_rate, spec.hops_per_row(sample_rate))[1]
    return {
        keys.ROWS: spec.rows,
        keys.COLS: spec.cols,
        keys.SAMPLE_RATE: sample_rate,
        keys.ROW_DURATION: duration,
    }


def _fps(call: Callable[[], object], calls: int, frames: int) -> float:
    """Frames a second of ``calls`` calls with ``frames`` each."""
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return calls * frames / (time.perf_counter() - begin)


def _product_of(model: SegmentationModel, size: int) -> Callable[[], float]:
    """A case that multiplies two matrices as the model would; 10^9 operations a second."""
    dtype = torch.bfloat16 if model.precision == "bf16" else torch.float32
    draw = torch.Generator().manual_seed(1)
    a, b = (torch.randn(size, size, generator=draw).to(model.device, dtype) for _ in range(2))
    out = torch.empty_like(a)

    def multiply() -> float:
        begin = time.perf_counter()
        torch.mm(a, b, out=out)
        out[0, 0].item()  # on a GPU: until it is there
        return 2 * size**3 / (time.perf_counter() - begin) / 1e9

    return multiply
