# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSI framer block in a flowgraph: gr-ieee802-11's messages and our own, and foreign ones."""

import itertools
import time

import numpy as np
import pmt
import pytest
from csi_dicts import SENDER, START_S, csi_dict
from csi_room import Receiver, Room, truth
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm.pmts.messages import from_pmt, to_pmt

from radiofm_core import keys
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import RadiofmError, UsageError

# A beacon's header
BEACON = bytes.fromhex("80000000 ffffffffffff 001122aabbcc 001122aabbcc 3012")


def foreign_pdu(csi: np.ndarray, frame: bytes):
    """As gr-ieee802-11's decode_mac puts it out."""
    meta = pmt.make_dict()
    for key, value in (
        ("dlt", pmt.from_long(105)),
        ("frame bytes", pmt.from_long(len(frame) + 4)),
        ("snr", pmt.from_double(35.3)),
        ("nominal frequency", pmt.from_double(2.412e9)),
        ("csi", pmt.init_c32vector(52, csi.astype(np.complex64).ravel().tolist())),
    ):
        meta = pmt.dict_add(meta, pmt.intern(key), value)
    return pmt.cons(meta, pmt.init_u8vector(len(frame), list(frame)))


class Results:
    """A callback that keeps (port, fields, data), in order."""

    def __init__(self):
        self.got: list[tuple] = []

    def __call__(self, port, fields, data):
        self.got.append((port, fields, None if data is None else data.copy()))

    def fields(self, port: str) -> list[dict]:
        return [fields for its, fields, _ in self.got if its == port]


class CsiFlow(gr.top_block):
    """Posts messages into a CSI framer whose output a result sink collects."""

    def __init__(self, **parameters):
        gr.top_block.__init__(self, "csi")
        self.results = Results()
        self.framer = radiofm.csi_framer(**parameters)
        ports = [keys.PORT_WINDOWS, keys.PORT_STATUS]
        self.sink = radiofm.result_sink(self.results, ports)
        for port in ports:
            self.msg_connect((self.framer, port), (self.sink, port))

    def feed(self, messages) -> None:
        """Run with these messages until all are handled."""
        self.start()
        for message in messages:
            self.framer._post(pmt.intern(keys.PORT_CSI), message)
        deadline = time.monotonic() + 60
        while self.framer.backlog() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.stop()
        self.wait()

    @property
    def windows(self) -> list[tuple[dict, np.ndarray]]:
        return [(f, data) for port, f, data in self.results.got if port == keys.PORT_WINDOWS]

    @property
    def last_status(self) -> dict:
        return self.results.fields(keys.PORT_STATUS)[-1]


def test_our_own_packets_come_out_as_windows_of_the_channel():
    room = Room(antennas=2)
    packets = Receiver().packets(room, 3.0)
    flow = CsiFlow()
    flow.feed(to_pmt(csi_dict(p, mac=SENDER, rssi=-50, sequence=i)) for i, p in enumerate(packets))
    assert len(flow.windows) == 3
    for index, (fields, data) in enumerate(flow.windows):
        assert (fields[keys.ROWS], fields[keys.COLS]) == (200, 53)
        assert (fields[keys.CHANNELS], fields[keys.ANTENNAS]) == (4, 2)
        assert fields[keys.RX_TIME] == (START_S + index // 2, pytest.approx(0.5 * (index % 2)))
        assert fields[keys.START_TIME] == pytest.approx(START_S + 0.5 * index)
        assert fields[keys.DURATION] == 2.0
        assert fields[keys.ROW_DURATION] == 0.01
        assert fields[keys.FREQUENCY_STEP] == pytest.approx(312.5e3)
        assert fields[keys.PACKET_RATE] == pytest.approx(90, abs=8)
        assert fields[keys.JITTER] > 0
        assert fields[keys.SOURCE] == SENDER
        assert fields[keys.SPEC] == CsiSpec().fingerprint
        assert data.dtype == np.float32
        amplitude = data.reshape(200, 53, 4)[..., :2]
        expected = truth(room, CsiSpec(), 0.5 * index)
        assert np.sqrt(np.mean((amplitude - expected) ** 2)) < 0.03
    status = flow.last_status
    assert status[keys.PACKETS] == len(packets)
    assert status[keys.WINDOWS] == 3
    assert status[keys.REFUSED_WINDOWS] == status[keys.REFUSED_PACKETS] == status[keys.CUTS] == {}
    assert flow.framer.failures == 0


def test_packets_of_another_block_get_the_time_of_their_arrival():
    # a real sender of messages: its `done` ends the run, and the last window is not lost
    messages = [
        foreign_pdu(packet.csi, BEACON)
        for packet in Receiver(layout="legacy").packets(Room(), 10.0)
    ]
    top = gr.top_block()
    results = Results()
    strobe = blocks.message_strobe(messages[0], 5)
    framer = radiofm.csi_framer(window_duration=0.4, hop=0.2, min_packet_rate=20, max_missing=0.9)
    sink = radiofm.result_sink(results, [keys.PORT_WINDOWS, keys.PORT_STATUS])
    top.msg_connect((strobe, "strobe"), (framer, keys.PORT_CSI))
    top.msg_connect((framer, keys.PORT_WINDOWS), (sink, keys.PORT_WINDOWS))
    top.msg_connect((framer, keys.PORT_STATUS), (sink, keys.PORT_STATUS))
    before = time.time()
    top.start()
    # a channel that was measured again each time; a busy machine may leave gaps
    end = time.monotonic() + 60
    for message in itertools.cycle(messages):
        strobe.set_msg(message)
        time.sleep(0.003)
        if len(results.fields(keys.PORT_STATUS)) >= 3 and results.fields(keys.PORT_WINDOWS):
            break
        assert time.monotonic() < end, "no windows came"
    top.stop()
    top.wait()
    windows = results.fields(keys.PORT_WINDOWS)
    for fields in windows:
        assert before - 0.1 < fields[keys.START_TIME] < time.time()
        assert fields[keys.SOURCE] == SENDER
    # once a second, and once at the end
    assert len(results.fields(keys.PORT_STATUS)) >= 4
    assert framer.failures == 0


def test_real_messages_of_gr_ieee802_11_are_taken(gr_ieee80211_messages):
    flow = CsiFlow()
    flow.feed(gr_ieee80211_messages)
    assert flow.last_status[keys.PACKETS] == len(gr_ieee80211_messages)
    assert flow.last_status[keys.REFUSED_PACKETS] == {}
    assert flow.framer.failures == 0


def test_foreign_messages_are_counted_and_never_end_the_block():
    packets = Receiver(layout="legacy").packets(Room(), 2.5)
    good = [to_pmt(csi_dict(p)) for p in packets]
    nan = np.full(52, np.nan, np.float32)
    foreign = [
        pmt.PMT_NIL,
        pmt.from_long(3),
        pmt.cons(pmt.PMT_T, pmt.PMT_T),
        to_pmt({"a": 1}),
        to_pmt({keys.CSI: "text"}),
        to_pmt({keys.CSI: nan, keys.ROWS: "x"}),
        to_pmt({keys.CSI: nan, keys.SUBCARRIERS: "x"}),
        to_pmt({keys.CSI: nan, keys.RX_TIME: (START_S, 0.0)}),
        to_pmt({keys.CSI: np.ones(52, np.float32), keys.SUBCARRIERS: [0] * 52}),
        to_pmt({keys.CSI: np.ones(52, np.float32), keys.SUBCARRIER_SPACING: -1.0}),
        to_pmt({keys.CSI: np.ones(51, np.float32), keys.COLS: 51}),
        pmt.cons(pmt.make_dict(), pmt.init_s16vector(2, [1, 2])),
        pmt.cons(pmt.make_dict(), pmt.init_u8vector(0, [])),
    ]
    flow = CsiFlow()
    flow.feed([*good[:50], *foreign, *good[50:]])
    status = flow.last_status
    assert len(flow.windows) == 2
    assert status[keys.PACKETS] == len(good) + len(foreign)
    assert sum(status[keys.REFUSED_PACKETS].values()) == len(foreign)
    assert status[keys.REASON]
    assert flow.framer.failures == 0


def test_refused_windows_are_told_with_their_reason():
    packets = [p for p in Receiver().packets(Room(), 5.0) if not 2.2e9 < p.time_ns < 2.9e9]
    flow = CsiFlow()
    flow.feed(to_pmt(csi_dict(p)) for p in packets)
    status = flow.last_status
    assert status[keys.REFUSED_WINDOWS] == {"gap": 5}
    assert "0.5 s" in status[keys.REASON]
    assert len(flow.windows) == status[keys.WINDOWS] == 2


def test_mac_filter_lets_one_sender_through():
    packets = Receiver(layout="legacy").packets(Room(), 3.0)
    mine = [csi_dict(p, mac=SENDER.upper()) for p in packets]
    others = [csi_dict(p, mac="02:00:00:00:00:01") for p in packets]
    flow = CsiFlow(mac=SENDER.replace(":", "-"))
    flow.feed(to_pmt(m) for pair in zip(mine, others, strict=True) for m in pair)
    assert len(flow.windows) == 3
    assert flow.last_status[keys.REFUSED_PACKETS] == {"other_sender": len(packets)}


def test_a_second_run_begins_anew():
    packets = [to_pmt(csi_dict(p)) for p in Receiver().packets(Room(), 2.5)]
    flow = CsiFlow()
    for _ in range(2):
        flow.results.got.clear()
        flow.feed(packets)
        assert len(flow.windows) == 2
        assert flow.last_status[keys.PACKETS] == len(packets)
        assert flow.last_status[keys.CUTS] == {}


def test_wrong_parameters_are_named():
    for parameters, told in (
        ({"window_duration": -1.0}, "-1"),
        ({"hop": 0.123456}, "hop"),
        ({"max_missing": 2.0}, "2.0"),
        ({"mac": "here"}, "here"),
    ):
        with pytest.raises(UsageError, match=told):
            radiofm.csi_framer(**parameters)
    assert issubclass(UsageError, RadiofmError)


def test_spec_takes_the_place_of_the_numbers():
    spec = CsiSpec(duration_s=1.0, hop_s=1.0, rate_hz=50.0, min_packet_rate=10.0)
    assert radiofm.csi_framer(window_duration=7.0, spec=spec).spec == spec


def test_status_is_a_message_of_plain_values():
    flow = CsiFlow()
    back = from_pmt(to_pmt(flow.framer.status()))
    assert back == flow.framer.status()
