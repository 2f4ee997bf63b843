# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live view shows: rows of a waterfall, emissions, the state of affairs."""

import numpy as np
import pytest

from radiofm_core import keys
from radiofm_core.errors import InputError, UsageError
from radiofm_core.outputs.colors import class_colors, power_ramp
from radiofm_core.spectrum.detections import FrameGeometry
from radiofm_core.view.activity_state import MOST_SENDERS, ActivityState
from radiofm_core.view.emission_list import MOST, MOST_ENDED, EmissionList
from radiofm_core.view.spectrum_state import SpectrumState
from radiofm_core.view.waterfall import LEAST_DB, LEVEL_STEP_DB, UNSEEN, Waterfall, level_of

RATE, ROW_SAMPLES, COLS = 1.024e6, 1024, 64  # a row is 1 ms
NAMES = ["noise", "lte", "other"]


def geometry(start: float = 0.0, center: float = 1e9, rate: float = RATE) -> FrameGeometry:
    whole = int(start)
    return FrameGeometry(0, rate, center, (whole, start - whole), ROW_SAMPLES, COLS)


def waterfall(row: float = 4e-3, size: int = 250) -> Waterfall:
    """One that holds its history from the start: its rows stay as they are."""
    return Waterfall(COLS, row, row * size, size)


def frame(start=0.0, rows=16, center=1e9, **more) -> dict:
    whole = int(start)
    return {
        keys.ROWS: rows,
        keys.COLS: COLS,
        keys.CHANNELS: 1,
        keys.ROW_SAMPLES: ROW_SAMPLES,
        keys.SAMPLE_RATE: RATE,
        keys.CENTER_FREQUENCY: center,
        keys.SAMPLE_OFFSET: 0,
        keys.RX_TIME: (whole, start - whole),
        **more,
    }


def event(number: int, kind: str = keys.EVENT_START, **more) -> dict:
    return {
        keys.EVENT: kind,
        keys.BURST_ID: number,
        keys.LABEL: "lte",
        keys.CONFIDENCE: 0.9,
        keys.CENTER_FREQUENCY: 1e9 + number,
        keys.BANDWIDTH: 2e5,
        keys.START_TIME: 1.0,
        keys.DURATION: 2.0,
        keys.ACTIVE_TIME: 0.5,
        keys.SNR_DB: 12.0,
        **more,
    }


def test_a_row_holds_the_peak_of_the_frames_rows_within_it():
    water = waterfall()
    power = np.full((16, COLS), -90.0, np.float32)
    power[4, 10] = -60.0  # one of the four rows of row 1
    power[8, 11] = np.nan
    water.add_power(power, geometry())
    rows = water.rows(0, 100)
    assert list(rows.numbers) == [0, 1, 2, 3]
    decibels = LEAST_DB + LEVEL_STEP_DB * rows.levels
    assert decibels[1, 10] == pytest.approx(-60.0, abs=LEVEL_STEP_DB)
    assert decibels[2, 10] == pytest.approx(-90.0, abs=LEVEL_STEP_DB)
    assert (rows.classes == UNSEEN).all()


def test_levels_reach_from_the_least_to_the_most_and_not_beyond():
    levels = level_of([-1e9, LEAST_DB, -100.0, 0.0, 1e9, np.nan, -np.inf])
    assert list(levels) == [0, 0, 94, 250, 255, 0, 0]


def test_a_class_shows_in_a_row_that_it_fills_in_part():
    water = waterfall(row=10e-3)
    water.add_power(np.full((20, COLS), -90.0, np.float32), geometry())
    mask = np.zeros((20, COLS), np.uint8)
    mask[0, 5] = mask[10:12, 6] = 1
    water.add_mask(mask, geometry())
    classes = water.rows(0, 2).classes
    assert (classes[0, 5], classes[0, 6], classes[1, 5], classes[1, 6]) == (1, 0, 0, 1)
    assert set(np.unique(classes)) == {0, 1}


def test_frames_that_share_a_row_leave_both_in_it():
    water = waterfall()
    for start, level, kind in ((0.0, -50.0, 1), (0.006, -90.0, 0)):
        power = np.full((6, COLS), level, np.float32)
        water.add_power(power, geometry(start))
        water.add_mask(np.full((6, COLS), kind, np.uint8), geometry(start))
    rows = water.rows(0, 10)
    assert list(rows.numbers) == [0, 1, 2]
    assert rows.levels[1, 0] == level_of(-50.0)
    assert list(rows.classes[:, 0]) == [1, 1, 0]


def test_old_rows_make_room_and_masks_that_come_later_are_left_out():
    water = waterfall(size=25)
    for number in range(20):
        water.add_power(np.full((16, COLS), -90.0, np.float32), geometry(0.016 * number))
    assert len(water.rows(0, 1000)) == water.size == 25
    water.add_mask(np.ones((16, COLS), np.uint8), geometry(0.0))
    assert (water.rows(0, 1000).classes == UNSEEN).all()


def test_a_clock_that_is_set_back_begins_anew():
    water = waterfall()
    power = np.full((16, COLS), -90.0, np.float32)
    water.add_power(power, geometry(1000.0))
    water.add_power(power, geometry(3.0))
    assert list(water.rows(0, 10**9).numbers) == [750, 751, 752, 753]


def test_times_since_1970_lose_no_row():
    water = waterfall()
    for number in range(10):
        start = 0.016 * number
        place = FrameGeometry(0, RATE, 1e9, (1_900_000_000, start), ROW_SAMPLES, COLS)
        water.add_power(np.full((16, COLS), -90.0, np.float32), place)
    numbers = water.rows(water.newest - 39, 40).numbers
    assert len(numbers) == 40 and (np.diff(numbers) == 1).all()


def test_who_has_the_rows_of_before_is_told_what_changed():
    state = SpectrumState()
    assert state.stretch(0, 100) is None
    power = np.full(16 * COLS, -90.0, np.float32)
    state.take(keys.PORT_FRAMES, frame(), power)
    told = state.stretch(0, 100)
    assert len(told.rows) == 16 and told.row_duration == 1e-3
    assert len(state.stretch(0, 100, told.version, kept=16).rows) == 0
    mask = np.ones(16 * COLS, np.uint8)
    state.take(keys.PORT_MASKS, frame(**{keys.CLASSES: NAMES}), mask)
    told = state.stretch(0, 100, told.version, kept=16)
    assert len(told.rows) == 16 and (told.rows.classes == 1).all()
    state.take(keys.PORT_FRAMES, frame(0.016), power)
    told = state.stretch(0, 100, told.version, kept=16)
    assert list(told.rows.numbers) == list(range(16, 32))
    # a reader who knows another waterfall's version gets all
    assert len(state.stretch(0, 100, told.version + 1000, kept=16).rows) == 32


def test_rows_become_longer_until_the_history_fits():
    water = Waterfall(COLS, 1e-3, 1.0, size=100)
    for number in range(70):
        power = np.full((16, COLS), -90.0, np.float32)
        power[:, 3] = -50.0
        water.add_power(power, geometry(0.016 * number))
        mask = np.zeros((16, COLS), np.uint8)
        mask[:, 3] = 1
        water.add_mask(mask, geometry(0.016 * number))
    assert water.row_duration == pytest.approx(16e-3)
    rows = water.rows(water.oldest, 1000)
    assert list(rows.numbers) == list(range(70))
    assert (abs(rows.levels[:, 3].astype(int) - level_of(-50.0)) <= 2).all()
    assert (abs(rows.levels[:, 4].astype(int) - level_of(-90.0)) <= 2).all()
    assert (rows.classes[:, 3] == 1).all() and (rows.classes[:, 4] == 0).all()
    assert water.first_change(0) == 0


def test_rows_stay_as_they_are_once_the_history_fits():
    water = Waterfall(COLS, 1e-3, 0.4, size=100)
    for number in range(200):
        water.add_power(np.full((16, COLS), -90.0, np.float32), geometry(0.016 * number))
    assert water.row_duration == pytest.approx(4e-3)
    assert len(water.rows(0, 10**6)) == 100 and water.newest - water.oldest == 99


def test_a_snapshot_tells_what_there_is_to_draw():
    state = SpectrumState()
    assert state.snapshot(1.0).rows is None
    state.take(keys.PORT_FRAMES, frame(), np.full(16 * COLS, -90.0, np.float32))
    named = {keys.CLASSES: NAMES, keys.CLASS_COLORS: ["#000000", "#ff0000", "nonsense"]}
    state.take(keys.PORT_MASKS, frame(**named), np.zeros(16 * COLS, np.uint8))
    state.take(keys.PORT_EMISSIONS, event(7))
    status = {
        keys.FRAMES: 3,
        keys.DROPPED: 1,
        keys.QUEUE_DEPTH: 0,
        keys.LATENCY_P50: 0.01,
        keys.LATENCY_P99: 0.02,
    }
    state.take(keys.PORT_STATUS, status)
    shot = state.snapshot(0.002)
    assert list(shot.rows.numbers) == [14, 15]
    assert (shot.since, shot.now) == (0.0, pytest.approx(0.016))
    assert (shot.center, shot.rate) == (1e9, RATE)
    assert shot.classes == NAMES and shot.colors[1] == "#ff0000" and len(shot.colors) == 3
    assert (shot.status.frames, shot.status.dropped) == (3, 1)
    emission = shot.emissions[0]
    assert emission.duty == 0.25 and emission.end == 3.0 and emission.is_open
    assert list(state.snapshot(0.002, end=0.008).rows.numbers) == [6, 7]


def test_emissions_on_the_air_come_first_and_old_ones_go():
    emissions = EmissionList()
    for number in range(MOST_ENDED + 10):
        emissions.take(event(number, keys.EVENT_END))
    emissions.take(event(5000))
    emissions.take(event(4000))
    shown = emissions.all()
    assert [e.number for e in shown[:2]] == [4000, 5000]
    assert len(shown) == MOST_ENDED + 2
    for number in range(10_000, 10_000 + 2 * MOST):
        emissions.take(event(number))
    assert len(emissions.all()) <= MOST


def test_an_emission_that_became_part_of_another_is_gone():
    emissions = EmissionList()
    emissions.take(event(1))
    emissions.take(event(2))
    emissions.take(event(2, keys.EVENT_END, **{keys.MERGED_INTO: 1}))
    assert [e.number for e in emissions.all()] == [1]


def test_classes_without_a_colour_get_one_each():
    colors = class_colors(["noise", "a", "b", "c"], ["#5b6270", "red", 7])
    assert len(set(colors)) == 4
    ramp = power_ramp(colors[1]).astype(int)
    assert ramp.shape == (256, 3) and ramp[255].sum() > ramp[0].sum()


BROKEN = {
    "no rows": (keys.PORT_FRAMES, {k: v for k, v in frame().items() if k != keys.ROWS}, None),
    "no data": (keys.PORT_FRAMES, frame(), None),
    "too little": (keys.PORT_FRAMES, frame(), np.zeros(10, np.float32)),
    "too many bins": (keys.PORT_FRAMES, frame(**{keys.COLS: 10**9}), np.zeros(10, np.float32)),
    "not a time": (keys.PORT_FRAMES, frame(**{keys.RX_TIME: 3}), np.zeros(16 * COLS, np.float32)),
    "far future": (
        keys.PORT_FRAMES,
        frame(**{keys.RX_TIME: (2**60, 0.0)}),
        np.zeros(16 * COLS, np.float32),
    ),
    "no classes": (keys.PORT_MASKS, frame(), np.zeros(16 * COLS, np.uint8)),
    "short mask": (keys.PORT_MASKS, frame(**{keys.CLASSES: NAMES}), np.zeros(3, np.uint8)),
    "emission": (keys.PORT_EMISSIONS, {keys.EVENT: "start"}, None),
    "label": (keys.PORT_EMISSIONS, event(1, **{keys.BANDWIDTH: float("nan")}), None),
    "status": (keys.PORT_STATUS, {keys.FRAMES: "many"}, None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_message_that_does_not_fit_is_refused_in_one_line(name):
    port, fields, data = BROKEN[name]
    state = SpectrumState()
    with pytest.raises(InputError) as error:
        state.take(port, fields, data)
    assert "\n" not in str(error.value)
    assert state.snapshot(1.0).emissions == []


def test_a_history_of_nothing_is_refused():
    with pytest.raises(UsageError, match="history"):
        Waterfall(COLS, 1.0, 0.0)


def window(start: float, source: str = "aa:bb", rows: int = 200, cols: int = 8) -> dict:
    whole = int(start)
    return {
        keys.ROWS: rows,
        keys.COLS: cols,
        keys.CHANNELS: 1,
        keys.ANTENNAS: 1,
        keys.HOP: 0.5,
        keys.ROW_DURATION: 0.01,
        keys.FREQUENCY_STEP: 312.5e3,
        keys.RX_TIME: (whole, start - whole),
        keys.SOURCE: source,
    }


def activity(start: float, label: str = "WALKING", source: str = "aa:bb") -> dict:
    return {
        keys.LABEL: label,
        keys.CONFIDENCE: 0.8,
        keys.START_TIME: start,
        keys.DURATION: 0.5,
        keys.MOTION_DB: 7.0,
        keys.PROBABILITIES: {"SEATED": 0.2, "WALKING": 0.8},
        keys.SOURCE: source,
    }


def test_windows_that_overlap_are_one_picture():
    state = ActivityState()
    assert state.is_empty and state.snapshot(10.0).amplitude_db is None
    for number in range(6):
        values = np.full(200 * 8, 10.0 ** (number / 20.0), np.float32)
        state.take(keys.PORT_WINDOWS, window(100.0 + 0.5 * number), values)
        state.take(keys.PORT_ACTIVITY, activity(100.75 + 0.5 * number))
    shot = state.snapshot(10.0)
    assert shot.amplitude_db.shape == (450, 8) and np.isfinite(shot.amplitude_db).all()
    assert (shot.start, shot.end) == (pytest.approx(100.0), pytest.approx(104.5))
    assert shot.amplitude_db[0, 0] == pytest.approx(0.0, abs=1e-4)
    assert shot.amplitude_db[-1, 0] == pytest.approx(5.0, abs=1e-4)
    assert [m.label for m in shot.moments] == ["WALKING"] * 6
    assert shot.classes == ["SEATED", "WALKING"] and len(shot.colors) == 2
    assert len(state.snapshot(1.0).amplitude_db) == 100


def test_a_gap_between_windows_is_empty():
    state = ActivityState()
    values = np.ones(200 * 8, np.float32)
    state.take(keys.PORT_WINDOWS, window(10.0), values)
    state.take(keys.PORT_WINDOWS, window(15.0), values)
    rows = state.snapshot(60.0).amplitude_db
    assert len(rows) == 700 and np.isnan(rows[200:500]).all() and np.isfinite(rows[500:]).all()


def test_senders_are_kept_apart_and_bounded():
    state = ActivityState()
    values = np.ones(200 * 8, np.float32)
    for number in range(MOST_SENDERS + 3):
        state.take(keys.PORT_WINDOWS, window(1.0, f"sender {number}"), values)
    shot = state.snapshot(10.0)
    assert len(shot.senders) == MOST_SENDERS and shot.sender == f"sender {MOST_SENDERS + 2}"
    assert state.snapshot(10.0, "sender 5").sender == "sender 5"
    state.take(keys.PORT_ACTIVITY, activity(1.0, source="who"))
    assert state.snapshot(10.0).moments == []


@pytest.mark.parametrize(
    "fields",
    [{}, window(1.0) | {keys.ANTENNAS: 4}, window(1.0) | {keys.ROWS: 10**9}, window(2.0**60)],
)
def test_a_window_that_does_not_fit_is_refused_in_one_line(fields):
    with pytest.raises(InputError) as error:
        ActivityState().take(keys.PORT_WINDOWS, fields, np.ones(200 * 8, np.float32))
    assert "\n" not in str(error.value)
