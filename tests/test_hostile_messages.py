# SPDX-License-Identifier: GPL-3.0-or-later
"""No message, tag or user's function ends a block: it is told on `status` and in the log, and what
is good comes through as if the rest had not been."""

import numpy as np
import pmt
import pytest
from activity_flow import MessageSource, numbered, room_windows, run_windows, window_pdu
from activity_flow import make_bundle as make_activity_bundle
from csi_dicts import csi_dict
from csi_room import Receiver, Room
from event_brokers import until
from gnuradio import gr, radiofm
from gnuradio.radiofm.pmts.messages import describe, from_pmt, split_pdu, to_pmt
from hostile_messages import as_messages, foreign, spoilt
from segmenter_flow import Results, band_frame, frame_meta, make_bundle, run_frames

from radiofm_core import keys
from radiofm_core.spectrum.detections import Detection

OTHER_SENDER = "02:00:00:00:00:09"
LOG_LINES = 3


class BlockFlow(gr.top_block):
    """messages -> a block -> result sink."""

    def __init__(self, block, port_in: str, messages, ports_out):
        gr.top_block.__init__(self, "block flow")
        self.results = Results()
        # GNU Radio keeps only the C++ half of a Python block alive
        self.source, self.block = MessageSource(messages, port=port_in), block
        self.sink = radiofm.result_sink(self.results, ports_out)
        self.msg_connect((self.source, port_in), (block, port_in))
        for port in ports_out:
            self.msg_connect((block, port), (self.sink, port))
        self.run()

    def failed(self) -> list[int]:
        """How many failures ``status`` told, each time that it had some; and there are reasons."""
        found = [f for f in self.results.fields(keys.PORT_STATUS) if keys.FAILED in f]
        assert all(fields[keys.ERROR] for fields in found)
        return [fields[keys.FAILED] for fields in found]


def detections_message(index: int) -> dict:
    """A carrier in frame ``index``."""
    meta = frame_meta(index)
    samples = meta[keys.ROWS] * meta[keys.ROW_SAMPLES]
    start = index * samples
    found = Detection(
        label="lte",
        confidence=0.9,
        center_frequency=1.8e9,
        bandwidth=5e6,
        start_time=start / meta[keys.SAMPLE_RATE],
        duration=samples / meta[keys.SAMPLE_RATE],
        start_offset=start,
        end_offset=start + samples,
        snr_db=20.0,
        pwr_db=-30.0,
    )
    return {**meta, keys.DETECTIONS: [found.to_dict()]}


def spoilt_types(fields: dict) -> list[dict]:
    """Those of :func:`spoilt` with a value of another type."""
    return [
        changed
        for changed in spoilt(fields)
        if any(type(changed.get(key, value)) is not type(value) for key, value in fields.items())
    ]


def between(good: list, bad: list) -> list:
    """The first of the good ones, all bad ones, the other good ones."""
    return [good[0], *bad, *good[1:]]


def test_tracker_refuses_what_is_no_detection_and_keeps_the_carrier(capfd):
    frames = [detections_message(index) for index in range(20)]
    good = as_messages(frames)
    # in another band: some are spoilt so that they still are detections
    elsewhere = {keys.LABEL: "other", keys.CENTER_FREQUENCY: 1.9e9, keys.SUBCARRIER_SPACING: 15e3}
    found = {**frames[0][keys.DETECTIONS][0], **elsewhere}
    told = {keys.LAG: 1e-3, keys.COHERENCE: 0.5, keys.FLOOR: 0.01, keys.MEANING: "it repeats"}
    found[keys.EVIDENCE] = [told]
    bad = foreign() + as_messages(
        [{**frames[0], keys.DETECTIONS: [fields]} for fields in spoilt(found)]
    )
    bad += as_messages(
        [
            {**frames[0], keys.DETECTIONS: [{**found, keys.EVIDENCE: [fields]}]}
            for fields in spoilt(told)
        ]
    )
    frame = {key: frames[0][key] for key in (keys.RX_TIME, keys.ROWS, keys.ROW_SAMPLES)}
    bad += as_messages([{**frames[0], **fields} for fields in spoilt_types(frame)])
    tracker, ports = radiofm.emission_tracker(), [keys.PORT_EMISSIONS, keys.PORT_STATUS]
    flow = BlockFlow(tracker, keys.PORT_DETECTIONS, between(good, bad), ports)
    clean = BlockFlow(radiofm.emission_tracker(), keys.PORT_DETECTIONS, good, ports)
    ends = [
        [f for f in one.results.fields(keys.PORT_EMISSIONS) if f[keys.EVENT] == keys.EVENT_END]
        for one in (flow, clean)
    ]
    (wanted,) = ends[1]
    (carrier,) = (f for f in ends[0] if f[keys.LABEL] == "lte")
    assert carrier == wanted
    assert tracker.failures > 0.7 * len(bad)
    assert flow.failed()[-1] == tracker.failures
    assert clean.failed() == []
    assert "".join(capfd.readouterr()).count(":error:") == LOG_LINES


def test_csi_framer_refuses_what_is_no_packet_and_keeps_the_windows():
    packets = Receiver().packets(Room(), 4.0)
    good = as_messages([csi_dict(packet) for packet in packets])
    whole = csi_dict(packets[0], mac=OTHER_SENDER, rssi=-50, sequence=3)
    bad = foreign() + as_messages(spoilt(whole, keep=(keys.MAC,)))
    ports = [keys.PORT_WINDOWS, keys.PORT_STATUS]
    flows = [
        BlockFlow(radiofm.csi_framer(), keys.PORT_CSI, messages, ports)
        for messages in (good, [*good[:150], *bad, *good[150:]])
    ]
    wanted, got = (flow.results.got[keys.PORT_WINDOWS] for flow in flows)
    for (fields, values), (other, others) in zip(got, wanted, strict=True):
        assert np.array_equal(fields.pop(keys.RECEIVED), other.pop(keys.RECEIVED))
        assert fields == other and np.array_equal(values, others)
    status = flows[1].results.fields(keys.PORT_STATUS)[-1]
    assert status[keys.PACKETS] == len(good) + len(bad)
    assert status[keys.REFUSED_PACKETS]["broken"] > 0.7 * len(bad)
    assert status[keys.REASON]
    assert flows[1].block.failures == 0


def test_classifier_refuses_what_is_no_window_and_answers_the_others(tmp_path, capfd):
    bundle = make_activity_bundle(tmp_path / "obedient.pt")
    window = room_windows()[0]
    fields, values = split_pdu(window_pdu(window, source=OTHER_SENDER))
    bad = foreign() + as_messages(spoilt(fields, keep=(keys.SOURCE,)), values)
    good = numbered(8)
    flow = run_windows(bundle, between(good, bad))
    answers = [f for f in flow.answers if f[keys.SOURCE] != OTHER_SENDER]
    assert [f[keys.LOST_PACKETS] for f in answers] == list(range(8))
    status = flow.last_status
    failed = status[keys.FAILED]
    assert failed > len(bad) / 2
    assert len(flow.answers) + failed == len(good) + len(bad)
    assert flow.classifier.failures == 0
    assert "".join(capfd.readouterr()).count("a window has no result") == LOG_LINES


def test_segmenter_refuses_what_is_no_frame_and_segments_the_others(tmp_path):
    bundle = make_bundle(tmp_path / "tiny.pt")
    bad = [*spoilt(frame_meta(1)), *(from_pmt(pmt.from_long(-3)), "text", [[[]]], None)]
    metas = [meta for index, spoilt_one in enumerate(bad) for meta in (index, spoilt_one)]
    metas = [frame_meta(m) if type(m) is int and m >= 0 else m for m in metas]
    flow = run_frames(bundle, [band_frame()] * len(metas), metas)
    whole = [f for f in flow.results.fields(keys.PORT_MASKS) if f[keys.ROWS] == 256]
    rows_s = frame_meta(0)[keys.ROW_DURATION] * 256
    at = [round((f[keys.RX_TIME][0] + f[keys.RX_TIME][1]) / rows_s) for f in whole]
    assert set(range(len(bad))) <= set(at)
    status = flow.segmenter.status()
    assert status[keys.FRAMES] + status[keys.DROPPED] + status[keys.FAILED] == len(metas)
    assert flow.tracker.failures == flow.sink.failures == 0


def test_sink_hands_on_what_is_a_message_and_tells_of_the_rest(capfd):
    good = as_messages([{keys.FRAMES: index} for index in range(5)])
    bad = [message for message in foreign() if not pmt.is_null(message)]
    got = []
    sink = radiofm.result_sink(lambda port, fields, data: got.append(fields), [keys.PORT_STATUS])
    flow = BlockFlow(sink, keys.PORT_STATUS, between(good, bad), [keys.PORT_STATUS])
    assert [fields[keys.FRAMES] for fields in got if keys.FRAMES in fields] == list(range(5))
    assert len(got) + sink.failures == len(good) + len(bad)
    assert flow.failed()[-1] == sink.failures
    assert "".join(capfd.readouterr()).count(":error:") == LOG_LINES


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3), RecursionError("deep")])
def test_a_users_function_that_raises_whatever_it_is_ends_nothing(error):
    calls = []

    def callback(port, fields, data):
        calls.append(fields[keys.FRAMES])
        raise error

    sink = radiofm.result_sink(callback, [keys.PORT_STATUS])
    messages = as_messages([{keys.FRAMES: index} for index in range(5)])
    flow = BlockFlow(sink, keys.PORT_STATUS, messages, [keys.PORT_STATUS])
    assert calls == list(range(5))
    assert sink.error is error
    assert flow.failed()[-1] == 5


def test_foreign_messages_for_gnu_radio_itself_end_no_block(tmp_path):
    bundle = make_activity_bundle(tmp_path / "obedient.pt")
    packets = as_messages([csi_dict(packet) for packet in Receiver().packets(Room(), 3.0)])
    for block, port, messages, out in (
        (
            radiofm.emission_tracker(),
            "detections",
            as_messages([detections_message(0)]),
            "emissions",
        ),
        (radiofm.csi_framer(), "csi", packets, "windows"),
        (radiofm.activity_classifier(bundle), "windows", numbered(3), "activity"),
        (radiofm.result_sink(print, ["status"]), "status", [to_pmt({"a": "text"})] * 3, "status"),
    ):
        for message in foreign():
            block._post(pmt.intern("system"), message)
        flow = BlockFlow(block, port, messages, sorted({out, keys.PORT_STATUS}))
        assert flow.results.got[out], block.name()
        assert flow.failed(), block.name()


def test_no_message_is_too_large_or_too_deep_to_be_named():
    for message in foreign():
        assert 0 < len(describe(message)) <= 80
        assert "\n" not in describe(message)


def test_of_a_flood_of_messages_the_newest_are_handled_and_the_others_counted():
    count, got = 20_000, []

    def slow_at_first(port, fields, data):
        if not got:
            until(lambda: sink.backlog() > count // 2, "more than may wait", 60)
        got.append(fields[keys.FRAME_INDEX])

    messages = [to_pmt({keys.FRAME_INDEX: index}) for index in range(count)]
    top = gr.top_block("flood")
    source = MessageSource(messages, port=keys.PORT_ACTIVITY)
    sink = radiofm.result_sink(slow_at_first, [keys.PORT_ACTIVITY])
    top.msg_connect((source, keys.PORT_ACTIVITY), (sink, keys.PORT_ACTIVITY))
    top.run()
    assert got == sorted(got) and got[-1] == count - 1
    assert sink.failures == count - len(got) > 0
    assert "8192 messages waited" in sink.failure_status()[keys.ERROR]
