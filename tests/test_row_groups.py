# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a waterfall made fewer for a picture with fewer lines."""

import numpy as np
import pytest
from view_messages import RATE, ROW_SAMPLES, frame

from radiofm_core import keys
from radiofm_core.spectrum.detections import FrameGeometry
from radiofm_core.view.row_groups import grouped, rows_in_a_line
from radiofm_core.view.spectrum_state import SpectrumState
from radiofm_core.view.waterfall import LEAST_DB, LEVEL_STEP_DB, UNSEEN, Rows, Waterfall

COLS, ROWS = 16, 32


def message(start: float = 0.0, center: float = 1e9, cols: int = COLS) -> dict:
    return frame(start, cols, **{keys.ROWS: ROWS, keys.CENTER_FREQUENCY: center})


def quiet(cols: int = COLS) -> np.ndarray:
    return np.full(ROWS * cols, -90.0, np.float32)


@pytest.mark.parametrize(
    ("span", "most", "step"), [(1.0, 1000, 1), (1.0, 999, 2), (60.0, 1000, 64), (0.001, 1000, 1)]
)
def test_a_line_is_a_power_of_two_of_rows(span, most, step):
    assert rows_in_a_line(1e-3, span, most) == step


def test_a_line_is_the_strongest_of_its_rows_and_a_signal_that_was_there():
    state = SpectrumState()
    power, mask = quiet().reshape(ROWS, COLS), np.zeros((ROWS, COLS), np.uint8)
    power[5, 3] = -40.0
    mask[5:7, 3], mask[9, 4] = 2, 1
    state.take(keys.PORT_FRAMES, message(), power.ravel())
    state.take(keys.PORT_MASKS, message(), mask.ravel())
    found = state.lines(0.032, 8)
    assert (found.duration, found.count, found.newest) == (pytest.approx(4e-3), 8, 7)
    assert list(found.lines.numbers) == list(range(8))
    decibels = LEAST_DB + LEVEL_STEP_DB * found.lines.levels
    assert decibels[1, 3] == pytest.approx(-40.0, abs=LEVEL_STEP_DB)
    assert decibels[2, 3] == pytest.approx(-90.0, abs=LEVEL_STEP_DB)
    assert found.lines.classes[1, 3] == 2 and found.lines.classes[2, 4] == 1
    assert (found.lines.classes != 0).sum() == 2


def test_only_lines_that_changed_come_again():
    state = SpectrumState()
    assert state.lines(1.0, 10) is None
    state.take(keys.PORT_FRAMES, message(), quiet())
    first = state.lines(0.064, 16)
    assert len(first.lines) == 8
    assert len(state.lines(0.064, 16, first.mark).lines) == 0
    state.take(keys.PORT_FRAMES, message(0.032), quiet())
    second = state.lines(0.064, 16, first.mark)
    assert list(second.lines.numbers) == list(range(8, 16))
    # a viewer that slept gets the newest lines, and no more of them than the picture has
    for number in range(2, 12):
        state.take(keys.PORT_FRAMES, message(0.032 * number), quiet())
    late = state.lines(0.064, 16, first.mark)
    assert list(late.lines.numbers) == list(range(late.newest - 15, late.newest + 1))


def test_another_number_of_bins_begins_anew():
    state = SpectrumState()
    for number in range(4):
        state.take(keys.PORT_FRAMES, message(0.032 * number), quiet())
    mark = state.lines(1.0, 2000).mark
    for number in range(4, 12):
        state.take(keys.PORT_FRAMES, message(0.032 * number, cols=8), quiet(8))
    again = state.lines(1.0, 2000, mark)
    assert again.lines.levels.shape == (8 * ROWS, 8)


def test_lines_stay_where_they_are_while_rows_become_longer():
    water = Waterfall(COLS, 1e-3, history=10.0, size=64)
    geometry = FrameGeometry(0, RATE, 1e9, (0, 0.0), ROW_SAMPLES, COLS)
    power = quiet().reshape(ROWS, COLS).copy()
    power[8:12] = -50.0
    water.add_power(power, geometry)
    before = grouped(water.rows(0, 64), 4)
    assert (np.diff(before.levels[:, 0].astype(int)) > 0).argmax() == 1
    late = FrameGeometry(0, RATE, 1e9, (0, 0.064), ROW_SAMPLES, COLS)
    water.add_power(quiet().reshape(ROWS, COLS), late)
    assert water.row_duration == 2e-3
    after = grouped(water.rows(0, 64), 2)
    assert list(after.numbers[:8]) == list(before.numbers)
    assert (after.levels[:8] == before.levels).all()


def test_within_a_line_the_last_tuning_counts():
    levels = np.array([[200], [10], [20]], np.uint8)
    classes = np.array([[1], [0], [UNSEEN]], np.uint8)
    centers, rates = np.array([1e9, 2e9, 2e9]), np.full(3, RATE)
    line = grouped(Rows(np.arange(3), levels, classes, centers, rates), 4)
    assert (len(line), line.levels[0, 0], line.classes[0, 0], line.centers[0]) == (1, 20, 0, 2e9)


def test_emissions_stay_while_rows_become_longer_and_go_when_the_clock_is_set_back():
    state = SpectrumState(history=1e4)
    emission = {
        keys.EVENT: keys.EVENT_END,
        keys.BURST_ID: 1,
        keys.LABEL: "lte",
        keys.CONFIDENCE: 0.9,
        keys.CENTER_FREQUENCY: 1e9,
        keys.BANDWIDTH: 1e5,
        keys.START_TIME: 0.0,
        keys.DURATION: 1.0,
    }
    state.take(keys.PORT_FRAMES, message(), quiet())
    state.take(keys.PORT_EMISSIONS, emission)
    for start in (5.0, 20.0, 100.0):
        state.take(keys.PORT_FRAMES, message(start), quiet())
    assert state.snapshot(1.0).row_duration > 1e-3
    assert len(state.snapshot(1.0).emissions) == 1
    state.take(keys.PORT_FRAMES, message(), quiet())
    assert state.snapshot(1.0).emissions == []
