# SPDX-License-Identifier: GPL-3.0-or-later
"""Intel AX200 and AX210, as FeitCSI and PicoScenes write them: subcarriers, chains, clocks."""

import csi_files as files
import numpy as np
import pytest

from radiofm_core.csi import subcarriers
from radiofm_core.csi.columns import SubcarrierMap
from radiofm_core.csi.formats.intel_ax import ax_layout
from radiofm_core.csi.reader import read_csi
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import InputError

NON_HT, HT, VHT, HE = 1, 2, 3, 4


def place_numbers(receivers: int, streams: int, tones: int) -> np.ndarray:
    """(receivers, streams, tones): real part its place, imaginary part its pair of chains."""
    pairs = np.arange(receivers * streams).reshape(receivers, streams, 1)
    return np.arange(1, tones + 1) + 1j * pairs


@pytest.mark.parametrize(
    ("kind", "width", "table", "pilots"),
    [
        (NON_HT, 20, subcarriers.NON_HT_20, 4),
        (HT, 20, subcarriers.HT_20, 4),
        (HT, 40, subcarriers.HT_40, 6),
        (VHT, 20, subcarriers.HT_20, 4),
        (VHT, 40, subcarriers.HT_40, 6),
        (VHT, 80, subcarriers.VHT_80, 8),
        (VHT, 160, subcarriers.VHT_160, 16),
        (HE, 20, subcarriers.HE_20, 8),
        (HE, 40, subcarriers.HE_40, 16),
        (HE, 80, subcarriers.HE_80, 16),
        (HE, 160, subcarriers.HE_160, 32),
    ],
)
def test_each_width_of_each_format(write_file, kind, width, table, pilots):
    csi = place_numbers(2, 2, len(table))
    code = (20, 40, 80, 160).index(width)
    record = files.feitcsi_record(csi, 5, packet_format=kind, width=code)
    capture = read_csi(write_file(record))
    assert (capture.format, capture.chip) == ("FeitCSI", "AX200/AX210") and not capture.skipped
    (packet,) = capture.packets
    assert packet.csi.shape == (4, len(table) - pilots)
    assert packet.subcarrier_hz == (78125 if kind == HE else 312500)
    places = np.searchsorted(table, packet.subcarriers)
    assert np.array_equal(table[places], packet.subcarriers)
    # receiving chains run fastest
    assert np.array_equal(packet.csi, csi.transpose(1, 0, 2).reshape(4, -1)[:, places])
    # what is left out lies on both sides alike, and the edges of the band stay
    left_out = np.setdiff1d(table, packet.subcarriers)
    assert np.array_equal(left_out, -left_out[::-1]) and table[0] in packet.subcarriers


@pytest.mark.parametrize(("kind", "tones", "between"), [(VHT, 484, 14), (HE, 1992, 28)])
def test_what_firmware_writes_between_two_halves_of_160_mhz_is_no_channel(kind, tones, between):
    plain = ax_layout(kind, 160, tones)
    longer = ax_layout(kind, 160, tones + between)
    assert np.array_equal(plain.subcarriers, longer.subcarriers)
    upper = plain.subcarriers > 0
    assert np.array_equal(longer.places[~upper], plain.places[~upper])
    assert np.array_equal(longer.places[upper], plain.places[upper] + between)
    assert ax_layout(kind, 160, tones + 1) is None


@pytest.mark.parametrize(("kind", "tones"), [(VHT, 484), (HE, 1992)])
def test_of_160_mhz_windows_hold_the_middle_of_the_lower_half(kind, tones):
    layout = ax_layout(kind, 160, tones)
    columns = SubcarrierMap(layout.subcarriers, layout.subcarrier_hz, CsiSpec())
    frequencies = layout.subcarriers * layout.subcarrier_hz
    found = columns(frequencies.astype(np.float32))
    assert found == pytest.approx(CsiSpec().frequencies_hz - 40e6, abs=1e3)


def test_power_sender_and_the_card_s_clock_that_starts_again(write_file):
    csi = place_numbers(2, 1, 56)
    ticks = (2**32 - 1000, 2**32 + 9000)
    capture = read_csi(write_file(b"".join(files.feitcsi_record(csi, tick) for tick in ticks)))
    first, second = capture.packets
    assert second.time_ns - first.time_ns == 10_000_000 and not first.time_is_absolute
    assert first.mac == files.SENDER and first.sequence is None
    assert first.rssi_dbm == pytest.approx(10 * np.log10(1e-4 + 1e-5))
    alone = read_csi(write_file(files.feitcsi_record(csi, 1, rssi=(40, 0)))).packets[0]
    assert alone.rssi_dbm == pytest.approx(-40)


def test_the_host_s_time_dates_packets_and_the_card_s_clock_spaces_them(write_file):
    csi = place_numbers(1, 1, 56)
    host = 1_700_000_000_000_000
    # the host got the second one late
    records = [(1000, host), (11_000, host + 25_000)]
    content = b"".join(files.feitcsi_record(csi, tick, host_us=us) for tick, us in records)
    first, second = read_csi(write_file(content)).packets
    assert first.time_is_absolute and first.time_ns == host * 1000
    assert second.time_ns - first.time_ns == 10_000_000


def test_packets_that_are_not_read_are_counted_with_their_kind(write_file):
    good = files.feitcsi_record(place_numbers(1, 1, 56), 1)
    eht = files.feitcsi_record(place_numbers(1, 1, 996), 2, packet_format=5, width=2)
    odd = files.feitcsi_record(place_numbers(1, 1, 57), 3)
    later = files.feitcsi_record(place_numbers(1, 1, 56), 4)
    capture = read_csi(write_file(good + eht + odd + later))
    assert len(capture.packets) == 2
    assert capture.skipped == {
        "packet of EHT at 80 MHz with 996 subcarriers, which is not read": 1,
        "packet of HT at 20 MHz with 57 subcarriers, which is not read": 1,
    }
    with pytest.raises(InputError, match=r"FeitCSI\): no packet can be used .*EHT"):
        read_csi(write_file(eht))


def test_damage_ends_a_file_with_its_count(write_file):
    good = files.feitcsi_record(place_numbers(1, 1, 56), 1)
    broken = files.ax_header(1, 1, 56, 2, csi_bytes=999)
    assert read_csi(write_file(good + broken + good)).skipped == {
        "damaged from a record with an impossible header on": 1
    }
    for cut in (100, 300):
        assert read_csi(write_file(good + good[:cut])).skipped == {
            "cut off at the end of the file": 1
        }


def test_picoscenes_takes_the_clock_of_the_card_s_own_header(write_file):
    csi = place_numbers(2, 1, 56)
    frames = [
        files.picoscenes_frame(
            0x2000, files.ax_estimate(csi), 0, tones=56, receivers=2, streams=1, version=4,
            mvm=files.ax_header(2, 1, 56, tick), name_end="\0",
        )
        for tick in (2**32 - 1000, 2**32 + 4000)
    ]  # fmt: skip
    capture = read_csi(write_file(b"".join(frames)))
    assert capture.chip == "AX200" and not capture.skipped
    first, second = capture.packets
    assert second.time_ns - first.time_ns == 5_000_000 and not first.time_is_absolute
    kept = ~np.isin(np.abs(subcarriers.HT_20), (7, 21))
    assert np.array_equal(first.csi, csi.reshape(2, 56)[:, kept])
    assert np.array_equal(first.subcarriers, subcarriers.HT_20[kept])
