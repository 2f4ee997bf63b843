# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs started and stopped hundreds of times leave no thread, file or memory behind."""

import ctypes
import os
import threading
import time

import numpy as np
import pytest
from activity_flow import ClassifierFlow, numbered
from activity_flow import make_bundle as make_activity_bundle
from framer_flow import RateLimited
from gnuradio import gr, radiofm
from long_run import resident_mb
from segmenter_flow import RATE, FrameSource, SegmenterFlow, band_frame, frame_meta, make_bundle

from radiofm_core import keys

RUNS = 200
SETTLE_RUNS = 50
# What GNU Radio and PyTorch keep of a run is in pools; a run that left one frame behind would make
# it 37 MB
MOST_GROWTH_MB = 20.0


class FramerFlow(gr.top_block):
    """An endless source -> framer -> result sink."""

    def __init__(self):
        gr.top_block.__init__(self, "framer flow")
        self.got = []
        self.source, self.framer = RateLimited(), radiofm.spectrogram_framer(RATE)
        self.sink = radiofm.result_sink(lambda *message: self.got.append(1), ["frames"])
        self.connect(self.source, self.framer)
        self.msg_connect((self.framer, keys.PORT_FRAMES), (self.sink, keys.PORT_FRAMES))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny.pt")


@pytest.fixture(scope="module")
def activity_bundle(tmp_path_factory):
    return make_activity_bundle(tmp_path_factory.mktemp("models") / "obedient.pt")


def left() -> tuple[int, int]:
    """Threads and open files, when these have settled."""
    found = []
    for _ in range(50):
        found.append(
            (
                len(os.listdir("/proc/self/task")),
                len(os.listdir("/proc/self/fd")),
            )
        )
        # what was told to stop ends a moment later
        time.sleep(0.02)
    return min(found)


def memory_mb() -> float:
    """Of this process, without what the allocator has only not given back yet."""
    ctypes.CDLL(None).malloc_trim(0)
    return resident_mb(os.getpid())


def records() -> set[threading.Thread]:
    """Of threads that are not Python's own, which it keeps for ever."""
    return {one for one in threading.enumerate() if isinstance(one, threading._DummyThread)}


def run_often(run) -> None:
    """``run(number)`` many times; what is left must be what was left after the first ones."""
    known = records()
    for number in range(RUNS):
        if number == SETTLE_RUNS:
            before, memory = left(), memory_mb()
        run(number)
    after, growth = left(), memory_mb() - memory
    assert all(now <= then + 2 for now, then in zip(after, before, strict=True)), (before, after)
    assert records() <= known
    assert growth < MOST_GROWTH_MB


def run_segmenter(bundle, overload, flow=None) -> SegmenterFlow:
    if flow is None:
        segmenter = radiofm.spectrogram_segmenter(bundle, threads=1, overload=overload)
        source = FrameSource([band_frame()], [frame_meta(0)], repeat=True)
        flow = SegmenterFlow(source, segmenter)
    flow.results.got.clear()
    flow.start()
    while not flow.results.got.get(keys.PORT_MASKS):
        time.sleep(0.001)
    flow.stop()
    flow.wait()
    return flow


@pytest.mark.parametrize("overload", ["wait", "drop"])
def test_one_flowgraph_started_and_stopped_again_and_again(bundle, one_thread, overload):
    flow = run_segmenter(bundle, overload)
    run_often(lambda _: run_segmenter(bundle, overload, flow))


def test_a_new_flowgraph_each_time(bundle, one_thread):
    run_often(lambda _: run_segmenter(bundle, "wait"))


def test_a_flowgraph_of_messages_again_and_again(activity_bundle, one_thread):
    flow = ClassifierFlow(numbered(3), radiofm.activity_classifier(activity_bundle, threads=1))

    def run(_):
        flow.results.got.clear()
        flow.run()
        assert flow.numbers == [0, 1, 2]

    run_often(run)


def test_a_live_framer_stopped_at_any_moment():
    flow = FramerFlow()
    rng = np.random.default_rng(0)

    def run(_):
        flow.start()
        time.sleep(rng.uniform(0, 0.02))
        flow.stop()
        flow.wait()

    run_often(run)
