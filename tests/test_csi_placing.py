# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets without times of their own: by their sequence numbers, or at the rate that is told."""

import csi_files as files
import numpy as np
import pytest

from radiofm_core.csi import subcarriers
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.placing import LOOK_AHEAD, Placing
from radiofm_core.csi.reader import open_csi
from radiofm_core.errors import InputError

CSI = np.ones((1, 52), np.complex64)


def packet(time_ns=5, sequence=None, mac=None):
    return CsiPacket(CSI, subcarriers.NON_HT_20, time_ns, mac=mac, sequence=sequence)


def placed(packets, rate=100.0):
    placing = Placing(rate)
    return [one.time_ns // 1_000_000 for one in placing.place(packets)], placing


def test_packets_of_one_time_are_placed_at_the_rate():
    times, placing = placed([packet()] * 1000)
    assert times == list(range(0, 10_000, 10))
    assert placing.how == "none in the file: packets are placed at 100/s"


def test_missing_packets_leave_their_gaps_and_numbers_start_again():
    numbers = [4090, 4091, 4093, 4095, 0, 1, 5]
    times, placing = placed([packet(sequence=number) for number in numbers])
    assert times == [0, 10, 30, 50, 60, 70, 110]
    assert placing.how.endswith("100/s, by their sequence numbers")


def test_a_sender_that_counts_other_frames_too():
    # every third number is of a packet of this link; one was lost
    numbers = [0, 3, 6, 9, 15, 18]
    assert placed([packet(sequence=number) for number in numbers])[0] == [0, 10, 20, 30, 50, 60]


def test_numbers_that_stand_still_or_start_anew_place_nothing():
    assert placed([packet(sequence=7)] * 4)[0] == [0, 10, 20, 30]
    back = [1000, 1001, 1002, 3, 4]
    assert placed([packet(sequence=number) for number in back])[0] == [0, 10, 20, 30, 40]


def test_each_sender_has_times_of_its_own():
    macs = "02:00:00:00:00:01", "02:00:00:00:00:02"
    packets = [packet(mac=macs[k % 2], sequence=k // 2 * (1 + k % 2)) for k in range(12)]
    times, _ = placed(packets)
    assert times[::2] == times[1::2] == [0, 10, 20, 30, 40, 50]


def test_times_that_are_there_are_kept():
    packets = [packet(time_ns=k * 10_000_000) for k in range(3 * LOOK_AHEAD)]
    times, placing = placed(packets, 7.0)
    assert times == list(range(0, 10 * len(packets), 10)) and placing.how == ""
    # a few that are repeated are no reason
    packets[5] = packets[4]
    assert placed(packets)[1].how == ""


def test_a_clock_of_whole_seconds_is_none():
    times, placing = placed([packet(time_ns=k // 100 * 10**9) for k in range(500)])
    assert times[:3] == [0, 10, 20] and placing.how


def test_one_packet_is_where_it_is():
    assert placed([packet(time_ns=7_000_000)])[0] == [7] and placed([])[0] == []


def test_without_a_rate_it_is_told_what_to_do():
    with pytest.raises(
        InputError, match=r"no times; tell at how many .* --packet-rate 100|--packet"
    ):
        placed([packet()] * 3, None)


def test_a_log_without_a_clock(write_file):
    lines = [
        files.esp_csi_line(files.buffer_of(files.estimate(1, 64, 99, seed)[:, 0]), 0, sig_mode=0)
        for seed in range(30)
    ]
    path = write_file(lines)
    with pytest.raises(InputError, match=f"{path.name}: its packets have no times"):
        list(open_csi(path))
    reader = open_csi(path, 40)
    assert [one.time_ns for one in reader] == [25_000_000 * k for k in range(30)]
    assert reader.placing.how == "none in the file: packets are placed at 40/s"


def test_lines_without_a_time_column(write_file):
    names = "type,mac,rssi,sig_mode,bandwidth,stbc,secondary_channel,first_word,len,data"
    lines = [names]
    for seed in range(30):
        buffer = ",".join(map(str, files.buffer_of(files.estimate(1, 64, 99, seed)[:, 0])))
        lines.append(f'CSI_DATA,{files.SENDER},-40,0,0,0,0,0,128,"[{buffer}]"')
    assert [one.time_ns for one in open_csi(write_file(lines), 100)][:3] == [0, 10**7, 2 * 10**7]
