# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks that only a flowgraph knows live as long as it does, and no longer."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from activity_flow import MessageSource
from csi_room import Receiver, Room
from gnuradio import gr, radiofm
from gnuradio.radiofm.pmts.messages import to_pmt
from level_model import make_level_bundle, two_carriers, write_recording
from motion_model import make_motion_bundle

from radiofm_core import keys

TESTS = Path(__file__).parent
TRIES = 2

# Each function keeps no block; what it connects is collected at every chance that there is
FORGETFUL = """
import gc, sys
sys.path[:0] = [{tests!r}, {root!r}]
from gnuradio import gr, radiofm

def spectrum(top, got):
    source = radiofm.recording_source({recording!r})
    framer = radiofm.spectrogram_framer(1.92e6, model={model!r})
    segmenter = radiofm.spectrogram_segmenter({model!r}, threads=1)
    tracker, sink = radiofm.emission_tracker(), radiofm.result_sink(got, ["emissions"])
    top.connect(source, framer, segmenter)
    top.msg_connect(segmenter, "detections", tracker, "detections")
    top.msg_connect((tracker, "emissions"), (sink, "emissions"))

def csi(top, got):
    source = radiofm.csi_recording_source({csi!r})
    framer, classifier = radiofm.csi_framer(), radiofm.activity_classifier({activity!r}, threads=1)
    sink = radiofm.result_sink(got, ["activity"])
    top.msg_connect((source, "csi"), (framer, "csi"))
    top.msg_connect((framer, "windows"), (classifier, "windows"))
    top.msg_connect((classifier, "activity"), (sink, "activity"))

def within(build):
    class Inner(gr.hier_block2):
        def __init__(self, got):
            gr.hier_block2.__init__(self, "inner", *[gr.io_signature(0, 0, 0)] * 2)
            build(self, got)
    return lambda top, got: top.connect(Inner(got))

def run(build):
    calls = []
    top = gr.top_block("forgetful")
    build(top, lambda *message: calls or calls.append(gc.collect()))
    for _ in range(2):
        gc.collect()
        top.run()
        assert calls

for _ in range({tries}):
    for build in (spectrum, csi, within(spectrum), within(csi)):
        run(build)
print("all ran")
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("held")
    packets = Receiver().packets(Room(), 8.0)
    csi = np.stack([packet.csi[0] for packet in packets])
    times = np.array([packet.time_ns * 1e-9 for packet in packets])
    np.savez(folder / "room.npz", csi=csi, time_s=times)
    made = {
        "recording": write_recording(folder / "two", two_carriers(0.1)),
        "model": make_level_bundle(folder / "level.pt"),
        "csi": folder / "room.npz",
        "activity": make_motion_bundle(folder / "motion.pt"),
    }
    return {name: str(path) for name, path in made.items()}


def test_a_flowgraph_keeps_blocks_that_nobody_else_keeps(files):
    code = FORGETFUL.format(tests=str(TESTS), root=str(TESTS.parent), tries=TRIES, **files)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["all ran"]), done.stderr


def sink() -> radiofm.result_sink:
    return radiofm.result_sink(print, [keys.PORT_EMISSIONS])


def alive(made: list) -> int:
    """How many of the weakly referenced are still there."""
    gc.collect()
    return sum(one() is not None for one in made)


def connect(top: gr.top_block, made: list) -> None:
    """Put two blocks into a flowgraph."""
    tracker, last = radiofm.emission_tracker(), sink()
    top.msg_connect((tracker, keys.PORT_EMISSIONS), (last, keys.PORT_EMISSIONS))
    made += map(weakref.ref, (tracker, last))


def test_blocks_that_were_in_no_flowgraph_do_not_stay(files):
    makers = (
        sink,
        radiofm.emission_tracker,
        radiofm.csi_framer,
        lambda: radiofm.csi_recording_source(files["csi"]),
    )
    assert alive([weakref.ref(make()) for _ in range(50) for make in makers]) == 0
    model = lambda: radiofm.spectrogram_segmenter(files["model"], threads=1)  # noqa: E731
    assert alive([weakref.ref(model()) for _ in range(3)]) == 0


def test_blocks_go_with_their_flowgraph():
    made = []
    for _ in range(50):
        top = gr.top_block("short")
        connect(top, made)
    assert alive(made[-2:]) == 2
    del top
    assert alive(made) == 0


def test_blocks_go_when_they_are_disconnected():
    made, top = [], gr.top_block("emptied")
    connect(top, made)
    tracker, last = (one() for one in made)
    top.msg_disconnect((tracker, keys.PORT_EMISSIONS), (last, keys.PORT_EMISSIONS))
    top.disconnect_all()
    del tracker, last
    assert alive(made) == 0


def test_a_flowgraph_that_has_run_keeps_no_block_beyond_its_end():
    made = []
    for _ in range(5):
        top = gr.top_block("run")
        connect(top, made)
        top.start()
        top.stop()
        top.wait()
        del top
    assert alive(made) == 0


class OwnCallback(gr.top_block):
    """A flowgraph whose own method is called by a block in it."""

    def __init__(self):
        gr.top_block.__init__(self, "own callback")
        self.got = []
        self.source = MessageSource([to_pmt({"a": 1})], port=keys.PORT_STATUS)
        self.sink = radiofm.result_sink(self.take, [keys.PORT_STATUS])
        self.msg_connect((self.source, keys.PORT_STATUS), (self.sink, keys.PORT_STATUS))

    def take(self, port, fields, data):
        self.got.append(fields)


def test_a_callback_of_the_flowgraph_itself_does_not_keep_it():
    top = OwnCallback()
    top.run()
    assert top.got == [{"a": 1}]
    made = [weakref.ref(top), weakref.ref(top.sink)]
    del top
    assert alive(made) == 0
