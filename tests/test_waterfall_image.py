# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a waterfall: what is kept of the one before is what drawing it anew would give."""

import numpy as np
import pytest
from view_messages import COLORS, COLS, frame

from radiofm_core import keys
from radiofm_core.outputs.colors import power_ramp
from radiofm_core.view.spectrum_state import SpectrumState
from radiofm_core.view.waterfall_image import LEAST_RANGE_DB, MOST_RANGE_DB, Painter, range_of

ROWS = 16  # of 1 ms
LIMITS = (-100.0, -50.0)


def fields(number: int, center: float = 1e9) -> dict:
    more = {keys.ROWS: ROWS, keys.CENTER_FREQUENCY: center}
    return frame(number * ROWS * 1e-3, **more)


def add(state: SpectrumState, number: int, rng, mask: bool = True, **more) -> None:
    power = rng.normal(-80, 8, ROWS * COLS).astype(np.float32)
    state.take(keys.PORT_FRAMES, fields(number, **more), power)
    if mask:
        add_mask(state, number, rng, **more)


def add_mask(state: SpectrumState, number: int, rng, **more) -> None:
    mask = (rng.random(ROWS * COLS) < 0.1).astype(np.uint8)
    state.take(keys.PORT_MASKS, fields(number, **more), mask)


def paint(painter, state, span_rows, height, last=None, hidden=()):
    shot = state.snapshot(0.0)
    last = shot.newest if last is None else last
    return painter.paint(shot, (last - span_rows + 1, last), height, hidden, LIMITS)


@pytest.mark.parametrize("height", [100, 40, 7])
def test_what_is_kept_is_as_if_drawn_anew(height):
    """Frames, late masks, retunes, pauses, scrolling: in any order."""
    rng = np.random.default_rng(height)
    state = SpectrumState()
    kept = Painter(state)
    center, end = 1e9, None
    for number in range(60):
        if number == 30:
            center = 1.0001e9
        add(state, number, rng, mask=number % 3 != 0, center=center)
        if number > 2 and number % 3 == 2:
            add_mask(state, number - 2, rng, center=center if number > 32 else 1e9)
        if number in (20, 40):
            end = state.snapshot(0.0).newest - 5
        if number in (25, 45):
            end = None
        if number == 43:
            end -= 60
        found = paint(kept, state, 100, height, end)
        anew = paint(Painter(state), state, 100, height, end)
        assert (found.pixels == anew.pixels).all(), number
        assert (found.start, found.end) == (anew.start, anew.end)


def test_a_waterfall_that_began_anew_is_drawn_anew():
    rng = np.random.default_rng(5)
    state = SpectrumState()
    painter = Painter(state)
    for number in range(1000, 1010):
        add(state, number, rng)
    paint(painter, state, 64, 64)
    state.clear()
    add(state, 1, rng)
    found = paint(painter, state, 64, 64)
    assert (found.pixels == paint(Painter(state), state, 64, 64).pixels).all()


def test_a_pixel_shows_the_strongest_of_its_rows_in_its_classes_colour():
    state = SpectrumState()
    power = np.full((ROWS, COLS), -100.0, np.float32)
    power[5, 10] = -50.0
    state.take(keys.PORT_FRAMES, fields(0), power.ravel())
    mask = np.zeros((ROWS, COLS), np.uint8)
    mask[5, 10] = 2
    state.take(keys.PORT_MASKS, fields(0), mask.ravel())
    pixels = paint(Painter(state), state, ROWS, 4).pixels
    assert pixels.shape == (4, COLS, 4) and (pixels[..., 3] == 255).all()
    # rows 4 to 7 are the third pixel from the top
    assert (pixels[2, 10, :3] == power_ramp(COLORS[2])[255]).all()
    plain = np.delete(pixels.reshape(-1, 4), 2 * COLS + 10, axis=0)[:, :3]
    assert (abs(plain.astype(int) - power_ramp()[0]) <= 3).all()
    switched_off = paint(Painter(state), state, ROWS, 4, hidden={2}).pixels
    assert (switched_off[2, 10, :3] == power_ramp()[255]).all()


def test_times_without_a_frame_are_empty():
    rng = np.random.default_rng(6)
    state = SpectrumState()
    add(state, 0, rng)
    add(state, 3, rng)
    pixels = paint(Painter(state), state, 64, 64).pixels
    assert len(np.unique(pixels[16:48].reshape(-1, 4), axis=0)) == 1
    assert len(np.unique(pixels[:16].reshape(-1, 4), axis=0)) > 10


def test_a_range_holds_nearly_all_levels():
    rng = np.random.default_rng(7)
    levels = rng.integers(90, 160, (300, 64)).astype(np.uint8)
    low, high = range_of(levels)
    assert low == pytest.approx(-160 + 0.64 * 92, abs=3)
    assert -160 + 0.64 * 159 <= high < -160 + 0.64 * 159 + 8
    low, high = range_of(np.full((10, 64), 100, np.uint8))
    assert high - low >= LEAST_RANGE_DB
    levels[:, 3:6] = 250
    low, high = range_of(np.where(levels < 200, 20, levels))
    assert high - low == MOST_RANGE_DB
    assert range_of(np.zeros((0, 64), np.uint8))[0] < 0
