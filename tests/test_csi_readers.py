# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of CSI files: every number comes out at its subcarrier, its antenna and its time."""

import csi_files as files
import numpy as np
import pytest

from radiofm_core.csi import subcarriers
from radiofm_core.csi.placing import ENOUGH
from radiofm_core.csi.reader import open_csi, read_csi
from radiofm_core.errors import InputError


def by_antenna(csi):
    """(tones, receivers, streams) -> (antennas, tones), receiving ones running fastest."""
    return csi.transpose(2, 1, 0).reshape(-1, len(csi))


# ---- indices of 802.11


def test_tables_have_the_subcarriers_of_802_11():
    for table, count, first, last in (
        (subcarriers.NON_HT_20, 52, 1, 26),
        (subcarriers.HT_20, 56, 1, 28),
        (subcarriers.HT_40, 114, 2, 58),
        (subcarriers.VHT_80, 242, 2, 122),
        (subcarriers.VHT_160, 484, 6, 250),
        (subcarriers.HE_160, 1992, 12, 1012),
        (subcarriers.INTEL_5300_20, 30, 1, 28),
        (subcarriers.INTEL_5300_40, 30, 2, 58),
    ):
        assert table.dtype == np.int16 and len(table) == count and (np.diff(table) > 0).all()
        assert table[-1] == last == -table[0] and table[table > 0][0] == first
    assert {-21, -7, 7, 21} <= set(subcarriers.HT_20.tolist())
    assert subcarriers.INTEL_5300_20[[0, 13, 14, 15, 16, 29]].tolist() == [-28, -2, -1, 1, 3, 28]


def test_arrays_without_indices_get_the_usual_ones():
    assert np.array_equal(subcarriers.usual_indices(56), subcarriers.HT_20)
    assert subcarriers.usual_indices(64).tolist() == list(range(-32, 32))


# ---- Intel 5300


def test_intel_values_antennas_bandwidth_and_power(write_file):
    csi = files.estimate(6, 30, 127).reshape(30, 3, 2)
    # Chain 0 is antenna 2, chain 1 antenna 0, chain 2 antenna 1
    narrow = files.intel_record(csi, 5_000_000, (30, 30, 0), 10, selection=0b010010)
    wide = files.intel_record(csi, 5_010_000, rate=0x900)
    capture = read_csi(write_file(narrow + b"\x00\x05\xc1abcd" + wide))
    assert (capture.format, capture.chip) == ("Intel 5300", "IWL5300")
    assert capture.skipped == {"record without CSI": 1}
    first, second = capture.packets
    assert np.array_equal(first.csi, by_antenna(csi[:, [1, 2, 0]]))
    assert np.array_equal(second.csi, by_antenna(csi))
    assert np.array_equal(first.subcarriers, subcarriers.INTEL_5300_20)
    assert np.array_equal(second.subcarriers, subcarriers.INTEL_5300_40)
    assert first.csi.dtype == np.complex64 and not first.time_is_absolute
    assert second.time_ns - first.time_ns == 10_000_000
    assert first.rssi_dbm == pytest.approx(30 + 10 * np.log10(2) - 44 - 10)


def test_clock_of_32_bits_runs_on_and_steps_back_are_counted_in_place(write_file):
    csi = files.estimate(1, 30, 99).reshape(30, 1, 1)
    ticks = [2**32 - 1000, 500, 2500, 1500]
    capture = read_csi(write_file(b"".join(files.intel_record(csi, tick) for tick in ticks)))
    assert np.diff([p.time_ns for p in capture.packets]).tolist() == [
        1_500_000,
        2_000_000,
        -1_000_000,
    ]
    assert capture.steps_back == 1


# ---- Atheros


@pytest.mark.parametrize(("order", "flag"), [("<", b""), (">", b""), (">", b"\xff"), ("<", b"\0")])
@pytest.mark.parametrize("tones", [56, 114])
def test_atheros_values_sender_and_byte_order(write_file, order, flag, tones):
    csi = files.estimate(6, tones, 511).reshape(tones, 2, 3)
    empty = files.atheros_record(csi[:0], 1_000_000, order)
    record = files.atheros_record(csi, 7_000_000_000, order)
    capture = read_csi(write_file(flag + empty + record))
    assert capture.format == "Atheros" and capture.skipped == {"record without CSI": 1}
    (packet,) = capture.packets
    assert np.array_equal(packet.csi, csi.reshape(tones, 6).T)
    assert packet.subcarriers[-1] == {56: 28, 114: 58}[tones]
    assert (packet.mac, packet.sequence) == (files.SENDER, files.SEQUENCE)
    assert packet.time_ns == 7 * 10**12 and packet.rssi_dbm == 40 - 95


# ---- PicoScenes


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_picoscenes_devices(write_file, version):
    intel = files.estimate(4, 30, 127).reshape(30, 2, 2)
    atheros = files.estimate(6, 114, 511).reshape(114, 2, 3)
    # AX210: receivers, streams, tones, the last running fastest
    ax = files.estimate(4, 242, 9000, 1).T.reshape(2, 2, 242)
    ax_bytes = np.stack([ax.real, ax.imag], -1).astype("<i2").tobytes()
    offset = 3 if version > 1 else 0
    frames = [
        files.picoscenes_frame(
            0x5300, files.pack_intel(intel), 10**6, tones=30, receivers=2, streams=2,
            version=version, selection=0b000001, offset=offset,
        ),
        files.picoscenes_frame(
            0x9300, files.pack_atheros(atheros), 2 * 10**6, tones=114, receivers=3, streams=1,
            version=version, bandwidth=40,
        ),
        files.picoscenes_frame(
            0x2100, ax_bytes, 3 * 10**6, tones=242, receivers=2, streams=2,
            version=version, packet_format=3, spacing=78125,
        ),
    ]  # fmt: skip
    capture = read_csi(write_file(b"".join(frames)))
    assert capture.format == "PicoScenes" and capture.skipped == {}
    first, second, third = capture.packets
    assert np.array_equal(first.csi, by_antenna(intel[:, [1, 0]]))
    assert np.array_equal(first.subcarriers, subcarriers.INTEL_5300_20 + offset)
    # A stream that only sounds the channel is an antenna as well
    assert np.array_equal(second.csi, atheros.reshape(114, 6).T)
    # the firmware does not estimate the channel at pilots
    kept = ~np.isin(np.abs(subcarriers.HE_20), (22, 48, 90, 116))
    assert np.array_equal(third.csi, ax.transpose(1, 0, 2).reshape(4, 242)[:, kept])
    assert third.subcarrier_hz == 78125 and third.subcarriers[-1] == 122
    assert (first.mac, first.sequence) == (files.SENDER, files.SEQUENCE)
    assert second.time_ns - first.time_ns == 10**9 and first.rssi_dbm == 40 - 95


@pytest.mark.parametrize("majority", ["C", "R"])
def test_picoscenes_usrp_matrix_and_absolute_time(write_file, majority):
    csi = files.estimate(6, 52, 99).reshape(52, 2, 3)
    indices = subcarriers.NON_HT_20.astype("<i2").tobytes()
    data = indices + files.signal_matrix(csi, majority)
    path = write_file(
        files.picoscenes_frame(0x1234, data, 17 * 10**17, tones=52, receivers=3, streams=2)
    )
    (packet,) = read_csi(path).packets
    assert np.array_equal(packet.csi, csi.reshape(52, 6).T)
    assert packet.time_ns == 17 * 10**17 and packet.time_is_absolute


# ---- files that are none of these


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"hello world, nothing here", "unknown format.*68 65 6c.*Intel 5300"),
        (b"\x0a\x0d\x0d\x0a" + bytes(60), "pcapng.*tcpdump -r"),
        (b"\x93NUMPY\x01\x00", "no times; save both"),
        (b"PK\x05\x06" + bytes(18), "holds nothing"),
        (b"PK\x03\x04" + bytes(18), "damaged"),
    ],
)
def test_other_files_are_refused_with_advice(write_file, content, words):
    with pytest.raises(InputError, match=words) as caught:
        read_csi(write_file(content))
    assert "x.bin" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "nothing.dat", "nul\0.dat"])
def test_paths_that_are_no_file(tmp_path, name):
    with pytest.raises(InputError):
        read_csi(f"{tmp_path}/{name}")


def test_packets_come_one_by_one_with_an_account(write_file):
    csi = files.estimate(1, 30, 99).reshape(30, 1, 1)
    records = [files.intel_record(csi, tick) for tick in range(3 * ENOUGH)]
    reader = open_csi(write_file(b"".join(records)))
    packets = iter(reader)
    next(packets)
    # a few are looked at for their times
    assert reader.tally.packets == ENOUGH and reader.format == "Intel 5300"
    assert len(list(packets)) == len(records) - 1 and len(list(reader)) == len(records)
