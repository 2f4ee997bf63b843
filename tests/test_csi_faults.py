# SPDX-License-Identifier: GPL-3.0-or-later
"""Constant, repeated and corrupt streams get no label; the gain's flips are no motion."""

from dataclasses import replace

import numpy as np
import pytest
from csi_room import Receiver, Room

from radiofm_core.csi.faults import REMEMBERED, Repeats
from radiofm_core.csi.motion import motion_db
from radiofm_core.csi.reader import open_csi
from radiofm_core.csi.room_floor import USUAL_FLOOR_DB, RoomFloors
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiFramer

SPEC = CsiSpec()
SECONDS = 6.0


def framed(packets, mirror_ends=False):
    framer = CsiFramer(SPEC, mirror_ends=mirror_ends)
    windows = [window for packet in packets for window in framer.push(packet)]
    return windows + framer.finish(), framer.counts


def room_packets(layout="ht20", antennas=1, **receiver):
    return Receiver(layout=layout, loss=0, **receiver).packets(Room(antennas=antennas), SECONDS)


def with_csi(packets, csi_of):
    return [replace(p, csi=csi_of(number, p.csi)) for number, p in enumerate(packets)]


def random_parts(number, csi, most=127):
    rng = np.random.default_rng(number)
    return (rng.integers(-most, most + 1, (2, *csi.shape)).T @ [1, 1j]).T.astype(np.complex64)


FAULTS = {
    "frozen": lambda number, csi, first: first,
    "frozen with a phase of its own": lambda number, csi, first: (
        first * np.exp(1j * number).astype(np.complex64)
    ),
    "frozen with another gain": lambda number, csi, first: (
        first * np.float32(1.01 ** (number % 97))
    ),
    "one value": lambda number, csi, first: np.full_like(csi, 7 + 7j),
    "clipped": lambda number, csi, first: (
        127 * (np.sign(csi.real) + 1j * np.sign(csi.imag)).astype(np.complex64)
    ),
    "a loop": lambda number, csi, first: (
        first * np.random.default_rng(number % 50).normal(1, 0.1, csi.shape).astype(np.float32)
    ),
    "random bits": lambda number, csi, first: random_parts(number, csi),
}


@pytest.mark.parametrize("mirror_ends", [False, True], ids=["live", "file"])
@pytest.mark.parametrize(
    "layout, antennas", [("ht20", 1), ("legacy", 1), ("intel20", 3), ("ht40", 2)]
)
@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_streams_give_no_windows(fault, layout, antennas, mirror_ends):
    packets = room_packets(layout, antennas)
    first = packets[0].csi
    packets = with_csi(packets, lambda number, csi: FAULTS[fault](number, csi, first))
    windows, counts = framed(packets, mirror_ends)
    assert windows == []
    refused = counts.refused_windows["constant"] + counts.refused_windows["noise"]
    assert refused >= 9 and counts.reason and "\n" not in counts.reason


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_zeros_and_what_is_no_number_are_refused_packet_by_packet(value):
    packets = with_csi(room_packets(), lambda number, csi: np.full_like(csi, value))
    windows, counts = framed(packets)
    assert windows == [] and counts.refused_packets == {"broken": len(packets)}


def test_a_chip_that_freezes_for_a_while_costs_those_windows_only():
    packets = room_packets()
    frozen = packets[250].csi
    packets = with_csi(packets, lambda n, csi: frozen if 250 <= n < 450 else csi)
    windows, counts = framed(packets)
    assert 3 <= counts.refused_windows["constant"] <= 6
    assert len(windows) + counts.refused_windows["constant"] == 9


@pytest.mark.parametrize("mirror_ends", [False, True])
def test_a_few_repeated_estimates_and_mirrored_ones_are_no_fault(mirror_ends):
    packets = room_packets()
    packets = with_csi(packets, lambda n, csi: packets[n - 1].csi if n % 5 == 4 else csi)
    windows, counts = framed(packets, mirror_ends)
    assert len(windows) >= 9 and not counts.refused_windows


def test_memory_of_repeats_is_bounded():
    repeats = Repeats()
    rng = np.random.default_rng(1)
    for _ in range(3 * REMEMBERED):
        csi = rng.random((1, 56), np.float32)
        assert not repeats.take(csi, csi[0] / np.linalg.norm(csi))
    assert len(repeats._known) == len(repeats._last) == REMEMBERED
    # what was forgotten is new again
    assert not repeats.take(csi * 0 + rng.random((1, 56), np.float32), rng.random(56, np.float32))


def flipping(packets, share, db=5.5):
    rng = np.random.default_rng(2)
    gain = 10 ** (db / 20 * (rng.random(len(packets)) < share))
    return with_csi(packets, lambda number, csi: csi * np.float32(gain[number]))


@pytest.mark.parametrize("share", [0.03, 0.2, 0.5])
def test_a_gain_that_flips_in_a_real_still_room_is_no_motion(shared_data, share):
    for path in sorted((shared_data / "csi/esp32_motion").glob("baseline_c3*.npz")):
        windows, _ = framed(flipping(list(open_csi(path)), share))
        levels = [motion_db(window.amplitude, window.rate_hz) for window in windows]
        # the first flips, until their height is known, may go through
        assert len(levels) == 17 and max(levels[4:]) < 8, path.name


def test_motion_stays_where_the_gain_flips(shared_data):
    for path in sorted((shared_data / "csi/esp32_motion").glob("movement*.npz")):
        windows, _ = framed(flipping(list(open_csi(path)), 0.2))
        assert min(motion_db(w.amplitude, w.rate_hz) for w in windows) > 12, path.name


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("carrier_hz", [2.437e9, 6e9])
def test_walks_are_no_flips_of_the_gain(monkeypatch, speed, carrier_hz):
    packets = Receiver(amplitude_only=True).packets(
        Room(speed=speed, carrier_hz=carrier_hz), SECONDS
    )
    found, _ = framed(packets)
    monkeypatch.setattr("radiofm_core.csi.gain_flips.FLIP_DB", 1e9)
    without, _ = framed(packets)
    assert all(np.array_equal(a.values, b.values) for a, b in zip(found, without, strict=True))


# ---- the room's own floor


def levels_taken(levels, floors=None, first=0, **window):
    floors = floors or RoomFloors()
    like = framed(room_packets())[0][0]
    return [
        floors.take(replace(like, time_ns=(first + n) * 500_000_000, **window), level)
        for n, level in enumerate(levels)
    ], floors


def test_a_still_period_sets_the_floor_and_a_low_level_above_it_is_motion():
    found, floors = levels_taken([0.3] * 6 + [7.5] * 4)
    assert [floor.is_known for floor in found] == [False] * 5 + [True] * 5
    assert found[-1].level_db == pytest.approx(0.3)
    assert found[-1].probability(7.5) > 0.9 > 0.5 > found[0].probability(7.5)
    # what is higher later is no floor
    more, _ = levels_taken([7.0] * 8, floors, first=10)
    assert more[-1].level_db == pytest.approx(0.3)


@pytest.mark.parametrize("levels", [[15.0] * 12, [1.0, 7.0] * 6])
def test_motion_is_no_floor(levels):
    found, _ = levels_taken(levels)
    assert not any(floor.is_known for floor in found)
    assert found[-1].level_db == USUAL_FLOOR_DB


@pytest.mark.parametrize("news", [{"gain_steps": 1}, {"first": 10}, {"antennas": 2}])
def test_another_gain_a_pause_and_another_layout_begin_anew(news):
    _, floors = levels_taken([0.3] * 6)
    found, _ = levels_taken([7.5], floors, **{"first": 6, **news})
    assert not found[0].is_known


def test_senders_have_floors_of_their_own():
    _, floors = levels_taken([0.3] * 6, source="a")
    found, _ = levels_taken([7.5], floors, first=6, source="b")
    assert not found[0].is_known
    found, _ = levels_taken([7.5], floors, first=6, source="a")
    assert found[0].is_known
