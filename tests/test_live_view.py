# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view: what its window draws and does, offscreen; the block in a flowgraph."""

import os
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, radiofm
from level_model import CENTER, RATE, make_level_bundle, two_carriers, write_recording
from PyQt5 import QtCore, QtTest, QtWidgets

from radiofm_core import keys
from radiofm_core.errors import UsageError
from radiofm_core.view.activity_state import ActivityState
from radiofm_core.view.spectrum_state import SpectrumState
from radiofm_qt.emission_boxes import MOST_BOXES
from radiofm_qt.emission_table import MOST_ROWS
from radiofm_qt.live_window import LiveWindow

COLS, ROWS, ROW_SAMPLES, SPAN = 256, 64, 2000, 2e6
NAMES, COLORS = ["noise", "lte", "wifi"], ["#5b6270", "#23c4ff", "#7ee081"]
NOISE_DB, SIGNAL_DB = -100.0, -50.0
# columns of an LTE carrier, and its edges in Hz
FIRST, END = 100, 140
LOW, HIGH = (1e9 + (column - 128.5) * SPAN / COLS for column in (FIRST + 0.5, END + 0.5))


@pytest.fixture
def window(application):
    made = LiveWindow(
        SpectrumState(), ActivityState(), time_span=10.0, can_tune=True, can_save=True
    )
    made.show()
    yield made
    made.close()


def frame(number: int, **more) -> dict:
    start = number * ROWS * ROW_SAMPLES / SPAN
    return {
        keys.ROWS: ROWS,
        keys.COLS: COLS,
        keys.CHANNELS: 1,
        keys.ROW_SAMPLES: ROW_SAMPLES,
        keys.SAMPLE_RATE: SPAN,
        keys.CENTER_FREQUENCY: 1e9,
        keys.SAMPLE_OFFSET: number * ROWS * ROW_SAMPLES,
        keys.RX_TIME: (int(start), float(start - int(start))),
        **more,
    }


def event(number: int, kind=keys.EVENT_START, label="lte", low=LOW, high=HIGH, **more) -> dict:
    return {
        keys.EVENT: kind,
        keys.BURST_ID: number,
        keys.LABEL: label,
        keys.CONFIDENCE: 0.97,
        keys.CENTER_FREQUENCY: (low + high) / 2,
        keys.BANDWIDTH: high - low,
        keys.START_TIME: 0.0,
        keys.DURATION: 0.1,
        keys.ACTIVE_TIME: 0.1,
        keys.SNR_DB: 21.0,
        keys.SUBCARRIER_SPACING: 15e3,
        keys.EVIDENCE: [
            {
                keys.LAG: 6e-5,
                keys.COHERENCE: 0.1,
                keys.FLOOR: 0.01,
                keys.MEANING: "symbols of 15 kHz",
            }
        ],
        **more,
    }


def fill(window, frames: int = 8, masks: bool = True) -> SpectrumState:
    """An LTE carrier in the middle of noise, and its emission."""
    state = window._spectrum
    power = np.full((ROWS, COLS), NOISE_DB, np.float32)
    power[:, FIRST:END] = SIGNAL_DB
    mask = np.zeros((ROWS, COLS), np.uint8)
    mask[:, FIRST:END] = 1
    for number in range(frames):
        state.take(keys.PORT_FRAMES, frame(number), power.ravel())
        if masks:
            named = {keys.CLASSES: NAMES, keys.CLASS_COLORS: COLORS, keys.MODEL: "model"}
            state.take(keys.PORT_MASKS, frame(number, **named), mask.ravel())
    state.take(keys.PORT_EMISSIONS, event(3))
    return state


def drawn(window) -> np.ndarray:
    window.spectrum_view.fit()
    window.draw()
    return window.spectrum_view.plot.image


def is_blue(pixels: np.ndarray) -> np.ndarray:
    red, blue = pixels[..., 0].astype(int), pixels[..., 2].astype(int)
    return blue - red > 60


def test_the_mask_is_laid_over_the_power_as_the_classes_colour(window):
    fill(window)
    pixels = drawn(window)
    assert is_blue(pixels[:, FIRST:END]).all()
    assert not is_blue(np.delete(pixels, np.s_[FIRST:END], axis=1)).any()
    strong, faint = (pixels[:, place, :3].astype(int).sum() for place in (120, 20))
    assert strong > 3 * faint


def test_what_was_not_segmented_shows_its_power_alone(window):
    fill(window, masks=False)
    pixels = drawn(window)
    assert not is_blue(pixels).any()
    assert pixels[0, 120].astype(int).sum() > 2 * pixels[0, 20].astype(int).sum()


def test_a_class_that_is_switched_off_is_not_tinted_and_not_outlined(window):
    fill(window)
    drawn(window)
    boxes = window.spectrum_view.plot._boxes
    assert [e.number for e, _ in boxes._boxes] == [3]
    window.spectrum_view.controls._toggles[0].setChecked(False)
    assert not is_blue(drawn(window)).any()
    assert boxes._boxes == []


def test_the_list_tells_all_that_is_known_of_an_emission(window):
    fill(window)
    drawn(window)
    model = window.spectrum_view.table.model()
    row = [model.data(model.index(0, column)) for column in range(model.columnCount())]
    assert row[0] == "LTE" and row[3:5] == ["21 dB", "15 kHz"] and row[7:] == ["100%", "0.97"]
    assert row[1].endswith(" MHz") and float(row[1].split()[0]) == pytest.approx(999.934, abs=0.01)
    tip = model.data(model.index(0, 0), QtCore.Qt.ToolTipRole)
    assert "because: symbols of 15 kHz" in tip and "97% sure" in tip


def test_a_click_on_a_columns_title_sorts_the_list(window):
    state = fill(window)
    for number, confidence in ((4, 0.5), (5, 0.99)):
        state.take(keys.PORT_EMISSIONS, event(number, **{keys.CONFIDENCE: confidence}))
    drawn(window)
    table = window.spectrum_view.table
    last = table.model().columnCount() - 1

    def confidences() -> list[str]:
        return [table.model().data(table.model().index(row, last)) for row in range(3)]

    assert confidences() == ["0.97", "0.50", "0.99"]
    table.horizontalHeader().setSortIndicator(last, QtCore.Qt.DescendingOrder)
    assert confidences() == ["0.99", "0.97", "0.50"]


def test_a_click_in_the_list_centres_the_emission_and_tune_asks_for_it(window):
    fill(window)
    drawn(window)
    view = window.spectrum_view
    asked = []
    window.tune_requested.connect(asked.append)
    view.controls.tune.click()
    assert asked == []  # nothing is selected yet
    index = view.table.model().index(0, 1)
    place = view.table.visualRect(index).center()
    QtTest.QTest.mouseClick(view.table.viewport(), QtCore.Qt.LeftButton, pos=place)
    assert view.table.number == 3
    low, high = view.plot._box.viewRange()[0]
    assert (low + high) / 2 == pytest.approx((LOW + HIGH) / 2e6, rel=1e-6)
    view.controls.tune.click()
    assert asked == [pytest.approx((LOW + HIGH) / 2)]
    view.controls.whole_wanted.emit()
    assert view.plot._box.viewRange()[0] == pytest.approx([999.0, 1001.0])


def test_a_paused_picture_stays_while_the_receiver_goes_on_and_scrolls_back(window):
    state = fill(window, frames=100)
    view = window.spectrum_view
    view.controls._span.setCurrentIndex(view.controls._span.findData(1.0))
    drawn(window)
    view.controls.pause.click()
    shown = drawn(window).copy()
    power = np.full(ROWS * COLS, SIGNAL_DB, np.float32)
    for number in range(100, 110):
        state.take(keys.PORT_FRAMES, frame(number), power)
    assert (drawn(window) == shown).all()
    view._scroll.setValue(view._scroll.maximum())
    assert view._end < 2.0
    view.controls.pause.click()
    assert (drawn(window)[0, :, :3] != shown[0, :, :3]).any()


def test_what_is_saved_is_asked_for(window):
    asked = []
    window.save_requested.connect(lambda: asked.append(True))
    window.spectrum_view.controls.save.click()
    assert asked == [True]


def test_the_range_of_colours_can_be_typed(window):
    fill(window)
    controls = window.spectrum_view.controls
    controls._auto.setChecked(False)
    controls._low.setValue(-60)
    controls._high.setValue(-50)
    pixels = drawn(window)
    assert window.spectrum_view.plot.limits == (-60.0, -50.0)
    assert (pixels[:, 20, :3] == pixels[0, 20, :3]).all()


def test_a_retune_moves_the_axis_and_what_was_seen_before(window):
    state = fill(window)
    drawn(window)
    power = np.full(ROWS * COLS, NOISE_DB, np.float32)
    shift = 32 * SPAN / COLS
    state.take(keys.PORT_FRAMES, frame(8, **{keys.CENTER_FREQUENCY: 1e9 + shift}), power)
    pixels = drawn(window)
    low, high = window.spectrum_view.plot._box.viewRange()[0]
    assert (low + high) / 2 == pytest.approx((1e9 + shift) / 1e6)
    old = pixels[-1]
    assert is_blue(old[FIRST - 32 : END - 32]).all() and not is_blue(old[END - 32 :]).any()


def test_nothing_changed_draws_nothing(window):
    fill(window)
    drawn(window)
    window.draw()
    count = window.draws
    for _ in range(5):
        window.draw()
    assert window.draws == count


def test_a_window_of_no_size_and_a_hidden_one_draw_nothing(window):
    fill(window)
    window.spectrum_view.resize(2, 2)
    window.draw()
    window.hide()
    window.draw()
    assert window.draws == 0
    window.show()
    window.resize(900, 600)
    QtWidgets.QApplication.processEvents()
    assert drawn(window) is not None


def test_five_hundred_emissions_at_once_are_drawn(window):
    state = fill(window)
    step = SPAN / 600
    for number in range(600):
        low = 1e9 - SPAN / 2 + number * step
        state.take(keys.PORT_EMISSIONS, event(100 + number, low=low, high=low + step))
    drawn(window)
    picture = window.grab().toImage()
    assert picture.width() > 100
    assert len(window.spectrum_view.plot._boxes._boxes) == MOST_BOXES
    assert window.spectrum_view.table.model().rowCount() == MOST_ROWS


def test_a_class_without_a_colour_has_one(window):
    state = window._spectrum
    power = np.full(ROWS * COLS, SIGNAL_DB, np.float32)
    state.take(keys.PORT_FRAMES, frame(0), power)
    mask = np.ones(ROWS * COLS, np.uint8)
    state.take(keys.PORT_MASKS, frame(0, **{keys.CLASSES: ["noise", "mystery"]}), mask)
    state.take(keys.PORT_EMISSIONS, event(1, label="another"))
    drawn(window)
    window.grab()
    assert [t.text() for t in window.spectrum_view.controls._toggles] == ["mystery"]


def test_two_views_draw_one_state(application):
    state = SpectrumState()
    windows = [LiveWindow(state, ActivityState()) for _ in range(2)]
    for each in windows:
        each.show()
    fill(windows[0])
    assert (drawn(windows[0]) == drawn(windows[1])).all()
    for each in windows:
        each.close()


def test_activities_have_a_tab_of_their_own(window):
    state = window._activity
    rng = np.random.default_rng(1)
    for number in range(8):
        start = 10.0 + 0.5 * number
        fields = {
            keys.ROWS: 200,
            keys.COLS: 53,
            keys.CHANNELS: 1,
            keys.ANTENNAS: 1,
            keys.HOP: 0.5,
            keys.ROW_DURATION: 0.01,
            keys.FREQUENCY_STEP: 312.5e3,
            keys.RX_TIME: (int(start), start - int(start)),
            keys.SOURCE: "aa:bb",
        }
        values = 1.0 + 0.1 * rng.random(200 * 53, np.float32)
        state.take(keys.PORT_WINDOWS, fields, values)
        told = {
            keys.LABEL: "WALKING",
            keys.CONFIDENCE: 0.9,
            keys.START_TIME: start + 0.75,
            keys.DURATION: 0.5,
            keys.MOTION_DB: 9.0,
            keys.PROBABILITIES: {"SEATED": 0.1, "WALKING": 0.9},
            keys.SOURCE: "aa:bb",
        }
        state.take(keys.PORT_ACTIVITY, told)
    window.draw()
    window.draw()
    assert window.currentWidget() is window.activity_view
    assert not window.tabBar().isHidden()
    assert "WALKING" in window.activity_view._now.text()
    assert window.activity_view._image.image.shape == (53, 550, 3)
    window.grab()


def test_a_time_span_that_cannot_be_is_refused(application):
    with pytest.raises(UsageError, match=r"time_span: expected 0\.001 to 60 s, got 0"):
        LiveWindow(SpectrumState(), ActivityState(), time_span=0)


# The block


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


def test_a_flowgraph_shows_what_is_in_a_recording(application, model, tmp_path):
    recording = write_recording(tmp_path / "carriers", two_carriers(0.3))
    source = radiofm.recording_source(str(recording))
    framer = radiofm.spectrogram_framer(RATE, model=str(model))
    segmenter = radiofm.spectrogram_segmenter(str(model))
    tracker = radiofm.emission_tracker()
    view = radiofm.live_view(title="test")
    flowgraph = gr.top_block()
    flowgraph.connect(source, framer, segmenter)
    flowgraph.msg_connect(framer, "frames", view, "frames")
    flowgraph.msg_connect(segmenter, "masks", view, "masks")
    flowgraph.msg_connect(segmenter, "detections", tracker, "detections")
    flowgraph.msg_connect(segmenter, "status", view, "status")
    flowgraph.msg_connect(tracker, "emissions", view, "emissions")
    flowgraph.start()
    flowgraph.wait()
    window = view.qwidget()
    window.show()
    pixels = drawn(window)
    table = window.spectrum_view.table.model()
    labels = {table.data(table.index(row, 0)) for row in range(table.rowCount())}
    assert labels == {"LTE", "NR"}
    assert len(pixels) > 100
    low, high = window.spectrum_view.plot._box.viewRange()[0]
    assert (low + high) / 2 == pytest.approx(CENTER / 1e6)
    assert view.failures == 0
    window.close()


def test_what_the_user_asks_for_goes_out_as_messages(application):
    view, debug = radiofm.live_view(), blocks.message_debug()
    strobe = blocks.message_strobe(pmt.make_dict(), 50)
    flowgraph = gr.top_block()
    flowgraph.msg_connect(strobe, "strobe", view, "status")
    flowgraph.msg_connect(view, "command", debug, "store")
    flowgraph.msg_connect(view, "save", debug, "store")
    flowgraph.start()
    view.qwidget().tune_requested.emit(1.7e9)
    view.qwidget().save_requested.emit()
    end = time.monotonic() + 60
    while debug.num_messages() < 2 and time.monotonic() < end:
        time.sleep(0.02)
    told = [pmt.to_python(debug.get_message(index)) for index in range(debug.num_messages())]
    flowgraph.stop()
    flowgraph.wait()
    assert told == [{"freq": 1.7e9}, None] or told == [{"freq": 1.7e9}, {}]


def test_messages_that_do_not_fit_are_counted_and_the_view_goes_on(application):
    view = radiofm.live_view()
    flowgraph = gr.top_block()
    strobe = blocks.message_strobe(pmt.intern("nonsense"), 5)
    for port in ("frames", "masks", "emissions", "status", "windows", "activity"):
        flowgraph.msg_connect(strobe, "strobe", view, port)
    flowgraph.start()
    end = time.monotonic() + 60
    while view.failures < 12 and time.monotonic() < end:
        time.sleep(0.02)
    flowgraph.stop()
    flowgraph.wait()
    assert view.failures >= 12
    assert view.qwidget().spectrum_view.table.model().rowCount() == 0
