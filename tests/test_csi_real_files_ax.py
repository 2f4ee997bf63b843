# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files of Intel AX200 and AX210: the same packets and numbers as CSIKit finds in them."""

import numpy as np
import pytest

from radiofm_core.csi import subcarriers
from radiofm_core.csi.reader import read_csi

readers = pytest.importorskip(
    "CSIKit.reader", reason="CSIKit is not installed (requirements-dev.txt)"
)
# What is left out of each layout
PILOTS = {52: (7, 21), 56: (7, 21), 242: (11, 39, 75, 103)}
HE_20_PILOTS = (22, 48, 90, 116)
TABLES = {52: subcarriers.NON_HT_20, 56: subcarriers.HT_20, 242: subcarriers.VHT_80}


@pytest.fixture
def formats(shared_data):
    return shared_data / "csi/formats"


def compare(packet, wanted, pilots):
    """wanted (tones, receivers, streams)."""
    table = TABLES[len(wanted)]
    kept = ~np.isin(np.abs(table), pilots)
    assert np.array_equal(packet.subcarriers, table[kept])
    assert np.array_equal(packet.csi, wanted[kept].transpose(2, 1, 0).reshape(-1, kept.sum()))
    # the firmware writes the same at pilots whatever the channel, so nothing is lost
    return np.abs(wanted[~kept])


@pytest.mark.parametrize(
    ("name", "pilots", "spacing"),
    [("HT20_2452", (7, 21), 312.5e3), ("VHT80_5500", PILOTS[242], 312.5e3),
     ("HESU20_5500", HE_20_PILOTS, 78.125e3)],
)  # fmt: skip
def test_feitcsi(formats, name, pilots, spacing):
    path = formats / f"feitcsi_{name}.csi"
    theirs = readers.FeitCSIBeamformReader().read_file(str(path), interpolate=False)
    capture = read_csi(path)
    assert capture.format == "FeitCSI" and capture.skipped == {} and capture.steps_back == 0
    assert len(capture.packets) == len(theirs.frames) > 20
    for packet, frame in zip(capture.packets, theirs.frames, strict=True):
        assert not compare(packet, frame.csi_matrix, pilots).any()
        assert packet.subcarrier_hz == spacing
        assert packet.mac == bytes(frame.source_mac).hex(":")
        strongest = -min(frame.rssi_1, frame.rssi_2)
        assert strongest <= packet.rssi_dbm <= strongest + 3.02
    # CSIKit's times are from the clock of 320 MHz, ours from the one of 1 MHz
    times = np.array([packet.time_ns for packet in capture.packets]) * 1e-9
    apart = np.diff(times) - np.diff(theirs.timestamps)
    assert np.abs(apart).max() < 5e-6


def test_picoscenes_of_an_ax200(formats):
    path = formats / "picoscenes_ax200_demo.csi"
    theirs = readers.PicoScenesBeamformReader().read_file(str(path))
    capture = read_csi(path)
    assert (capture.format, capture.chip) == ("PicoScenes", "AX200")
    assert capture.skipped == {} and len(capture.packets) == len(theirs.frames) == 885
    for packet, frame in zip(capture.packets, theirs.frames, strict=True):
        compare(packet, frame.csi_matrix, PILOTS[len(frame.csi_matrix)])
    times = np.array([packet.time_ns for packet in capture.packets]) * 1e-9
    assert times - times[0] == pytest.approx(np.array(theirs.timestamps), abs=1e-9)
    assert np.diff(times).min() > 0
