# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole flowgraphs in this process: lossless, one segmenter for many recordings, quick to stop."""

import time

import numpy as np
import pytest
from gnuradio.radiofm.flowgraphs import SegmentFlowgraph, WatchFlowgraph, make_segmenter
from gnuradio.radiofm.live_sources import open_live_source
from level_model import RATE, make_level_bundle, two_carriers, write_recording

from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.recordings import open_recording


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt"))


@pytest.fixture(scope="module")
def segmenter(model):
    return make_segmenter(model=model, threads=1, overload="wait")


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory):
    """Ten seconds with the two carriers."""
    stem = tmp_path_factory.mktemp("recordings") / "long"
    return open_recording(write_recording(stem, np.tile(two_carriers(0.5), 20)))


def run(recording, segmenter) -> dict[str, list]:
    """Messages by port of a whole run."""
    got: dict[str, list] = {"frames": [], "masks": [], "emissions": [], "status": []}
    flowgraph = SegmentFlowgraph(recording, segmenter, lambda port, f, _: got[port].append(f))
    flowgraph.launch()
    assert flowgraph.ended(60)
    flowgraph.close()
    return got


def test_one_segmenter_serves_one_recording_after_the_other(tmp_path, segmenter):
    for number, duration in enumerate((0.1, 0.05, 0.2)):
        samples = two_carriers(duration, seed=number)
        got = run(open_recording(write_recording(tmp_path / f"r{number}", samples)), segmenter)
        indexes = [fields["frame_index"] for fields in got["masks"]]
        assert indexes == list(range(len(got["frames"]))) and indexes
        ends = [e["label"] for e in got["emissions"] if e["event"] == "end"]
        assert set(ends) == {"lte", "nr"}
        covered = sum(f["rows"] * f["row_samples"] for f in got["masks"])
        assert 0 <= len(samples) - covered < got["masks"][0]["row_samples"] * 2


def test_a_stop_in_mid_run_ends_within_a_second(long_recording, segmenter):
    spent = []
    # the best of three: other programs may hold up this machine
    for _ in range(3):
        got = {"frames": [], "masks": [], "emissions": [], "status": []}
        flowgraph = SegmentFlowgraph(
            long_recording, segmenter, lambda port, f, _, got=got: got[port].append(f)
        )
        flowgraph.launch()
        while len(got["masks"]) < 3:
            assert not flowgraph.ended(0.01)
        began = time.monotonic()
        flowgraph.stop()
        assert flowgraph.ended(30)
        spent.append(time.monotonic() - began)
        # what was on when it was stopped has its end too
        events = [e["event"] for e in got["emissions"]]
        assert events.count("start") == events.count("end") > 0
        flowgraph.close()
    assert min(spent) < 1.0


def test_watching_a_file_runs_at_its_own_pace(tmp_path, model):
    # four bursts: on a busy machine the frames of one may be dropped
    meta = write_recording(tmp_path / "x", np.tile(two_carriers(0.3), 4))
    live = make_segmenter(model=model, threads=1, overload="drop")
    events = []
    flowgraph = WatchFlowgraph(
        f"file={meta}", live, lambda port, f, _: port == "emissions" and events.append(f)
    )
    began = time.monotonic()
    flowgraph.launch()
    assert flowgraph.ended(60)
    assert time.monotonic() - began > 1.0
    assert {e["label"] for e in events if e["event"] == "end"} == {"lte", "nr"}


def test_samples_arrive_over_zeromq(model):
    from gnuradio import blocks, gr, zeromq

    sender = gr.top_block()
    source = blocks.vector_source_c(two_carriers(0.5).tolist(), True)
    paced = blocks.throttle(gr.sizeof_gr_complex, RATE, True)
    publisher = zeromq.pub_sink(gr.sizeof_gr_complex, 1, "tcp://127.0.0.1:*", 100, False)
    sender.connect(source, paced, publisher)
    sender.start()
    labels = set()
    live = make_segmenter(model=model, threads=1, overload="drop")
    flowgraph = WatchFlowgraph(
        f"zmq={publisher.last_endpoint()}",
        live,
        lambda port, f, _: port == "emissions" and labels.add(f["label"]),
        RATE,
        1.8e9,
    )
    flowgraph.launch()
    deadline = time.monotonic() + 30
    while labels != {"lte", "nr"} and time.monotonic() < deadline:
        flowgraph.ended(0.05)
    flowgraph.stop()
    assert flowgraph.ended(5)
    sender.stop()
    sender.wait()
    assert labels == {"lte", "nr"}


@pytest.mark.parametrize(
    ("arguments", "error", "word"),
    [
        (("nothing",), UsageError, "'nothing'"),
        (("soapy=",), UsageError, "soapy="),
        (("soapy=driver=rtlsdr", 2e6), UsageError, "--center-frequency"),
        (("soapy=driver=no-such-driver", 2e6, 1e9), InputError, "no-such-driver"),
        (("file=/nowhere",), InputError, "/nowhere"),
        (("zmq=nonsense", 2e6), InputError, "nonsense"),
    ],
)
def test_live_sources_that_cannot_be_opened_are_named(arguments, error, word):
    with pytest.raises(error) as caught:
        open_live_source(*arguments)
    assert word in str(caught.value) and "\n" not in str(caught.value)
