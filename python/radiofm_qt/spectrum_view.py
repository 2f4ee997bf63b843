# SPDX-License-Identifier: GPL-3.0-or-later
"""The spectrum as a window shows it: controls, waterfall, list of emissions, status line."""

from __future__ import annotations

import math

from PyQt5 import QtCore, QtWidgets

from radiofm_core.outputs.event_words import clock_words
from radiofm_core.outputs.units import readable_hz
from radiofm_core.view.spectrum_state import Snapshot, SpectrumState

from .controls import Controls
from .emission_table import EmissionTable
from .waterfall_plot import WaterfallPlot

# The table and the status line change this often at most: nobody reads faster
TABLE_INTERVAL_MS = 250
# From so many seconds on, the window zooms out by such a factor at a time
STEPS_FROM_S, STEP = 0.5, 1.1
# Steps of the bar that scrolls back, per second
_STEPS = 100


class SpectrumView(QtWidgets.QWidget):
    """Draws a :class:`SpectrumState` whenever :meth:`draw` is called and something has changed.

    Args:
        state: what is shown.
        span: seconds of waterfall at first.
        can_tune, can_save: whether there is somebody to retune a receiver, and to save samples.
    """

    # Hz; nothing
    tune_requested = QtCore.pyqtSignal(float)
    save_requested = QtCore.pyqtSignal()

    def __init__(
        self, state: SpectrumState, span: float, can_tune: bool, can_save: bool, parent=None
    ):
        super().__init__(parent)
        self._state = state
        self._end: float | None = None  # of what is shown, where that is not now
        self._drawn: tuple = ()
        self._note = ""
        self._is_complete = False
        self.draws = 0
        self.controls = Controls(span)
        self.allow(can_tune, can_save)
        self.plot = WaterfallPlot(state)
        self.table = EmissionTable()
        self._scroll = QtWidgets.QScrollBar(QtCore.Qt.Vertical)
        self._scroll.setToolTip("scroll back in time")
        self._status = QtWidgets.QLabel()
        self._status.setObjectName("status")
        self._error = QtWidgets.QLabel()
        self._error.setObjectName("error")
        self._arrange()
        self._connect()
        self._table_timer = QtCore.QElapsedTimer()
        self._table_timer.start()
        self._table_due = True

    def allow(self, can_tune: bool, can_save: bool) -> None:
        """Whether there is somebody to retune a receiver, and to save samples."""
        self._can_tune = can_tune
        self.controls.tune.setVisible(can_tune)
        self.controls.save.setVisible(can_save)

    def draw(self) -> None:
        """Draw what has changed since; nothing while the window is hidden."""
        if not self.isVisible() or self.width() < 8 or self.height() < 8:
            return
        signs = (self._state.version, self._end, self.plot.size(), self.table.number)
        is_new = signs != self._drawn
        if not (is_new or self._table_due):
            return
        shot = self._state.snapshot(0.0)
        now = shot.now if self._end is None else self._end
        if is_new:
            self._drawn = signs
            span = self._span_of(max(now - shot.since, shot.row_duration))
            self.controls.show_classes(shot.classes, shot.colors)
            self.plot.fixed_limits = self.controls.limits
            self.plot.show_snapshot(shot, now, span, self.controls.hidden, self.table.number)
            self.controls.show_limits(self.plot.limits)
            self._show_scroll(shot, span)
            self.draws += 1
        if self._table_due or self._table_timer.elapsed() >= TABLE_INTERVAL_MS:
            self._table_due = False
            self._table_timer.restart()
            self.table.show_snapshot(shot)
            self._show_status(shot, now)

    def fit(self) -> None:
        """No more will come: let what there is fill the window exactly."""
        if not self._is_complete:
            self._is_complete = True
            self._forget()

    def _span_of(self, elapsed: float) -> float:
        """What has run for a moment fills the window; it zooms out in steps, as a new scale for
        each picture costs more than the picture."""
        if not self._is_complete and elapsed > STEPS_FROM_S:
            elapsed = STEP ** math.ceil(math.log(elapsed, STEP))
        return min(self.controls.span, elapsed)

    def note(self, text: str) -> None:
        """Something to tell in the status line, such as where samples were saved."""
        self._note = text
        self._table_due = True

    def _arrange(self) -> None:
        picture = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(picture)
        row.setContentsMargins(0, 0, 4, 0)
        row.setSpacing(2)
        row.addWidget(self.plot, 1)
        row.addWidget(self._scroll)
        splitter = QtWidgets.QSplitter(QtCore.Qt.Vertical)
        splitter.addWidget(picture)
        splitter.addWidget(self.table)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([540, 180])
        foot = QtWidgets.QHBoxLayout()
        foot.setContentsMargins(10, 3, 10, 5)
        foot.addWidget(self._status, 1)
        foot.addWidget(self._error)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.controls)
        column.addWidget(splitter, 1)
        column.addLayout(foot)

    def _connect(self) -> None:
        self.controls.changed.connect(self._forget)
        self.controls.paused.connect(self._on_pause)
        self.controls.tune_wanted.connect(self._on_tune)
        self.controls.save_wanted.connect(self.save_requested)
        self.controls.whole_wanted.connect(self.plot.look_at_all)
        self.plot.emission_clicked.connect(self._on_plot_clicked)
        self.table.selected.connect(self._on_selected)
        self._scroll.valueChanged.connect(self._on_scroll)
        for chosen in (self.plot.frequency_chosen, self.table.frequency_chosen):
            chosen.connect(self._on_frequency)

    def _forget(self) -> None:
        self._drawn = ()

    def _on_pause(self, is_paused: bool) -> None:
        self._end = self._state.snapshot(0.0).now if is_paused else None
        self._table_due = True

    def _on_scroll(self, value: int) -> None:
        if value == 0 and not self.controls.pause.isChecked():
            self._end = None
            return
        shot = self._state.snapshot(0.0)
        if not self.controls.pause.isChecked():
            self.controls.pause.setChecked(True)
        self._end = max(shot.now - value / _STEPS, shot.since)
        self._table_due = True

    def _show_scroll(self, shot: Snapshot, span: float) -> None:
        """The bar's length and place: its top is now."""
        whole = max(shot.now - shot.since, 0.0)
        back = 0.0 if self._end is None else max(shot.now - self._end, 0.0)
        self._scroll.blockSignals(True)
        self._scroll.setPageStep(max(int(span * _STEPS), 1))
        self._scroll.setRange(0, max(int((whole - span) * _STEPS), 0))
        self._scroll.setValue(int(back * _STEPS))
        self._scroll.blockSignals(False)

    def _on_plot_clicked(self, number: int) -> None:
        self.table.select(number)
        self._forget()

    def _on_selected(self, number: int) -> None:
        emission = self.table.emission()
        if emission is not None:
            self.plot.look_at(emission)

    def _on_tune(self) -> None:
        emission = self.table.emission()
        if emission is None:
            self.note("select an emission to tune to: click it in the waterfall or in the list")
            return
        self._on_frequency(emission.center)

    def _on_frequency(self, hertz: float) -> None:
        if self._can_tune:
            self.tune_requested.emit(hertz)
            self.note(f"tuning to {readable_hz(round(hertz))}")

    def _show_status(self, shot: Snapshot, now: float) -> None:
        status = shot.status
        parts = []
        if shot.newest is None:
            parts.append("waiting for samples")
        else:
            tuned = readable_hz(shot.center) if shot.center else "baseband"
            parts.append(f"{tuned}, {shot.rate / 1e6:g} MS/s")
            parts.append(f"{status.frames} frames, {status.dropped} dropped")
            latency = f"{status.latency_p50 * 1e3:.0f} ms (99 %: {status.latency_p99 * 1e3:.0f} ms)"
            parts.append(f"latency {latency}")
            if status.model:
                parts.append(status.model)
            if self._end is not None:
                parts.append(f"paused at {clock_words(now).strip()}, {shot.now - now:.1f} s ago")
        if self._note:
            parts.append(self._note)
        self._status.setText("   ·   ".join(parts))
        self._error.setText(status.error)
