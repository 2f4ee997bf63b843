# SPDX-License-Identifier: GPL-3.0-or-later
"""The same packets through the command's classifier and through a flowgraph: the same answers."""

import json
from dataclasses import fields

import numpy as np
import pytest
from activity_flow import SPEC, ClassifierFlow, make_bundle, room_windows, window_pdu
from csi_dicts import START_S
from csi_room import Receiver, Room, changed
from gnuradio import radiofm
from gnuradio.radiofm.pmts.csi_messages import packet_fields, read_window
from gnuradio.radiofm.pmts.messages import make_pdu, to_pmt

from radiofm_core import keys
from radiofm_core.bundle import TASK_ACTIVITY
from radiofm_core.csi.classify import ActivityClassifier
from radiofm_core.csi.message_fields import activity_fields, window_fields
from radiofm_core.errors import InputError
from radiofm_core.inference import load_bundle
from radiofm_core.outputs.activity_lines import ActivitySpool

MACS = "02:00:00:00:00:01", "02:00:00:00:00:02"
# What the block adds to an answer
ADDED = {keys.RX_TIME, keys.MODEL, keys.LATENCY, keys.DROPPED}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("models") / "obedient.pt")


def two_senders():
    """Packets of a walk past one antenna and of a still room with two, by time."""
    walk = Receiver(loss=0.1).packets(Room(speed=1.0), 6.05)
    still = Receiver(seed=2).packets(Room(speed=0.0, antennas=2), 6.05)
    packets = [
        changed(p, mac=mac, time_ns=START_S * 10**9 + p.time_ns, time_is_absolute=True)
        for mac, part in zip(MACS, (walk, still), strict=True)
        for p in part
    ]
    return sorted(packets, key=lambda p: p.time_ns)


class PacketFlow(ClassifierFlow):
    """packets -> framer -> classifier -> result sink."""

    def __init__(self, packets, bundle, **options):
        messages = [to_pmt(packet_fields(packet)) for packet in packets]
        super().__init__(messages, radiofm.activity_classifier(bundle, **options))
        self.framer = radiofm.csi_framer(model=bundle)
        self.msg_disconnect((self.source, keys.PORT_WINDOWS), (self.classifier, keys.PORT_WINDOWS))
        self.msg_connect((self.source, keys.PORT_WINDOWS), (self.framer, keys.PORT_CSI))
        self.msg_connect((self.framer, keys.PORT_WINDOWS), (self.classifier, keys.PORT_WINDOWS))


def test_command_and_flowgraph_answer_the_same_packets_alike(bundle):
    options = {"smoothing": 3, "min_confidence": 0.7}
    packets = two_senders()
    flow = PacketFlow(packets, bundle, precision="fp32", **options)
    flow.run()
    model = load_bundle(bundle, "cpu", "fp32", TASK_ACTIVITY)
    # a flowgraph does not know what is the last packet
    classifier = ActivityClassifier(model, mirror_ends=False, **options)
    direct = [activity_fields(answer.activity) for answer in classifier.answers(packets)]
    for mac, label in zip(MACS, ("MOVING", "STILL"), strict=True):
        there = [fields for fields in flow.answers if fields[keys.SOURCE] == mac]
        here = [fields for fields in direct if fields[keys.SOURCE] == mac]
        assert len(there) == len(here) == 9
        assert {fields[keys.LABEL] for fields in here} == {label}
        for one, other in zip(there, here, strict=True):
            assert set(one) - set(other) == ADDED and set(other) <= set(one)
            shares = one.pop(keys.PROBABILITIES), other.pop(keys.PROBABILITIES)
            assert shares[0] == pytest.approx(shares[1])
            for key, value in other.items():
                assert one[key] == (pytest.approx(value) if isinstance(value, float) else value)


def test_a_line_and_a_message_have_the_same_keys(bundle, tmp_path):
    model = load_bundle(bundle, "cpu", "fp32", TASK_ACTIVITY)
    answer = next(ActivityClassifier(model).answers(two_senders()))
    spool = ActivitySpool(tmp_path)
    spool.add(answer.activity)
    with (tmp_path / "x.jsonl").open("wb") as file:
        spool.write(file, complete=True)
    spool.close()
    line = json.loads((tmp_path / "x.jsonl").read_text())
    assert set(line) == set(activity_fields(answer.activity))


@pytest.mark.parametrize("antennas", [1, 3])
def test_a_window_comes_out_of_its_pdu_as_it_went_in(antennas):
    for window in room_windows(1.0, antennas):
        pdu = make_pdu(window_fields(window, SPEC), window.values)
        found = read_window(pdu, SPEC)
        for field in fields(window):
            one, other = getattr(window, field.name), getattr(found, field.name)
            assert np.array_equal(one, other), field.name
        assert found.kind == window.kind


def test_a_pdu_of_another_program_may_lack_what_no_model_needs():
    window = room_windows()[0]
    names = (keys.JITTER, keys.INTERPOLATED, keys.RECEIVED, keys.OUTLIERS, keys.GAIN_STEPS)
    bare = dict.fromkeys(names)
    found = read_window(window_pdu(window, **bare), SPEC)
    assert (found.jitter_s, found.interpolated, found.outliers, found.gain_steps) == (0, 0, 0, 0)
    assert found.packet_rate == window.packet_rate


@pytest.mark.parametrize("received", ["all", 1, np.ones(3, np.uint8), np.ones(200, np.float32)])
def test_a_pdu_that_tells_another_number_of_rows_is_refused_in_one_line(received):
    with pytest.raises(InputError, match="its received: expected 200 bytes of 0 or 1"):
        read_window(window_pdu(room_windows()[0], **{keys.RECEIVED: received}), SPEC)
