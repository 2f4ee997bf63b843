# SPDX-License-Identifier: GPL-3.0-or-later
"""Real CSI files of each format: the same packets and numbers as another reader finds in them.

That reader is csiread. The product does not use it: on damaged files it ends the process (its
parsers write past their buffers), and it has no build for ARM, where nexmon lives.
"""

from collections import Counter

import numpy as np
import pytest

from radiofm_core.csi import subcarriers
from radiofm_core.csi.reader import read_csi

csiread = pytest.importorskip(
    "csiread", reason="csiread is not installed (it has no build for this machine or Python)"
)


@pytest.fixture
def formats(shared_data):
    return shared_data / "csi/formats"


def by_antenna(csi):
    """(tones, receivers, streams) -> (antennas, tones), receiving ones running fastest."""
    return csi.transpose(2, 1, 0).reshape(-1, len(csi))


def test_intel_5300(formats):
    path = formats / "sample_0x1_ap.dat"
    theirs = csiread.Intel(str(path), nrxnum=3, ntxnum=3, if_report=False)
    theirs.read()
    capture = read_csi(path)
    assert len(capture.packets) == theirs.count == 540 and capture.skipped == {}
    power = theirs.get_total_rss()
    for i, packet in enumerate(capture.packets):
        wanted = theirs.csi[i, :, : theirs.Nrx[i], : theirs.Ntx[i]]
        assert np.array_equal(packet.csi, by_antenna(wanted))
        assert packet.rssi_dbm == pytest.approx(power[i])
    times = np.array([packet.time_ns for packet in capture.packets])
    assert np.array_equal(times, theirs.timestamp_low.astype(np.int64) * 1000)


def test_atheros(formats):
    path = formats / "ath_csi_1.dat"
    theirs = csiread.Atheros(str(path), nrxnum=3, ntxnum=2, if_report=False)
    theirs.read()
    capture = read_csi(path)
    assert len(capture.packets) == theirs.count == 401 and capture.skipped == {}
    for i, packet in enumerate(capture.packets):
        # csiread has streams run fastest; the tool that wrote the file, and PicoScenes on the
        # same card, receiving chains
        assert np.array_equal(packet.csi, theirs.csi[i].reshape(56, 6).T)
        assert packet.time_ns == int(theirs.timestamp[i]) * 1000
    assert np.array_equal(capture.packets[0].subcarriers, subcarriers.HT_20)
    assert len({packet.mac for packet in capture.packets}) == 1


def test_nexmon_43455c0(formats):
    path = formats / "nexmon_43455c0.pcap"
    theirs = csiread.Nexmon(str(path), chip="43455c0", bw=80, if_report=False)
    theirs.read()
    capture = read_csi(path)
    assert capture.chip == "43455c0" and capture.skipped == {}
    assert len(capture.packets) == theirs.count == 566
    for i, packet in enumerate(capture.packets):
        assert np.array_equal(packet.subcarriers, subcarriers.VHT_80)
        # csiread keeps the FFT's order: the null subcarriers are left out here
        assert np.array_equal(packet.csi[0], theirs.csi[i][packet.subcarriers])
        seconds, micros = int(theirs.sec[i]), int(theirs.usec[i])
        assert packet.time_ns == seconds * 10**9 + micros * 1000
        assert packet.mac == bytes(theirs.src_addr[i].tolist()).hex(":")


def test_nexmon_4358_of_four_antennas(formats):
    path = formats / "example.pcap"
    theirs = csiread.Nexmon(str(path), chip="4358", bw=80, if_report=False)
    theirs.read()
    capture = read_csi(path)
    assert capture.chip == "4358" and theirs.count == 4
    (packet,) = capture.packets
    # csiread's own grouping: [frame, core, stream]
    order = theirs.group(2, 2)
    assert order.shape == (1, 2, 2) and packet.csi.shape == (4, 242)
    for antenna, number in enumerate(order[0].T.ravel()):
        wanted = theirs.csi[number][packet.subcarriers]
        # csiread scales each datagram to ten bits and cuts the rest off
        scale = np.abs(wanted).max() / np.abs(packet.csi[antenna]).max()
        assert np.abs(packet.csi[antenna] * scale - wanted).max() < 3
        assert np.log2(scale) == pytest.approx(round(np.log2(scale)), abs=0.01)
    assert packet.sequence == theirs.seq[0] >> 4


@pytest.mark.parametrize("name", ["rx_by_iwl5300", "rx_by_qca9300", "rx_by_usrpN210"])
def test_picoscenes(formats, name):
    path = formats / f"{name}.csi"
    theirs = csiread.Picoscenes(str(path), {"CSI": [56, 3, 3]}, if_report=False)
    theirs.read()
    capture = read_csi(path)
    counts = {"rx_by_iwl5300": 383, "rx_by_qca9300": 1000, "rx_by_usrpN210": 74}
    assert len(capture.packets) == theirs.count == counts[name] and capture.skipped == {}
    for raw, packet in zip(theirs.raw, capture.packets, strict=True):
        info = raw["CSI"]["Info"]
        tones, receivers = int(info["NumTones"]), int(info["NumRx"])
        streams = int(info["NumTx"]) + int(info["NumESS"])
        wanted = raw["CSI"]["CSI"][:tones, :receivers, :streams]
        if name == "rx_by_iwl5300":
            # csiread leaves the receiving chains in the card's order
            chosen = [int(info["ANTSEL"]) >> 2 * chain & 3 for chain in range(receivers)]
            wanted = wanted[:, np.argsort(chosen)]
        assert np.array_equal(packet.csi, by_antenna(wanted).astype(np.complex64))
        assert np.array_equal(packet.subcarriers, raw["CSI"]["SubcarrierIndex"][:tones])
        assert packet.subcarrier_hz == 312.5e3
        ticks = int(raw["RxSBasic"]["Timestamp"])
        assert packet.time_ns == (ticks if packet.time_is_absolute else ticks * 1000)
        assert packet.rssi_dbm in (None, raw["RxSBasic"]["RSSI"])


def test_esp32_csi_tool(formats):
    path = formats / "example_csi.csv"
    theirs = csiread.ESP32(str(path), if_report=False)
    theirs.read()
    capture = read_csi(path)
    assert capture.chip == "ESP32-CSI-Tool" and capture.skipped == {}
    assert len(capture.packets) == theirs.count == 13
    for i, packet in enumerate(capture.packets):
        assert np.array_equal(packet.subcarriers, subcarriers.NON_HT_20)
        # The channel's second half lies above: the legacy field begins 32 below its own centre
        assert np.array_equal(packet.csi[0], theirs.csi[i][packet.subcarriers + 32])
        assert packet.time_ns == theirs.local_timestamp[i] * 1000
        assert packet.rssi_dbm == theirs.rssi[i]


def test_channels_are_smooth_over_subcarriers(formats):
    """Neighbours differ by less than the whole band does: no index is out of place."""
    for name in ("sample_0x1_ap.dat", "ath_csi_1.dat", "rx_by_qca9300.csi", "example_csi.csv"):
        packets = read_csi(formats / name).packets
        amplitude = np.abs(np.concatenate([packet.csi for packet in packets]))
        amplitude = amplitude[amplitude.min(1) > 0]
        step = np.abs(np.diff(amplitude, axis=1)).mean()
        assert step < 0.5 * amplitude.std(axis=1).mean(), name


def test_shapes_in_real_files(formats):
    shapes = {
        "sample_0x1_ap.dat": {(6, 30): 540},
        "ath_csi_1.dat": {(6, 56): 401},
        "nexmon_43455c0.pcap": {(1, 242): 566},
        "example.pcap": {(4, 242): 1},
        "example_csi.csv": {(1, 52): 13},
        "rx_by_iwl5300.csi": {(2, 30): 368, (3, 30): 11, (1, 30): 3, (6, 30): 1},
        "rx_by_qca9300.csi": {(3, 56): 1000},
        "rx_by_usrpN210.csi": {(1, 52): 68, (1, 56): 6},
    }
    for name, wanted in shapes.items():
        assert Counter(packet.csi.shape for packet in read_csi(formats / name).packets) == wanted
