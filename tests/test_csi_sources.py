# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks that give CSI packets: whole files, bounded queues, live ones, errors in one line."""

import os
import pty
import socket
import threading
import time

import csi_files as files
import numpy as np
import pytest
from activity_flow import SPEC, make_bundle
from csi_room import Receiver, Room
from gnuradio import gr, radiofm
from gnuradio.radiofm.blocks.csi_source import LOOK_EVERY, MAX_BACKLOG
from gnuradio.radiofm.pmts.csi_messages import csi_packet, packet_fields
from gnuradio.radiofm.pmts.messages import to_pmt
from segmenter_flow import Results

from radiofm_core import keys
from radiofm_core.csi.reader import read_csi
from radiofm_core.csi.windows import frame_packets
from radiofm_core.errors import InputError

WAIT_S = 60
# To stop in: what would not be held up by the wrong thing takes far longer, a busy machine less
STOP_S = 5.0
CSI = files.estimate(1, 64, 99)[:, 0]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A file of 20 s: 1800 packets, 37 windows."""
    packets = Receiver().packets(Room(), 20.0)
    path = tmp_path_factory.mktemp("csi") / "room.npz"
    csi = np.stack([packet.csi[0] for packet in packets])
    np.savez(path, csi=csi, time_s=np.array([packet.time_ns * 1e-9 for packet in packets]))
    return path


class SourceFlow(gr.top_block):
    """source -> framer (-> classifier) -> result sink; the source's status goes there, too."""

    def __init__(self, source, classifier=None):
        gr.top_block.__init__(self, "source flow", catch_exceptions=True)
        self.results, self.status = Results(), Results()
        self.source, self.classifier = source, classifier
        self.framer = radiofm.csi_framer(spec=SPEC)
        self.status_sink = radiofm.result_sink(self.status, [keys.PORT_STATUS])
        self.msg_connect((source, keys.PORT_CSI), (self.framer, keys.PORT_CSI))
        self.msg_connect((source, keys.PORT_STATUS), (self.status_sink, keys.PORT_STATUS))
        last, port = self.framer, keys.PORT_WINDOWS
        if classifier is not None:
            self.msg_connect((last, port), (classifier, port))
            last, port = classifier, keys.PORT_ACTIVITY
        self.sink = radiofm.result_sink(self.results, [port])
        self.msg_connect((last, port), (self.sink, port))

    @property
    def last_status(self) -> dict:
        return self.status.fields(keys.PORT_STATUS)[-1]

    def wait_for(self, condition) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, "nothing came"
            time.sleep(0.01)

    def end(self) -> float:
        """Stop in mid-stream; returns how long that took (s)."""
        begin = time.monotonic()
        self.stop()
        self.wait()
        return time.monotonic() - begin


@pytest.mark.parametrize("layout", ["legacy", "ht20", "intel40"])
def test_a_packet_comes_out_of_its_message_as_it_went_in(layout):
    packet = Receiver(layout=layout).packets(Room(antennas=2), 1.0)[7]
    back = csi_packet(to_pmt(packet_fields(packet)), 0)
    assert np.array_equal(back.csi, packet.csi) and back.csi.dtype == packet.csi.dtype
    assert np.array_equal(back.subcarriers, packet.subcarriers)
    for name in ("time_ns", "mac", "sequence", "rssi_dbm", "subcarrier_hz"):
        assert getattr(back, name) == getattr(packet, name)


def test_a_file_comes_through_whole_and_ends_the_flowgraph(recording):
    packets = read_csi(recording).packets
    expected = list(frame_packets(packets, SPEC))
    flow = SourceFlow(radiofm.csi_recording_source(recording))
    for _ in range(2):
        flow.results.got.clear()
        flow.run()
        got = flow.results.got[keys.PORT_WINDOWS]
        assert len(got) == len(expected)
        for (fields, values), window in zip(got, expected, strict=True):
            assert np.array_equal(values, window.values.ravel())
            assert fields[keys.LOST_PACKETS] == window.lost_packets
        assert flow.last_status == {"packets": len(packets), "dropped": 0, "refused_packets": {}}


def test_a_slow_model_holds_the_file_up_and_nothing_is_lost(tmp_path, recording):
    # 0.02 s a packet's share of the model: the file would be read in a fraction of that
    bundle = make_bundle(tmp_path / "slow.pt", pause=0.02)
    deepest = 0

    class Watching(Results):
        def __call__(self, port, fields, data):
            nonlocal deepest
            deepest = max(deepest, flow.framer.backlog() + flow.classifier.backlog())
            super().__call__(port, fields, data)

    flow = SourceFlow(
        radiofm.csi_recording_source(recording),
        radiofm.activity_classifier(bundle, max_batch=1),
    )
    flow.results = Watching()
    flow.sink._callback = flow.results
    flow.run()
    windows = len(list(frame_packets(read_csi(recording).packets, SPEC)))
    assert len(flow.results.fields(keys.PORT_ACTIVITY)) == windows
    assert deepest <= MAX_BACKLOG + LOOK_EVERY


def test_at_the_recorded_pace_a_file_takes_its_time(tmp_path):
    packets = Receiver(loss=0).packets(Room(), 1.0)
    path = tmp_path / "second.npz"
    times = np.array([packet.time_ns * 1e-9 for packet in packets])
    np.savez(path, csi=np.stack([packet.csi[0] for packet in packets]), time_s=times)
    flow = SourceFlow(radiofm.csi_recording_source(path, real_time=True))
    begin = time.monotonic()
    flow.run()
    assert time.monotonic() - begin >= times[-1]
    assert flow.last_status[keys.PACKETS] == len(packets)


def test_a_file_stops_in_the_middle(tmp_path, recording):
    bundle = make_bundle(tmp_path / "slow.pt", pause=0.5)
    for real_time in (False, True):
        flow = SourceFlow(
            radiofm.csi_recording_source(recording, real_time),
            radiofm.activity_classifier(bundle, max_batch=1),
        )
        flow.start()
        flow.wait_for(lambda its=flow: its.source.status()[keys.PACKETS] > 20)
        assert flow.end() < STOP_S


def test_a_file_that_fails_later_ends_the_flowgraph_with_one_line(tmp_path, recording, capfd):
    path = tmp_path / "gone.npz"
    path.write_bytes(recording.read_bytes())
    flow = SourceFlow(radiofm.csi_recording_source(path))
    path.unlink()
    flow.run()
    assert "gone.npz" in flow.last_status[keys.ERROR]
    assert "".join(capfd.readouterr()).count("gone.npz") == 1


def test_a_file_that_is_none_is_refused_at_once(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz"):
        radiofm.csi_recording_source(tmp_path / "none.npz")


def test_datagrams_of_nexmon_are_sent_on():
    flow = SourceFlow(radiofm.nexmon_udp_source(0, "127.0.0.1"))
    for _ in range(2):
        flow.start()
        flow.wait_for(lambda: flow.source._source.address[1])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for number in range(5):
                datagram = files.nexmon_datagram(files.int16_words(CSI), sequence=number)
                udp.sendto(datagram, flow.source._source.address)
            udp.sendto(b"something else", flow.source._source.address)
        flow.wait_for(lambda: flow.source.status()[keys.REFUSED_PACKETS])
        flow.wait_for(lambda: flow.framer.status()[keys.PACKETS] == 5)
        assert flow.end() < STOP_S
        assert flow.framer.status()[keys.REFUSED_PACKETS] == {}
        assert flow.source.status() == {
            "packets": 5,
            "dropped": 0,
            "refused_packets": {"datagram not from nexmon_csi": 1},
        }


def test_a_port_in_use_ends_the_flowgraph_with_one_line(capfd):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        flow = SourceFlow(radiofm.nexmon_udp_source(port, "127.0.0.1"))
        flow.run()
    assert f"UDP port {port}" in flow.last_status[keys.ERROR]
    assert "".join(capfd.readouterr()).count(f"UDP port {port}") == 1


def test_an_esp32_whose_cable_is_pulled_is_waited_for(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("gnuradio.radiofm.blocks.csi_source.LEAST_WAIT_S", 0.2)
    controller, device = pty.openpty()
    port = tmp_path / "ttyUSB0"
    port.symlink_to(os.ttyname(device))
    flow = SourceFlow(radiofm.esp32_serial_source(str(port)))
    flow.start()
    # what comes before it is open is not for it
    flow.wait_for(lambda: any(t.name == "Esp32SerialSource" for t in threading.enumerate()))
    buffer = files.buffer_of(np.concatenate([CSI, CSI]))
    for tick in (10_000, 20_000, 30_000):
        os.write(controller, f"{files.esp_csi_line(buffer, tick)}\r\n".encode())
        time.sleep(0.05)
    flow.wait_for(lambda: flow.framer.status()[keys.PACKETS] == 3)
    os.write(controller, b"CSI_DATA,1,2,[3]\r\n")
    flow.wait_for(lambda: flow.source.status()[keys.REFUSED_PACKETS])
    port.unlink()
    os.close(controller)
    os.close(device)
    flow.wait_for(lambda: str(port) in flow.source.status().get(keys.ERROR, ""))
    # the same board on another device
    controller, device = pty.openpty()
    port.symlink_to(os.ttyname(device))
    serial = flow.source._source
    flow.wait_for(lambda: flow.source._source is not serial)
    flow.wait_for(lambda: flow.source._source._thread is not None)
    for tick in (40_000, 50_000):
        os.write(controller, f"{files.esp_csi_line(buffer, tick)}\r\n".encode())
        time.sleep(0.05)
    flow.wait_for(lambda: flow.framer.status()[keys.PACKETS] == 5)
    # what was counted before it was lost is kept, and the error is gone
    assert flow.source.status() == {
        "packets": 5,
        "dropped": 0,
        "refused_packets": {"line of 3 columns, an unknown format": 1},
    }
    assert flow.end() < STOP_S
    os.close(controller)
    os.close(device)
    told = "".join(capfd.readouterr())
    assert told.count("the serial port was lost") == told.count("packets come again") == 1


def test_a_lost_board_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr("gnuradio.radiofm.blocks.csi_source.LEAST_WAIT_S", 30.0)
    controller, device = pty.openpty()
    flow = SourceFlow(radiofm.esp32_serial_source(os.ttyname(device)))
    flow.start()
    flow.wait_for(lambda: flow.source._source._thread is not None)
    os.close(controller)
    os.close(device)
    flow.wait_for(lambda: keys.ERROR in flow.source.status())
    assert flow.end() < STOP_S


def test_a_missing_serial_port_ends_the_flowgraph_with_one_line():
    flow = SourceFlow(radiofm.esp32_serial_source("/dev/none"))
    flow.run()
    assert "/dev/none" in flow.last_status[keys.ERROR]
