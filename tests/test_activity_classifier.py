# SPDX-License-Identifier: GPL-3.0-or-later
"""The activity classifier block: answers as the model's, drops counted, errors told."""

from dataclasses import replace

import numpy as np
import pmt
import pytest
from activity_flow import (
    ORDER_HALF,
    ORDER_NAN,
    ORDER_NEGATIVE,
    ORDER_RAISE,
    SPEC,
    ClassifierFlow,
    MessageSource,
    make_bundle,
    numbered,
    probabilities,
    room_windows,
    run_windows,
    window_pdu,
)
from csi_dicts import SENDER, csi_dict
from csi_room import Receiver, Room
from event_brokers import until
from gnuradio import gr, radiofm
from gnuradio.radiofm.pmts.messages import to_pmt
from motion_model import make_motion_bundle

from radiofm_core import keys
from radiofm_core.bundle import TASK_ACTIVITY
from radiofm_core.csi.activity import UNKNOWN
from radiofm_core.csi.motion import motion_db
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import BundleError, UsageError
from radiofm_core.inference import load_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "obedient.pt")


@pytest.fixture(scope="module")
def slow_bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "slow.pt", pause=0.05)


def test_states_of_motion_begin_and_end_once(bundle):
    still, moving = room_windows(0.0), room_windows(1.0)
    # one after the other in time
    later_ns = still[-1].time_ns + 500_000_000 - moving[0].time_ns
    windows = [*still, *(replace(w, time_ns=w.time_ns + later_ns) for w in moving)]
    found = []
    classifier = radiofm.activity_classifier(bundle)
    sink = radiofm.result_sink(lambda _, fields, __: found.append(fields), ports=["motion"])
    source = MessageSource([window_pdu(window) for window in windows])
    flowgraph = gr.top_block()
    flowgraph.msg_connect(source, "windows", classifier, "windows")
    flowgraph.msg_connect(classifier, "motion", sink, "motion")
    flowgraph.run()
    changes = [(fields[keys.EVENT], fields[keys.STATE]) for fields in found]
    assert changes == [("start", "still"), ("end", "still"), ("start", "moving"), ("end", "moving")]
    middle_s = moving[0].time_ns * 1e-9 + later_ns * 1e-9 + 0.75
    assert found[2][keys.START_TIME] == pytest.approx(middle_s, abs=1.01)
    assert all(0.5 <= fields[keys.CONFIDENCE] <= 1 for fields in found)
    assert {fields[keys.SOURCE] for fields in found} == {SENDER}
    with pytest.raises(UsageError, match="moving_db"):
        radiofm.activity_classifier(bundle, moving_db=-1)


@pytest.mark.parametrize("antennas", [1, 2])
def test_answers_are_those_of_the_model_called_directly(bundle, antennas):
    windows = [*room_windows(1.0, antennas), *room_windows(0.0, antennas)]
    flow = run_windows(bundle, [window_pdu(w) for w in windows], precision="fp32")
    model = load_bundle(bundle, "cpu", "fp32", TASK_ACTIVITY)
    direct = model.classify(np.stack([w.values for w in windows]), antennas)
    assert len(flow.answers) == len(windows)
    for fields, window, shares in zip(flow.answers, windows, direct, strict=True):
        assert np.allclose(probabilities(fields), shares, atol=1e-6)
        assert fields[keys.LABEL] == ("STILL", "MOVING")[shares.argmax()]
        assert fields[keys.CONFIDENCE] == pytest.approx(shares.max())
        # the middle of the window, as long as a hop
        assert fields[keys.START_TIME] == pytest.approx(window.time_ns * 1e-9 + 0.75)
        seconds, fraction = fields[keys.RX_TIME]
        assert isinstance(seconds, int) and 0 <= fraction < 1
        assert seconds + fraction == pytest.approx(fields[keys.START_TIME])
        assert fields[keys.DURATION] == 0.5
        assert fields[keys.MOTION_DB] == pytest.approx(
            motion_db(window.amplitude, 100.0, window.received)
        )
        assert fields[keys.PACKET_RATE] == window.packet_rate
        assert fields[keys.LOST_PACKETS] == window.lost_packets
        assert fields[keys.SOURCE] == SENDER
        assert fields[keys.MODEL] == "obedient"
        assert fields[keys.DROPPED] == 0
        assert 0 < fields[keys.LATENCY] < 30
    status = flow.last_status
    assert set(status) == {
        "frames",
        "dropped",
        "queue_depth",
        "latency_p50",
        "latency_p99",
        "msps",
    }
    assert status[keys.FRAMES] == len(windows)
    assert status[keys.DROPPED] == status[keys.QUEUE_DEPTH] == 0
    assert 0 < status[keys.LATENCY_P50] <= status[keys.LATENCY_P99]


def test_packets_become_answers_through_the_framer(bundle):
    # the hop is the framer's, not the model's
    flow = FramedFlow(bundle, hop=0.25)
    flow.run()
    assert len(flow.answers) == 17
    assert {fields[keys.LABEL] for fields in flow.answers} == {"MOVING"}
    starts = [fields[keys.START_TIME] for fields in flow.answers]
    assert np.allclose(np.diff(starts), 0.25)
    assert {fields[keys.DURATION] for fields in flow.answers} == {0.25}


class FramedFlow(ClassifierFlow):
    """packets of a simulated room -> framer -> classifier -> result sink."""

    def __init__(self, bundle, **framer):
        packets = [to_pmt(csi_dict(p, mac=SENDER)) for p in Receiver().packets(Room(), 6.05)]
        super().__init__(packets, radiofm.activity_classifier(bundle))
        self.framer = radiofm.csi_framer(**framer)
        self.msg_disconnect((self.source, keys.PORT_WINDOWS), (self.classifier, keys.PORT_WINDOWS))
        self.msg_connect((self.source, keys.PORT_WINDOWS), (self.framer, keys.PORT_CSI))
        self.msg_connect((self.framer, keys.PORT_WINDOWS), (self.classifier, keys.PORT_WINDOWS))


@pytest.mark.parametrize("max_batch", [1, 3, 8])
def test_wait_loses_nothing_with_a_slow_model(slow_bundle, max_batch):
    # all come at once; when the stream ends, most still wait
    flow = run_windows(slow_bundle, numbered(41), max_batch=max_batch)
    assert flow.numbers == list(range(41))
    assert flow.last_status[keys.FRAMES] == 41
    assert flow.last_status[keys.DROPPED] == 0


def test_status_tells_how_many_windows_wait(slow_bundle):
    flow = run_windows(slow_bundle, numbered(60), max_batch=1, threads=1)
    depths = [status[keys.QUEUE_DEPTH] for status in flow.results.fields(keys.PORT_STATUS)]
    assert len(depths) >= 3
    assert max(depths) > 20 and depths[-1] == 0


def test_drop_counts_every_window_that_is_missing(slow_bundle):
    count = 200
    # ten times what the model can take
    flow = run_windows(slow_bundle, numbered(count), rate=200.0, max_batch=1, overload="drop")
    status = flow.last_status
    assert flow.numbers == sorted(set(flow.numbers))
    assert 5 < len(flow.numbers) < count // 2
    # the newest is never dropped
    assert flow.numbers[-1] == count - 1
    assert status[keys.FRAMES] == len(flow.numbers)
    assert status[keys.DROPPED] + status[keys.FRAMES] == count
    drops = [fields[keys.DROPPED] for fields in flow.answers]
    assert drops == sorted(drops) and drops[-1] > 0
    # one call in flight, one window waiting; were all kept, 9 s would wait at the end
    assert np.median([fields[keys.LATENCY] for fields in flow.answers]) < 1.0


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (ORDER_RAISE, "ordered to raise"),
        (ORDER_NAN, "not finite"),
        (ORDER_NEGATIVE, "-0.5"),
        (ORDER_HALF, "sum 0.5"),
    ],
)
def test_bad_answer_costs_one_window_and_is_reported(bundle, order, told):
    messages = numbered(12)
    messages[5] = window_pdu(room_windows()[0], order)
    flow = run_windows(bundle, messages)
    assert flow.numbers == [i for i in range(12) if i != 5]
    status = flow.last_status
    assert status[keys.FRAMES] == 11 and status[keys.DROPPED] == 0
    assert status[keys.FAILED] == 1
    assert told in status[keys.ERROR]


def test_model_that_always_fails_logs_one_line(bundle, capfd):
    flow = run_windows(bundle, [window_pdu(room_windows()[0], ORDER_RAISE)] * 30)
    assert flow.answers == []
    assert flow.last_status[keys.FAILED] == 30
    log = "".join(capfd.readouterr())
    assert log.count("ordered to raise") == 1
    assert "30 windows had no result" in log


def test_answers_of_too_many_classes_are_refused(tmp_path):
    with pytest.raises(BundleError, match=r"expected shape .*, got .*3\)"):
        radiofm.activity_classifier(str(make_bundle(tmp_path / "wide.pt", extra=1)))


WINDOW = room_windows()[0]
NAN = np.full_like(WINDOW.values, np.nan)
FOREIGN = [
    (pmt.PMT_NIL, "expected a PDU"),
    (pmt.from_long(3), "expected a PDU"),
    (pmt.cons(pmt.PMT_T, pmt.PMT_T), "expected a PDU"),
    (to_pmt({keys.ROWS: 200}), "expected a PDU"),
    (window_pdu(WINDOW, rows=100), "rows is 100, the model's is 200"),
    (window_pdu(WINDOW, cols=52), "cols is 52, the model's is 53"),
    (window_pdu(WINDOW, row_duration=0.02), "row_duration is 0.02, the model's is 0.01"),
    (window_pdu(WINDOW, frequency_step=78125.0), "frequency_step is 78125, the model's is 312500"),
    (window_pdu(WINDOW, values=NAN), "10600 of its values are not finite"),
    (
        window_pdu(WINDOW, values=WINDOW.values[:-1]),
        "expected 10600 values of float32 (200 x 53 x 1), got 10547 values",
    ),
    (window_pdu(WINDOW, values=np.zeros(10600, np.uint8)), "10600 values of uint8"),
    (window_pdu(WINDOW, antennas=2), "2 antennas"),
    (window_pdu(WINDOW, antennas=0, channels=0), "0 antennas"),
    (window_pdu(WINDOW, hop=None, source=None), "lacks hop, source"),
    (window_pdu(WINDOW, hop=0.0), "hop: expected a time above 0 s, got 0"),
    (window_pdu(WINDOW, hop=float("nan")), "hop: expected a number from 0, got nan"),
    (window_pdu(WINDOW, rows="many"), "rows: expected a non-negative integer, got 'many'"),
    (window_pdu(WINDOW, lost_packets=-1), "lost_packets: expected a non-negative integer, got -1"),
    (window_pdu(WINDOW, source=7), "source: expected text, got 7"),
    (window_pdu(WINDOW, rx_time=3.0), "rx_time: expected a tuple (seconds, fraction), got 3.0"),
    (
        pmt.cons(pmt.cons(pmt.PMT_T, pmt.PMT_T), pmt.init_f32vector(1, [0.0])),
        "is of a PMT type that radiofm's messages do not use",
    ),
]


@pytest.mark.parametrize(("message", "told"), FOREIGN)
def test_foreign_messages_are_refused_by_name_and_never_end_the_block(bundle, message, told):
    first, last = numbered(2)
    flow = run_windows(bundle, [first, message, last])
    assert flow.numbers == [0, 1]
    assert told in flow.last_status[keys.ERROR]
    assert flow.last_status[keys.FRAMES] == 2
    assert flow.classifier.failures == 0


def test_many_foreign_messages_fill_no_log(bundle, capfd):
    flow = run_windows(bundle, [message for message, _ in FOREIGN] * 3)
    assert flow.last_status[keys.FAILED] == 3 * len(FOREIGN)
    assert "".join(capfd.readouterr()).count("a window has no result") == 3


def test_windows_of_different_antennas_do_not_mix(bundle):
    kinds = [room_windows(1.0, antennas)[0] for antennas in (1, 1, 2, 3, 1, 2, 2)] * 3
    messages = [window_pdu(w, lost_packets=i) for i, w in enumerate(kinds)]
    flow = run_windows(bundle, messages)
    assert flow.numbers == list(range(len(kinds)))
    assert {fields[keys.LABEL] for fields in flow.answers} == {"MOVING"}


def test_smoothing_averages_one_senders_windows(bundle):
    still, moving = room_windows(0.0), room_windows(1.0)
    windows = [still[0], still[1], *moving[2:6]]
    smoothed = run_windows(bundle, [window_pdu(w) for w in windows], smoothing=2)
    shares = [fields[keys.PROBABILITIES]["MOVING"] for fields in smoothed.answers]
    assert np.allclose(shares, [0.1, 0.1, 0.5, 0.9, 0.9, 0.9], atol=0.01)


def test_least_confidence_changes_while_it_runs(bundle):
    # for longer than anything here takes
    many = numbered(60) * 100
    flow = ClassifierFlow(many, radiofm.activity_classifier(bundle), rate=60.0)
    flow.start()
    until(lambda: len(flow.answers) >= 10, "answers", 60)
    flow.classifier.set_min_confidence(0.95)
    with pytest.raises(UsageError, match=r"1\.5"):
        flow.classifier.set_min_confidence(1.5)
    until(lambda: flow.answers[-1][keys.LABEL] == UNKNOWN, "another label", 60)
    flow.source.enough.set()
    flow.wait()
    labels = [fields[keys.LABEL] for fields in flow.answers]
    assert labels[:10] == ["MOVING"] * 10 and labels[-1] == UNKNOWN
    assert flow.answers[-1][keys.CONFIDENCE] == pytest.approx(0.9, abs=0.01)


def test_a_second_run_begins_anew(bundle):
    flow = ClassifierFlow(numbered(9), radiofm.activity_classifier(bundle, smoothing=5))
    first = None
    for _ in range(2):
        flow.results.got.clear()
        flow.run()
        assert flow.numbers == list(range(9))
        assert flow.last_status[keys.FRAMES] == 9
        first = first or flow.answers
    assert [f[keys.CONFIDENCE] for f in first] == [f[keys.CONFIDENCE] for f in flow.answers]


def test_a_run_after_a_stop_in_mid_stream_begins_anew(slow_bundle):
    flow = ClassifierFlow(numbered(100), radiofm.activity_classifier(slow_bundle, max_batch=1))
    flow.start()
    until(lambda: len(flow.answers) >= 3, "answers", 60)
    flow.stop()
    flow.wait()
    status = flow.last_status
    assert status[keys.FRAMES] == len(flow.answers) < 100
    assert status[keys.FRAMES] + status[keys.DROPPED] <= 100
    flow.results.got.clear()
    flow.source.set_messages(numbered(5))
    flow.run()
    assert flow.numbers == list(range(5))
    assert flow.last_status[keys.FRAMES] == 5


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"overload": "panic"}, UsageError, "'panic'"),
        ({"max_batch": 0}, UsageError, "max_batch: .*got 0"),
        ({"max_batch": "all"}, UsageError, "max_batch: expected an integer.* got 'all'"),
        ({"min_confidence": "high"}, UsageError, "min_confidence: .* got 'high'"),
        ({"threads": -1}, UsageError, "threads: .*got -1"),
        ({"smoothing": 0}, UsageError, "smoothing: .* got 0"),
        ({"min_confidence": 1.5}, UsageError, "1.5"),
        ({"device": "tpu"}, UsageError, "tpu"),
        ({"precision": "fp7"}, UsageError, "fp7"),
        ({"model": "no-such-model"}, BundleError, "no-such-model"),
        ({"model": "segmenter-vit-tiny"}, BundleError, "spectrogram-segmentation"),
    ],
)
def test_wrong_parameter_is_named(bundle, options, error, named):
    with pytest.raises(error, match=named) as caught:
        radiofm.activity_classifier(**{"model": bundle, **options})
    assert "\n" not in str(caught.value)


def test_the_framer_takes_a_models_spec(tmp_path):
    spec = CsiSpec(duration_s=1.0, hop_s=0.25)
    model = str(make_motion_bundle(tmp_path / "short.pt", spec))
    assert radiofm.csi_framer(model=model).spec == spec
    with pytest.raises(UsageError, match="one of them"):
        radiofm.csi_framer(model=model, spec=SPEC)
