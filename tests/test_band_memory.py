# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of bands: labels do not flicker from frame to frame, and do not outlive what they name."""

import math
from dataclasses import replace

import numpy as np
import pytest

from radiofm_core.spectrum.band_memory import DECAY_S, BandMemory
from radiofm_core.spectrum.bands import Band
from radiofm_core.spectrum.detections import FrameGeometry
from radiofm_core.spectrum.emission_statistics import EmissionStatistics

RATE = 20e6
FRAME_S = 0.02
LTE, NR = 1, 2
CARRIER = Band(-9e6, 9e6, -20.0)


def at(index, **changes):
    """The geometry of frame ``index``."""
    seconds, fraction = divmod(index * FRAME_S, 1.0)
    geometry = FrameGeometry(
        round(index * FRAME_S * RATE), RATE, 1.8e9, (int(seconds), fraction), 1562
    )
    return replace(geometry, **changes)


def vote(label, pixels=1000.0):
    """Statistics of so many pixels that are fairly sure of a class."""
    logs = np.log(np.where(np.arange(4) == label, 0.6, 0.2))
    logs[0] = 0
    return EmissionStatistics(pixels * logs, pixels)


def winner(statistics):
    return int(statistics.probabilities.argmax())


def test_a_frame_that_errs_does_not_change_the_label():
    memory = BandMemory()
    labels = [LTE, LTE, LTE, NR, LTE, NR, LTE]
    told = [memory.add([CARRIER], [vote(v)], at(n))[0] for n, v in enumerate(labels)]
    assert [winner(one) for one in told] == [LTE] * 7


def test_the_past_fades_with_the_time_of_the_signal():
    memory = BandMemory()
    memory.add([CARRIER], [vote(LTE)], at(0))
    (told,) = memory.add([CARRIER], [vote(NR)], at(5))
    assert told.pixels == pytest.approx(1000 * (1 + math.exp(-5 * FRAME_S / DECAY_S)))
    assert winner(told) == NR
    # what came long ago is gone
    (told,) = memory.add([CARRIER], [vote(NR)], at(100))
    assert told.pixels == 1000


@pytest.mark.parametrize(
    "changes",
    [
        {"center_frequency": 1.9e9},
        {"sample_rate": 10e6},
        {"rx_time": (5, 0.0)},  # a gap: samples go on, the clock does not
        {"sample_offset": 0},
    ],
)
def test_a_retune_or_gap_forgets(changes):
    memory = BandMemory()
    memory.add([CARRIER], [vote(LTE)], at(0))
    (told,) = memory.add([CARRIER], [vote(NR, 10)], at(1, **changes))
    assert told.pixels == 10


def test_frames_that_are_lost_on_their_way_are_no_gap():
    memory = BandMemory()
    memory.add([CARRIER], [vote(LTE)], at(0))
    (told,) = memory.add([CARRIER], [vote(NR, 10)], at(3))
    assert winner(told) == LTE


def test_a_burst_in_part_of_the_band_is_the_carriers():
    memory = BandMemory()
    memory.add([CARRIER], [vote(NR)], at(0))
    block = Band(-1.8e6, 1.8e6, -24.0)  # 3 dB more power per Hz
    (told,) = memory.add([block], [vote(LTE, 20)], at(1))
    assert winner(told) == NR
    # and what was known of a part is known of the whole
    (told,) = memory.add([CARRIER], [vote(LTE, 20)], at(2))
    assert winner(told) == NR and told.pixels > 850


def test_bluetooth_is_not_taken_for_the_wifi_that_it_came_over():
    memory = BandMemory()
    memory.add([CARRIER], [vote(NR)], at(0))
    hop = Band(2e6, 3e6, -20.0)
    (told,) = memory.add([hop], [vote(LTE, 20)], at(1))
    assert told.pixels == 20
    # nor in the same frame
    told = memory.add([CARRIER, hop], [vote(NR), vote(LTE, 20)], at(2))
    assert [winner(one) for one in told] == [NR, LTE]


def test_neighbours_are_told_apart():
    memory = BandMemory()
    left, right = Band(-9e6, -1e6, -20.0), Band(1e6, 9e6, -20.0)
    for n in range(3):
        told = memory.add([right, left], [vote(NR), vote(LTE)], at(n))
        assert [winner(one) for one in told] == [NR, LTE]


def test_two_parts_of_one_band_in_a_frame_share_what_is_known():
    memory = BandMemory()
    memory.add([CARRIER], [vote(NR)], at(0))
    parts = [Band(-8e6, -4e6, -26.0), Band(3e6, 8e6, -26.0)]
    told = memory.add(parts, [vote(LTE, 20), vote(LTE, 20)], at(1))
    assert [winner(one) for one in told] == [NR, NR]
    assert told[0].pixels == told[1].pixels


def test_forget_starts_anew_and_many_bands_are_bounded():
    memory = BandMemory()
    rng = np.random.default_rng(0)
    for n in range(6):
        lows = rng.uniform(-10e6, 9e6, 128)
        bands = [Band(low, low + rng.uniform(1e4, 1e6), rng.uniform(-60, 0)) for low in lows]
        told = memory.add(bands, [vote(LTE)] * 128, at(n))
        assert len(told) == 128 and all(one.pixels >= 1000 for one in told)
    memory.forget()
    (told,) = memory.add([CARRIER], [vote(NR, 10)], at(6))
    assert told.pixels == 10
    assert memory.add([], [], at(7)) == []
