# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI in disorder: two senders with one address, restarts, other channels, one packet, millions."""

import itertools
import tracemalloc
from dataclasses import replace

import csi_files as files
import numpy as np
import pytest
from csi_room import Receiver, Room

from radiofm_core.csi.clocks import MicrosecondClock
from radiofm_core.csi.reader import open_csi, read_csi
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiFramer

MAC = files.SENDER
SPEC = CsiSpec()


def packets(seconds=8.0, room=0, speed=0.0, seed=1, first=0, carrier_hz=2.437e9):
    """Of one sender, numbered."""
    found = Receiver(seed=seed).packets(
        Room(seed=room, speed=speed, carrier_hz=carrier_hz), seconds
    )
    return [
        replace(packet, mac=MAC, sequence=(first + number) % 4096)
        for number, packet in enumerate(found)
    ]


def framed(stream):
    framer = CsiFramer(SPEC)
    windows = [window for packet in stream for window in framer.push(packet)]
    return windows + framer.finish(), framer.counts


# ---- two senders with one address


@pytest.mark.parametrize("rooms", [(0, 1), (0, 4), (2, 3)])
def test_two_senders_with_one_address_are_told_once_and_give_no_window(rooms):
    mixed = packets(room=rooms[0]) + packets(room=rooms[1], seed=2, first=1500)
    windows, counts = framed(sorted(mixed, key=lambda packet: packet.time_ns))
    assert windows == []
    assert counts.cuts["mixed"] == 1 and counts.refused_windows["mixed"] >= 10
    assert counts.reason == (
        "packets of two senders with one address; give each its own, or switch one off"
    )


def test_a_second_sender_that_comes_later_takes_the_windows_from_there_on():
    alone = packets(8.0)
    later = [
        replace(packet, time_ns=packet.time_ns + 4_000_000_000)
        for packet in packets(4.0, room=4, seed=2, first=1500)
    ]
    windows, counts = framed(sorted(alone + later, key=lambda packet: packet.time_ns))
    assert len(windows) >= 4 and all(window.time_ns < 4e9 for window in windows)
    assert counts.refused_windows["mixed"] >= 4


@pytest.mark.parametrize(("speed", "carrier_hz"), [(0.0, 2.437e9), (1.0, 5.2e9), (2.5, 6e9)])
def test_one_sender_with_two_counters_is_one(speed, carrier_hz):
    rng = np.random.default_rng(4)
    numbers = [itertools.count(), itertools.count(2000)]
    stream = [
        replace(packet, sequence=next(numbers[rng.integers(2)]) % 4096)
        for packet in packets(8.0, speed=speed, carrier_hz=carrier_hz)
    ]
    windows, counts = framed(stream)
    assert len(windows) >= 10 and counts.cuts["mixed"] == 0


# ---- restarts


def test_a_clock_that_starts_again_after_an_hour_is_a_step_back():
    clock = MicrosecondClock()
    hour = 3_600_000_000
    first = clock.nanoseconds(hour)
    assert clock.nanoseconds(5000) - first == (5000 - hour) * 1000
    assert clock.nanoseconds(6000) - first == (6000 - hour) * 1000


def test_a_clock_runs_on_at_its_end_and_after_a_pause_there():
    clock = MicrosecondClock()
    before = 2**32 - 200_000_000
    first = clock.nanoseconds(before)
    assert clock.nanoseconds(100_000_000) - first == 300_000_000_000
    # small steps back are such, through 0 as well
    assert clock.nanoseconds(99_999_000) - first == 299_999_000_000


def test_a_restart_is_one_cut_that_is_counted(write_file):
    room = files.estimate(1, 64, 80, 0)[:, 0]
    buffer = [
        files.buffer_of(room + files.estimate(1, 64, 3, seed)[:, 0]) for seed in range(1, 901)
    ]
    # a board that ran for an hour is unplugged for a moment
    ticks = [3_600_000_000 + 10_000 * k for k in range(450)]
    ticks += [1_000_000 + 10_000 * k for k in range(450)]
    lines = [files.esp_csi_line(b, tick, sig_mode=0) for b, tick in zip(buffer, ticks, strict=True)]
    reader = open_csi(write_file(lines))
    windows, counts = framed(reader)
    assert counts.cuts == {"clock_back": 1} and not counts.refused_packets
    assert len(windows) == 12 and reader.tally.steps_back == 1


# ---- channels


def test_another_channel_starts_windows_of_its_own():
    stream = packets(12.0)
    third = len(stream) // 3
    stream = [
        replace(packet, channel=(6, 11, 6)[min(number // third, 2)])
        for number, packet in enumerate(stream)
    ]
    windows, counts = framed(stream)
    assert counts.cuts["channel"] == 1 and counts.cuts["pause"] == 1 and counts.cuts["link"] == 0
    changes_s = [stream[third].time_ns * 1e-9, stream[2 * third].time_ns * 1e-9]
    for window in windows:
        begin_s, end_s = window.time_ns * 1e-9, window.time_ns * 1e-9 + window.duration_s
        assert not any(begin_s + 0.02 < moment < end_s - 0.02 for moment in changes_s)
    assert len(windows) >= 10


def test_receivers_tell_their_channel(write_file):
    words = files.int16_words(files.estimate(1, 64, 999)[:, 0])
    data = [files.nexmon_datagram(words, chanspec=0x1000 | number) for number in (6, 11)]
    assert [p.channel for p in read_csi(write_file(files.pcap(data))).packets] == [6, 11]
    buffer = files.buffer_of(files.estimate(1, 64, 99)[:, 0])
    assert read_csi(write_file([files.esp_csi_line(buffer, 5, sig_mode=0)])).packets[0].channel == 6
    atheros = files.atheros_record(files.estimate(1, 56, 99).reshape(56, 1, 1), 5)
    assert read_csi(write_file(atheros)).packets[0].channel == 2437
    frame = files.picoscenes_frame(
        0x5300, files.pack_intel(files.estimate(1, 30, 99).reshape(30, 1, 1)), 1,
        tones=30, receivers=1, streams=1,
    )  # fmt: skip
    assert read_csi(write_file(frame)).packets[0].channel == 2437


@pytest.mark.parametrize(("size", "last"), [(64, 28), (128, 58), (256, 122)])
def test_a_datagrams_length_tells_its_width_where_the_chanspec_is_wrong(write_file, size, last):
    words = files.int16_words(files.estimate(1, size, 999)[:, 0])
    for chanspec in (0x6863, 0x1001, 0xE02A):
        data = files.pcap([files.nexmon_datagram(words, chanspec=chanspec)])
        (packet,) = read_csi(write_file(data)).packets
        assert packet.subcarriers[-1] == last


# ---- very few and very many


def test_a_file_of_one_packet_is_read_and_gives_no_window(write_file):
    buffer = files.buffer_of(files.estimate(1, 64, 99)[:, 0])
    reader = open_csi(write_file([files.esp_csi_line(buffer, 5, sig_mode=0)]))
    windows, counts = framed(reader)
    assert windows == [] and counts.packets == 1 and reader.placing.how == ""


def test_memory_does_not_grow_with_the_stream():
    some = packets(10.0, speed=1.0)
    length_ns = some[-1].time_ns + 10_000_000

    def stream(rounds):
        for number in range(rounds):
            for k, packet in enumerate(some):
                sequence = (number * len(some) + k) % 4096
                time_ns = packet.time_ns + number * length_ns
                # a receiver that hops, and packets without end of senders that come once
                yield replace(packet, time_ns=time_ns, sequence=sequence, channel=number // 3 % 4)
            yield replace(packet, mac=f"02:00:00:00:{number // 256:02x}:{number % 256:02x}")

    framer = CsiFramer(SPEC)
    tracemalloc.start()
    try:
        sizes = []
        for number, packet in enumerate(stream(30)):
            framer.push(packet)
            if number % 4000 == 3999:
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert framer.counts.packets > 25_000 and framer.counts.windows > 300
    # another 12,000 packets take no more than the few senders that they bring
    assert sizes[-1] < sizes[2] + 4e6
