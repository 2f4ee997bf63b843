# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracker block and the result sink: one emission per carrier, and no lost ends."""

import time

import numpy as np
import pmt
import pytest
from event_brokers import until
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm.pmts.messages import (
    extend_dict,
    from_pmt,
    make_pdu,
    read_message,
    split_pdu,
    to_pmt,
)
from segmenter_flow import (
    RATE,
    SPEC,
    FrameSource,
    Results,
    SegmenterFlow,
    band_frame,
    frame_meta,
    make_bundle,
    run_frames,
)

from radiofm_core import keys
from radiofm_core.errors import UsageError

FRAME_S = 256 * frame_meta(0)[keys.ROW_DURATION]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny.pt")


@pytest.fixture(scope="module")
def slow_bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "slow.pt", pause=0.1)


def events(flow) -> list[tuple]:
    return [(f[keys.EVENT], f[keys.BURST_ID]) for f in flow.results.fields(keys.PORT_EMISSIONS)]


def test_carrier_that_stays_is_one_emission(bundle):
    count = 120  # 2.4 s: two updates
    flow = run_frames(bundle, [band_frame()] * count, [frame_meta(i) for i in range(count)])
    assert events(flow) == [("start", 0), ("update", 0), ("update", 0), ("end", 0)]
    end = flow.results.fields(keys.PORT_EMISSIONS)[-1]
    assert end[keys.LABEL] == "lte"
    assert end[keys.START_TIME] == pytest.approx(0.0, abs=1e-9)
    assert end[keys.DURATION] == pytest.approx(count * FRAME_S, abs=1e-3)
    assert end[keys.BANDWIDTH] == pytest.approx(RATE / 2, rel=0.03)
    assert end[keys.END_OFFSET] == count * 256 * frame_meta(0)[keys.ROW_SAMPLES]


def test_last_frame_ends_what_is_open(bundle):
    metas = [frame_meta(i, last=i == 2) for i in range(3)]
    flow = run_frames(bundle, [band_frame()] * 3, metas)
    assert events(flow) == [("start", 0), ("end", 0)]


def test_silence_longer_than_the_hold_time_parts_two_emissions(bundle):
    on = {0, 1, 2, 10, 11}
    frames = [band_frame() if i in on else band_frame(level_db=-90.0) for i in range(14)]
    flow = run_frames(bundle, frames, [frame_meta(i) for i in range(14)])
    assert events(flow) == [("start", 0), ("end", 0), ("start", 1), ("end", 1)]


def test_end_is_never_lost_when_the_stream_ends(bundle):
    # the tracker publishes its last events while the flowgraph shuts down
    for _ in range(10):
        flow = run_frames(bundle, [band_frame()] * 2, [frame_meta(i) for i in range(2)])
        assert events(flow) == [("start", 0), ("end", 0)]
        assert flow.results.indexes() == [0, 1]


def test_sink_of_unknown_connections_misses_nothing(slow_bundle):
    # the source of `frames` is done long before the segmenter, which is done before the tracker
    got = []
    sink = radiofm.result_sink(lambda port, fields, data: got.append((port, fields)))
    count = 16
    source = FrameSource([band_frame()] * count, [frame_meta(i) for i in range(count)])
    flow = SegmenterFlow(source, radiofm.spectrogram_segmenter(slow_bundle))
    early = radiofm.emission_tracker()
    flow.connect(source, blocks.null_sink(4 * SPEC.frame_floats))
    flow.msg_connect(early, keys.PORT_EMISSIONS, sink, keys.PORT_STATUS)
    flow.msg_connect(flow.segmenter, keys.PORT_MASKS, sink, keys.PORT_MASKS)
    flow.msg_connect(flow.tracker, keys.PORT_EMISSIONS, sink, keys.PORT_EMISSIONS)
    flow.start()
    time.sleep(0.3)
    early._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))
    flow.wait()
    masks = [fields[keys.FRAME_INDEX] for port, fields in got if port == keys.PORT_MASKS]
    assert masks == list(range(count))
    assert got[-1][1][keys.EVENT] == keys.EVENT_END


class MessageFlow(gr.top_block):
    """Posts messages straight into a tracker whose events a result sink collects."""

    def __init__(self, callback=None):
        gr.top_block.__init__(self, "messages")
        self.results = callback or Results()
        self.tracker = radiofm.emission_tracker()
        self.sink = radiofm.result_sink(self.results, [keys.PORT_EMISSIONS])
        self.msg_connect((self.tracker, keys.PORT_EMISSIONS), (self.sink, keys.PORT_EMISSIONS))

    def post(self, message):
        self.tracker._post(pmt.intern(keys.PORT_DETECTIONS), message)

    def end(self):
        self.stop()
        self.wait()


def detections_message(index: int, labels=("lte",), **changes):
    fields = frame_meta(index, **changes)
    one = {
        keys.CONFIDENCE: 0.9,
        keys.CENTER_FREQUENCY: 1.8e9,
        keys.BANDWIDTH: 5e6,
        keys.START_TIME: index * FRAME_S,
        keys.DURATION: FRAME_S,
        keys.START_OFFSET: fields[keys.SAMPLE_OFFSET],
        keys.END_OFFSET: fields[keys.SAMPLE_OFFSET] + 256 * fields[keys.ROW_SAMPLES],
        keys.SNR_DB: 20.0,
        keys.PWR_DB: -40.0,
    }
    return to_pmt({**fields, keys.DETECTIONS: [{**one, keys.LABEL: label} for label in labels]})


def test_stopping_a_live_flowgraph_ends_the_emissions():
    for _ in range(20):  # blocks stop in any order
        flow = MessageFlow()
        flow.start()
        for index in range(3):
            flow.post(detections_message(index))
        until(lambda its=flow: its.results.got, "the start", 60)
        flow.end()
        assert events(flow) == [("start", 0), ("end", 0)]


def test_what_is_sent_between_two_blocks_stops_is_delivered():
    flow = MessageFlow()
    flow.start()
    flow.end()
    # as a stopped flowgraph may end its blocks: the receiver, and before its sender a last message
    for block in (flow.sink, flow.tracker):
        block.start()
    flow.sink.stop()
    flow.tracker.receive(keys.PORT_DETECTIONS, detections_message(0, last=True))
    assert events(flow) == []
    flow.tracker.stop()
    assert events(flow) == [("start", 0), ("end", 0)]


def test_foreign_message_does_not_end_the_tracker():
    flow = MessageFlow()
    flow.start()
    for message in (
        pmt.PMT_NIL,
        pmt.from_long(3),
        pmt.cons(pmt.PMT_T, pmt.PMT_T),
        to_pmt({"a": 1}),
    ):
        flow.post(message)
    flow.post(detections_message(0))
    until(lambda: flow.results.got, "the emission", 60)
    flow.end()
    assert [f[keys.EVENT] for f in flow.results.fields(keys.PORT_EMISSIONS)][:1] == ["start"]
    assert flow.tracker.failures == 4


def test_callback_that_raises_is_kept_and_the_flowgraph_goes_on():
    calls = []

    def callback(port, fields, data):
        calls.append(fields[keys.EVENT])
        raise RuntimeError(f"call {len(calls)}")

    flow = MessageFlow(callback)
    flow.start()
    for index in (0, 100):
        flow.post(detections_message(index))
    # the start of one and its end, and the other's start
    until(lambda: len(calls) >= 3, "calls", 60)
    flow.end()
    assert str(flow.sink.error) == "call 1"
    assert flow.sink.failures == len(calls)


def test_wrong_parameter_is_named():
    with pytest.raises(UsageError, match="-1"):
        radiofm.emission_tracker(hold_time=-1.0)
    with pytest.raises(UsageError, match="smoke"):
        radiofm.result_sink(print, ["smoke"])


@pytest.mark.parametrize(
    "fields",
    [
        frame_meta(3),
        {**frame_meta(3), keys.DETECTIONS: [{keys.LABEL: "lte", keys.SNR_DB: -3.5}]},
        {keys.FRAMES: 2**63, keys.MSPS: 12.5, keys.ERROR: "ä line"},
        {
            "negative": -5,
            "yes": True,
            "no": False,
            "list": [1, 2.0, "three"],
            "dict": {"a": {"b": 1}},
        },
        {"empty list": []},
    ],
)
def test_message_comes_back_as_it_went(fields):
    back = from_pmt(to_pmt(fields))
    assert back == fields
    assert {k: type(v) for k, v in back.items()} == {k: type(v) for k, v in fields.items()}


def test_numpy_scalars_become_plain_numbers():
    fields = {"f": np.float32(0.5), "i": np.int64(-7), "u": np.uint8(9), "b": np.bool_(True)}
    assert from_pmt(to_pmt(fields)) == {"f": 0.5, "i": -7, "u": 9, "b": True}


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.complex64])
def test_pdu_comes_back_as_it_went(dtype):
    array = (np.arange(512) % 256).astype(dtype).reshape(2, 256)
    fields, back = split_pdu(make_pdu({keys.ROWS: 2}, array))
    assert fields == {keys.ROWS: 2}
    assert back.dtype == dtype
    assert np.array_equal(back, array.ravel())
    assert not back.flags.writeable


def test_extending_leaves_the_other_entries_alone():
    base = to_pmt({"a": 1, "b": 2})
    assert from_pmt(extend_dict(base, {"b": 3, "c": 4})) == {"a": 1, "b": 3, "c": 4}
    assert from_pmt(base) == {"a": 1, "b": 2}


def test_what_is_no_message_is_refused():
    with pytest.raises(UsageError, match="NoneType"):
        to_pmt({"a": None})
    with pytest.raises(UsageError, match="expected a PDU"):
        split_pdu(to_pmt({"a": 1}))
    with pytest.raises(UsageError, match="expected a dict or a PDU"):
        read_message(pmt.from_long(1))
