# SPDX-License-Identifier: GPL-3.0-or-later
"""Section ``segmenter``: the model as the segmenter block runs it, against what the machine can.

The bound is the time that this machine's fastest matrix products take for as many operations, at
the same precision and with all cores. Which are fastest differs between processors: large ones on
all cores at once, or small ones, which stay in a core's cache, on each core alone. The model is
called as the block calls it: on as many threads as the block has, each call on one core. The eager
model runs on all cores at once, which is what PyTorch does when it is not told otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from gnuradio.radiofm.runtime.block_inference import use_one_core, usual_threads
from gnuradio.radiofm.runtime.frame_batch import segment_frames

from radiofm_core import keys
from radiofm_core.spectrum.model import SegmentationModel
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

from .eager import EagerModel
from .effort import Effort
from .results import Section, alternate, ratios
from .scene import FRAMES, make_samples

SAMPLE_RATE = 61.44e6
# Most frames in a call, as the block has it by default
BATCH = 8
# Rows and columns of matrices that stay in a core's cache
SMALL_PRODUCTS = (256, 512, 1024)


def measure_segmenter(model: SegmentationModel, effort: Effort) -> Section:
    """The section's figures.

    ``fps``: frames a second with BATCH of them waiting, shared among the threads; ``fps_single``:
    one in a call, on each thread.
    ``eager_fp32_fps``: of the same model, operation by operation in fp32, BATCH in a call.
    ``gflop_per_frame``: of matrix products and convolutions; ``gemm_gflops``: 10^9 operations a
    second of the fastest products. ``ratio_to_gemm_bound``: the time that these two give for
    a frame, over the time of a frame at ``fps``.
    """
    spec, calls = model.info.spec, effort.model_calls
    meta = frame_fields(spec, SAMPLE_RATE)
    frames = list(scene_frames(spec, SAMPLE_RATE)) * (BATCH // FRAMES)
    eager = EagerModel(model.info)
    batch = np.stack(frames)
    gflop = eager.count_flops(batch[:1], meta) / 1e9
    threads = usual_threads() if model.device == "cpu" else 1
    each = -(-BATCH // threads)
    with (
        ThreadPoolExecutor(threads, initializer=use_one_core) as pool,
        ThreadPoolExecutor(1) as all_cores,
    ):

        def fps(together: int, calls: int) -> float:
            def run(_) -> None:
                for _ in range(calls):
                    segment_frames(model, frames[:together], [meta] * together)

            begin = time.perf_counter()
            list(pool.map(run, range(threads)))
            return threads * calls * together / (time.perf_counter() - begin)

        def eager_fps() -> float:
            begin = time.perf_counter()
            eager.segment(batch, meta)
            return BATCH / (time.perf_counter() - begin)

        large = _product_of(model, effort.gemm_size, 1)
        small = [
            _product_of(model, size, max(1, effort.gemm_size // size)) for size in SMALL_PRODUCTS
        ]

        def gflops() -> float:
            alone = [sum(pool.map(_called, [product] * threads)) for product in small]
            return max(all_cores.submit(large).result(), *alone)

        cases = {
            "fps": lambda: fps(each, calls),
            "fps_single": lambda: fps(1, each * calls),
            "gemm_gflops": gflops,
            "eager_fp32_fps": lambda: all_cores.submit(eager_fps).result(),
        }
        alternate(cases, 1)  # the first calls set things up
        found = alternate(cases, effort.repetitions)
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


def _called(case: Callable[[], float]) -> float:
    return case()


def _product_of(model: SegmentationModel, size: int, times: int) -> Callable[[], float]:
    """A case that multiplies two matrices as the model would, ``times`` times one after the other;
    10^9 operations a second."""
    dtype = torch.bfloat16 if model.precision == "bf16" else torch.float32
    draw = torch.Generator().manual_seed(1)
    a, b = (torch.randn(size, size, generator=draw).to(model.device, dtype) for _ in range(2))

    def multiply() -> float:
        out = torch.empty_like(a)
        begin = time.perf_counter()
        for _ in range(times):
            torch.mm(a, b, out=out)
        out[0, 0].item()  # on a GPU: until it is there
        return times * 2 * size**3 / (time.perf_counter() - begin) / 1e9

    return multiply
