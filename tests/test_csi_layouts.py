# SPDX-License-Identifier: GPL-3.0-or-later
"""Which subcarriers hold a channel is found from the packets; gains and whole numbers of chips."""

import tracemalloc
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from csi_room import (
    LAYOUTS,
    Receiver,
    Room,
    in_part,
    quantised,
    truth,
    with_agc,
    with_empty,
    with_leakage,
    with_nonsense,
)

from radiofm_core.csi.motion import EVEN_DB, motion_db
from radiofm_core.csi.reader import open_csi
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.subcarriers import HT_20, SPACING_HZ, VHT_80
from radiofm_core.csi.windows import CsiFramer

SPEC = CsiSpec()
ROOM = Room()
# RMS of a window's noise, relative to the mean amplitude, at 30 dB
NOISE = 10 ** (-30 / 20) / np.sqrt(2)


def framed(packets):
    framer = CsiFramer(SPEC)
    windows = [window for packet in packets for window in framer.push(packet)]
    return windows + framer.finish(), framer.counts


def heard(room: Room = ROOM, seconds: float = 4.0, **receiver):
    return Receiver(**{"loss": 0.0, **receiver}).packets(room, seconds)


def error(windows, room: Room = ROOM) -> float:
    """The largest of the windows' rms differences to the truth."""
    return max(
        float(np.sqrt(np.mean((w.amplitude - truth(room, SPEC, w.time_ns * 1e-9)) ** 2)))
        for w in windows
    )


def levels(windows) -> list[float]:
    return [motion_db(w.amplitude, w.rate_hz, w.received) for w in windows]


SPOILT = {
    "zeros": lambda packets: with_empty(packets, [-21, -7, 7, 21]),
    "noise where nothing is": lambda packets: with_empty(packets, [-28, -7, 7, 28], -30.0),
    "leakage": lambda packets: with_leakage(packets, [-7, 7]),
    "nonsense": lambda packets: with_nonsense(packets, [-21, -7, 7, 21]),
    "nonsense of the others' size": lambda packets: with_nonsense(packets, [-7, 7], 2.0),
}


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("antennas", [1, 3])
def test_subcarriers_without_a_channel_are_left_out(kind, antennas):
    room = Room(antennas=antennas)
    packets = heard(room, amplitude_only=True)
    clean = error(framed(packets)[0], room)
    windows, counts = framed(SPOILT[kind](packets))
    assert len(windows) == 5
    assert error(windows, room) < 1.15 * clean < 2 * NOISE
    ((line, streams),) = counts.found.items()
    assert "hold no channel" in line and "they are interpolated" in line and streams == 1


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("antennas", [1, 2, 4])
def test_fades_are_no_empty_subcarriers(layout, antennas):
    for seed in range(6):
        for speed in (0.0, 1.0):
            room = Room(seed=seed, speed=speed, antennas=antennas)
            _, counts = framed(heard(room, 1.0, layout=layout, seed=seed, snr_db=20.0))
            assert not counts.found, (seed, speed)


@pytest.mark.parametrize("centre_hz", [-30e6, -10e6, 10e6, 30e6])
def test_windows_are_of_the_20_mhz_that_packets_fill(centre_hz):
    inside = HT_20 + round(centre_hz / SPACING_HZ)
    packets = in_part(heard(layout="vht80", amplitude_only=True), inside)
    windows, counts = framed(packets)
    assert error(windows, replace(ROOM, carrier_hz=ROOM.carrier_hz + centre_hz)) < 2 * NOISE
    (line,) = counts.found
    assert line == (
        f"packets fill 20 MHz at {centre_hz / 1e6:+g} MHz of 80 MHz: windows are of these"
    )


def test_packets_that_fill_another_part_have_windows_of_their_own():
    def part(centre_hz: float, seed: int):
        inside = HT_20 + round(centre_hz / SPACING_HZ)
        return in_part(heard(layout="vht80", seed=seed, amplitude_only=True), inside)

    first, second = part(-30e6, 1), part(10e6, 2)
    later = first[-1].time_ns + 10_000_000
    windows, counts = framed(
        chain(first, (replace(packet, time_ns=packet.time_ns + later) for packet in second))
    )
    assert counts.cuts == {"bandwidth": 1} and len(windows) == 10
    assert "another part of the channel" in counts.reason


def test_all_of_a_wide_channel_is_left_as_it_is():
    assert set(VHT_80) == set(heard(layout="vht80")[0].subcarriers.tolist())
    windows, counts = framed(heard(layout="vht80", amplitude_only=True))
    assert not counts.found and error(windows) < 2 * NOISE


def test_a_real_capture_of_half_a_channel_is_told_in_one_line(shared_data):
    """Two copies of 20 MHz in the lower half of 80 MHz, the rest noise; pauses, so no windows."""
    framer = CsiFramer(SPEC)
    for packet in open_csi(shared_data / "csi/formats/nexmon_43455c0.pcap"):
        framer.push(packet)
    told = "packets leave the middle empty: windows are of the 20 MHz at -10 MHz"
    assert told in framer.counts.found
    assert not framer.counts.cuts["bandwidth"]


# ---- what chips do to all subcarriers


@pytest.mark.parametrize("levels_db", [(0, 6), (0, 3, 6), (0, -2, 3, 5, 8)])
def test_a_gain_that_jumps_is_no_motion(levels_db):
    still, _ = framed(with_agc(heard(Room(speed=0.0), 8.0), levels_db))
    assert max(levels(still)) < EVEN_DB - 2
    walking, _ = framed(with_agc(heard(Room(speed=1.0), 8.0), levels_db))
    assert min(levels(walking)) > EVEN_DB


def switching(speed: float, share: float, seed: int = 2):
    """Packets of one antenna of the sender or of the other."""
    rng = np.random.default_rng(3)
    room = Room(seed=seed, speed=speed, antennas=2)
    return [
        replace(packet, csi=packet.csi[[int(rng.random() < share)]])
        for packet in heard(room, 8.0, amplitude_only=True)
    ]


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_a_sender_that_switches_between_antennas_is_no_motion(share):
    still, counts = framed(switching(0.0, share))
    assert len(still) == 13 and max(levels(still)) < 5
    assert 0.25 * 800 < counts.refused_packets["antenna"] <= 0.55 * 800
    assert "two antennas" in counts.reason
    walking, _ = framed(switching(1.0, share))
    assert min(levels(walking)) > EVEN_DB


def test_a_sender_that_stays_with_one_antenna_is_heard_again():
    room = Room(seed=2, speed=0.0, antennas=2)
    both = heard(room, 8.0, amplitude_only=True)
    for stays in (0, 1):
        rng = np.random.default_rng(3)
        packets = [
            replace(p, csi=p.csi[[stays if k > 300 else int(rng.random() < 0.4)]])
            for k, p in enumerate(both)
        ]
        windows, counts = framed(packets)
        assert len(windows) == 13 and not counts.refused_windows
        assert windows[-1].packet_rate == 100
        assert counts.refused_packets["antenna"] < 300


@pytest.mark.parametrize("rate_hz", [20.0, 100.0])
def test_who_walks_past_one_antenna_makes_no_second_one(rate_hz):
    for seed in range(4):
        for speed, carrier_hz in ((0.3, 2.437e9), (2.5, 6e9)):
            room = Room(seed=seed, speed=speed, carrier_hz=carrier_hz)
            _, counts = framed(heard(room, 8.0, rate_hz=rate_hz, jitter_s=0.1 / rate_hz))
            assert not counts.refused_packets, (seed, speed)


@pytest.mark.parametrize(("bits", "full_scale"), [(6, 2.0), (8, 2.0), (8, 8.0), (12, 2.0)])
def test_whole_numbers_of_few_bits_are_no_motion_and_hide_none(bits, full_scale):
    still, _ = framed(quantised(heard(Room(speed=0.0)), bits, full_scale))
    walking, _ = framed(quantised(heard(Room(speed=1.0)), bits, full_scale))
    assert max(levels(still)) < 5 and min(levels(walking)) > EVEN_DB


# ---- memory


def test_memory_does_not_grow_with_the_packets():
    packets = heard(seconds=20.0)
    length_ns = packets[-1].time_ns + 10_000_000

    def run(times: int) -> int:
        framer = CsiFramer(SPEC)
        tracemalloc.start()
        for k in range(times):
            for packet in packets:
                framer.push(replace(packet, time_ns=packet.time_ns + k * length_ns))
            if k == 1:
                tracemalloc.reset_peak()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert run(8) < 1.1 * run(4)
