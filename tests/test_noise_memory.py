# SPDX-License-Identifier: GPL-3.0-or-later
"""A short frame at a stream's end is held to the noise of the frame before."""

from dataclasses import replace

import numpy as np
import pytest

from radiofm_core.spectrum.detections import FrameGeometry
from radiofm_core.spectrum.noise_memory import FrameLevels, NoiseMemory

WHOLE = FrameGeometry(0, 15.36e6, 1e9, (0, 0.0), 1152)
NEXT = replace(WHOLE, sample_offset=256 * 1152)
# A floor with a hump, as filters leave it
FLOOR = -70 + 10 * np.exp(-(((np.arange(256) - 150) / 60) ** 2))


def levels(rows, rise_db=0.0, found=True, seed=0):
    """Of noise with an "emission" in 40 columns that is so much stronger."""
    power = FLOOR + np.random.default_rng(seed).normal(0, 1, (rows, 256))
    power[:, 130:170] += rise_db
    group_of = np.full((rows, 256), -1, np.int16)
    if found:
        group_of[:, 130:170] = 0
    return FrameLevels.measure(group_of, int(found), power.astype(np.float32))


@pytest.mark.parametrize(
    ("rows", "rise_db", "geometry", "is_noise"),
    [
        (12, 0.0, NEXT, True),
        (12, 3.0, NEXT, False),
        # long enough to be judged by itself
        (200, 0.0, NEXT, False),
        # samples are missing, or it is another band
        (12, 0.0, replace(NEXT, sample_offset=NEXT.sample_offset + 5), False),
        (12, 0.0, replace(NEXT, center_frequency=2e9), False),
    ],
)
def test_what_was_noise_at_its_level_is_noise(rows, rise_db, geometry, is_noise):
    memory = NoiseMemory()
    assert memory.add(levels(256, found=False), WHOLE) == []
    assert memory.add(levels(rows, rise_db, seed=1), geometry) == [is_noise]


def test_an_emission_of_the_frame_before_goes_on():
    memory = NoiseMemory()
    assert memory.add(levels(256, 2.0), WHOLE) == [False]
    assert memory.add(levels(12, 2.0, seed=1), NEXT) == [False]


def test_the_first_frame_has_nothing_before_it():
    memory = NoiseMemory()
    assert memory.add(levels(12), WHOLE) == [False]
    memory.add(levels(256, found=False), WHOLE)
    memory.forget()
    assert memory.add(levels(12), NEXT) == [False]
