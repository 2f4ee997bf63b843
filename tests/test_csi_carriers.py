# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts as receivers have them: empty subcarriers, nonsense, 20 MHz inside a wider capture."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from csi_room import (
    HALVES,
    LAYOUTS,
    Receiver,
    Room,
    changed,
    in_part,
    with_empty,
    with_leakage,
    with_nonsense,
)

from radiofm_core.csi.carriers import LEAST_PACKETS, without_channel
from radiofm_core.csi.channels import Channel, FilledChannel, capture_width_hz
from radiofm_core.csi.columns import usable
from radiofm_core.csi.motion import EVEN_DB, motion_db
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.reader import open_csi
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.subcarriers import SPACING_HZ
from radiofm_core.csi.windows import CsiFramer

SPEC = CsiSpec()
PILOTS = (-21, -7, 7, 21)


@cache
def heard(room: Room, duration_s: float = 4.0, **receiver) -> tuple[CsiPacket, ...]:
    return tuple(Receiver(**receiver).packets(room, duration_s))


def framed(packets, **options):
    framer = CsiFramer(SPEC, **options)
    windows = [window for packet in packets for window in framer.push(packet)]
    return windows + framer.finish(), framer.counts


def level(window) -> float:
    return motion_db(window.amplitude, window.rate_hz)


def differences(windows, expected) -> np.ndarray:
    """Rms of each window's amplitudes to those of another framer; their mean is about 1."""
    assert len(windows) == len(expected) > 0
    return np.array(
        [
            np.sqrt(np.mean((one.amplitude - other.amplitude) ** 2))
            for one, other in zip(windows, expected, strict=True)
        ]
    )


# ---- subcarriers that hold no channel

DAMAGE = {
    "zeros": lambda p: with_empty(p, PILOTS),
    "noise 20 dB down": lambda p: with_empty(p, PILOTS, -20.0),
    "noise as strong as the channel": lambda p: with_empty(p, PILOTS, 0.0),
    "leakage": lambda p: with_leakage(p, PILOTS),
    "14,000 where others are 200": lambda p: with_nonsense(p, PILOTS, 70.0),
    "up to three times the others": lambda p: with_nonsense(p, PILOTS, 3.0),
    "two beside each other": lambda p: with_nonsense(p, (10, 11), 20.0),
    "three empty ones": lambda p: with_empty(p, (9, 10, 11), -30.0),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("antennas", [1, 4])
@pytest.mark.parametrize("amplitude_only", [False, True])
@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_what_holds_no_channel_is_left_out_and_interpolated(
    damage, antennas, amplitude_only, speed
):
    room = Room(speed=speed, antennas=antennas)
    whole = list(heard(room, amplitude_only=amplitude_only))
    damaged = DAMAGE[damage](whole)
    expected, plain = framed(whole)
    windows, counts = framed(damaged)
    # 30 dB of signal-to-noise; left in, zeros are 0.27 off, and nonsense more
    assert differences(windows, expected).max() < 0.03
    assert not plain.found and len(counts.found) == 1
    (line,) = counts.found
    bad = ", ".join(
        str(index)
        for index, one, other in zip(
            whole[0].subcarriers, whole[0].csi.T, damaged[0].csi.T, strict=True
        )
        if not np.array_equal(one, other)
    )
    assert line.endswith(f"no channel ({bad}): they are interpolated")
    for one, other in zip(windows, expected, strict=True):
        assert level(one) == pytest.approx(level(other), abs=1.5)


def test_one_subcarrier_at_the_edge_has_its_neighbours_value_and_more_are_refused():
    whole = list(heard(Room(), layout="legacy"))
    expected, _ = framed(whole)
    windows, counts = framed(with_empty(whole, (25, 26), -30.0))
    assert differences(windows, expected).max() < 0.04 and not counts.refused_packets
    assert np.array_equal(windows[0].amplitude[:, -1], windows[0].amplitude[:, -3])
    windows, counts = framed(with_empty(whole, (23, 24, 25, 26), -30.0))
    assert windows == [] and counts.refused_packets == {"band": len(whole)}
    assert counts.reason.startswith("4 subcarriers hold no channel (23, 24, 25, 26): ")


def test_a_hole_too_wide_to_interpolate_is_refused_in_one_line():
    whole = list(heard(Room()))
    windows, counts = framed(with_empty(whole, range(8, 12), -30.0))
    assert windows == [] and counts.refused_packets == {"band": len(whole)}
    assert counts.reason == (
        "4 subcarriers hold no channel (8, 9, 10, 11): the packet's subcarriers have a hole of "
        "1.562 MHz, more than the 1.25 MHz that are interpolated; use other packets"
    )


class Selective(Room):
    """Twelve paths of up to 150 ns and no direct one: fades to nothing, at one frequency each."""

    def channel(self, time_s, subcarriers):
        rng = np.random.default_rng(self.seed)
        paths = [(rng.uniform(4, 49), rng.uniform(0.3, 1)) for _ in range(12)]
        wave = 2 * np.pi * (self.carrier_hz + subcarriers * SPACING_HZ) / 299_792_458.0
        moves = 2 * self.speed * 2 / np.pi * np.sin(np.pi * time_s / 2)
        total = np.zeros((len(time_s), self.antennas, len(subcarriers)), complex)
        for number, (length, strength) in enumerate(paths):
            turn = np.exp(1j * rng.uniform(0, 2 * np.pi, self.antennas))[:, None]
            path = length + (moves[:, None, None] if number < 3 else 0.0)
            total += strength * np.exp(-length / 22) * turn * np.exp(-1j * path * wave)
        return total


@pytest.mark.parametrize("layout", ["legacy", "ht20", "bins64", "ht40", "vht80", "intel20"])
@pytest.mark.parametrize("speed", [0.0, 0.5, 2.5])
def test_a_fade_is_no_empty_subcarrier(layout, speed):
    deepest = 0.0
    for seed in range(20):
        receiver = Receiver(seed=seed, snr_db=(30.0, 300.0)[seed % 2], layout=layout)
        room = Selective(seed=seed, speed=speed, antennas=1 + seed % 4)
        packets = receiver.packets(room, 0.5)[:32]
        csi = np.stack([packet.csi for packet in packets])
        used = usable(packets[0].subcarriers, SPACING_HZ)
        found = without_channel(csi[..., used], packets[0].subcarriers[used], SPACING_HZ)
        assert not found.any(), (seed, packets[0].subcarriers[used][found])
        amplitude = np.abs(csi[..., used])
        deepest = min(deepest, 20 * np.log10(amplitude.min() / np.median(amplitude)))
    # they are there
    assert deepest < -25


def test_a_fade_to_nothing_exactly_on_a_subcarrier_stays():
    # two equal paths, 62 ns apart: nothing is left at index 10
    indices = LAYOUTS["ht20"]
    wave = np.abs(1 - np.exp(2j * np.pi * (indices - 10) * SPACING_HZ * 62e-9))
    csi = np.repeat(wave.astype(np.float32)[None, None], 32, axis=0)
    assert csi[0, 0, indices == 10] == 0
    assert not without_channel(csi, indices, SPACING_HZ).any()
    # and with the same depth, but a cliff at its sides
    csi[..., indices == -20] = 0
    assert indices[without_channel(csi, indices, SPACING_HZ)].tolist() == [-20]


def test_little_is_said_of_few_packets_and_of_noise():
    packets = with_empty(list(heard(Room())), PILOTS)
    few = np.stack([packet.csi for packet in packets[: LEAST_PACKETS - 1]])
    assert not without_channel(few, packets[0].subcarriers, SPACING_HZ).any()
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((32, 1, 56)) + 1j * rng.standard_normal((32, 1, 56))
    assert not without_channel(noise, LAYOUTS["ht20"], SPACING_HZ).any()


def test_a_short_file_is_read_with_what_it_has():
    damaged = with_nonsense(list(heard(Room()))[:80], PILOTS)
    windows, counts = framed(damaged, mirror_ends=True)
    expected, _ = framed(list(heard(Room()))[:80], mirror_ends=True)
    assert len(windows) >= 1 and counts.found
    assert differences(windows, expected).max() < 0.03


# ---- narrow packets in a wide capture


def part(centre: int, last: int) -> np.ndarray:
    """Indices around a centre, without its DC."""
    return np.r_[centre - last : centre, centre + 1 : centre + last + 1]


@pytest.mark.parametrize(
    ("layout", "centre"),
    [("ht40", -32), ("ht40", 32), *[("vht80", c) for c in (-96, -32, 32, 96)]]
    + [("vht160", c) for c in (-224, -32, 32, 160)],
)
@pytest.mark.parametrize("last", [26, 28])
@pytest.mark.parametrize("amplitude_only", [False, True])
def test_windows_are_of_the_20_mhz_that_packets_fill(layout, centre, last, amplitude_only):
    exact = {"snr_db": 300.0, "amplitude_only": amplitude_only}
    capture = in_part(list(heard(Room(), layout=layout, **exact)), part(centre, last))
    windows, counts = framed(capture)
    # the same packets, of a receiver that listens to these 20 MHz alone
    narrow = Room(carrier_hz=2.437e9 + centre * SPACING_HZ)
    expected, _ = framed(heard(narrow, **exact))
    # DC is interpolated, and is the only column that may differ
    assert differences(windows, expected).max() < 2e-3
    width = {"ht40": 40, "vht80": 80, "vht160": 160}[layout]
    assert list(counts.found) == [
        f"packets fill 20 MHz at {centre * SPACING_HZ / 1e6:+g} MHz of {width} MHz: windows are "
        "of these"
    ]
    assert not counts.cuts and not counts.refused_packets


def test_40_mhz_in_80_are_centred_on_their_own_dc():
    room = Room()
    capture = list(heard(room, layout="vht80", snr_db=300.0))
    # around their own DC three carry nothing, as in 40 MHz alone
    filled = part(64, 58)[np.abs(part(64, 58) - 64) > 1]
    windows, counts = framed(in_part(capture, filled))
    expected, _ = framed(
        heard(replace(room, carrier_hz=2.437e9 + 20e6), layout="ht40", snr_db=300.0)
    )
    assert differences(windows, expected).max() < 2e-3
    assert [*counts.found] == ["packets fill 40 MHz at +20 MHz of 80 MHz: windows are of these"]


def test_a_capture_that_is_full_is_taken_as_it_was():
    for layout in ("ht40", "vht80", "vht160"):
        for seed in range(6):
            room = Selective(seed=seed, speed=1.0)
            indices = (LAYOUTS | HALVES)[layout]
            filled = FilledChannel(indices, SPACING_HZ, capture_width_hz(indices, SPACING_HZ))
            packets = Receiver(seed=seed, layout=layout, snr_db=25.0).packets(room, 1.0)
            assert [filled.of(packet.csi) for packet in packets] == [None] * len(packets)


def test_equal_halves_leave_the_middle_empty_and_the_stronger_one_is_taken():
    capture = list(heard(Room(), layout="ht40", snr_db=300.0))
    both = in_part(capture, np.r_[part(-32, 26), part(32, 26)])
    louder = [
        changed(p, csi=np.where(p.subcarriers > 0, 2 * p.csi, p.csi).astype(p.csi.dtype))
        for p in both
    ]
    windows, counts = framed(louder)
    expected, _ = framed(heard(Room(carrier_hz=2.447e9), snr_db=300.0))
    assert differences(windows, expected).max() < 2e-3
    assert list(counts.found) == [
        "packets leave the middle empty: windows are of the 20 MHz at +10 MHz"
    ]


def test_another_width_in_mid_run_is_one_cut_that_is_counted():
    capture = list(heard(Room(), duration_s=10.0, layout="vht80"))
    third = len(capture) // 3
    mixed = [
        *capture[:third],
        *in_part(capture[third : 2 * third], part(32, 28)),
        *capture[2 * third :],
    ]
    windows, counts = framed(mixed)
    assert counts.cuts["bandwidth"] == 1 and counts.cuts["link"] == counts.cuts["channel"] == 0
    ends = [mixed[third].time_ns, mixed[2 * third].time_ns]
    for window in windows:
        begin, end = window.time_ns, window.time_ns + round(window.duration_s * 1e9)
        assert not any(begin + 2e7 < moment < end - 2e7 for moment in ends)
    # none is of noise
    assert len(windows) >= 6 and not counts.refused_windows["noise"]


def test_widths_in_turn_have_windows_of_their_own():
    capture = list(heard(Room(), rate_hz=200.0, loss=0.0, layout="vht80"))
    narrow = in_part(capture, part(-96, 26))
    windows, counts = framed([(capture, narrow)[k % 2][k] for k in range(len(capture))])
    assert counts.cuts == {"bandwidth": 1}
    expected = framed(capture[::2])[0] + framed(narrow[1::2])[0]
    assert sorted(w.values.tobytes() for w in windows) == sorted(
        w.values.tobytes() for w in expected
    )


def test_parts_of_a_capture_have_places():
    indices = LAYOUTS["vht80"]
    filled = FilledChannel(indices, SPACING_HZ, 80e6)
    csi = np.full((1, len(indices)), 1e-3, np.complex64)
    csi[:, np.abs(indices + 32) <= 28] = 1
    assert filled.of(csi) == Channel(-10e6, 20e6)
    csi[:, np.abs(indices - 32) <= 28] = 1
    assert filled.of(csi) is None  # no channel of 40 MHz holds both
    assert capture_width_hz(LAYOUTS["ht20"], SPACING_HZ) == 20e6
    assert capture_width_hz(np.arange(100) - 50, SPACING_HZ) == 0


# ---- real receivers


def test_a_real_capture_of_which_half_is_empty_gives_windows(shared_data):
    # Raspberry Pi, 80 MHz; its packets are of the lower 40 MHz, twice the same 20
    packets = list(open_csi(shared_data / "csi/formats/nexmon_43455c0.pcap"))
    indices = packets[0].subcarriers
    filled = FilledChannel(indices, SPACING_HZ, 80e6)
    assert {filled.of(packet.csi) for packet in packets} == {Channel(-20e6, 40e6)}
    # they came in bursts, too few for windows
    even = [changed(p, time_ns=k * 10_000_000) for k, p in enumerate(packets)]
    windows, counts = framed(even)
    assert len(windows) == 8 and max(map(level, windows)) < EVEN_DB
    assert list(counts.found) == [
        "packets leave the middle empty: windows are of the 20 MHz at -10 MHz"
    ]
    lower = [changed(p, csi=p.csi[:, :58], subcarriers=indices[:58] + 96) for p in even]
    assert lower[0].subcarriers[0] == -26


def test_real_recordings_hold_a_channel_in_all_subcarriers(shared_data):
    for path in sorted((shared_data / "csi/esp32_motion").glob("*.npz")):
        _, counts = framed(open_csi(path))
        assert not counts.found, path
