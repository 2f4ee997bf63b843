# SPDX-License-Identifier: GPL-3.0-or-later
"""Wi-Fi CSI as a window shows it: what the channel did, what went on, how much moved."""

from __future__ import annotations

import numpy as np
import pyqtgraph
from PyQt5 import QtCore, QtWidgets

from radiofm_core.outputs.colors import EMPTY, FAINT, INK, UNKNOWN_COLOR, rgb
from radiofm_core.outputs.units import display_name
from radiofm_core.view.activity_state import ActivitySnapshot, ActivityState

from .look import color, plot_widget

SPAN_S = 30.0
LEAST_RANGE_DB, MOST_RANGE_DB = 3.0, 20.0
LEAST_MOTION_DB = 20.0
# Below the usual, the usual, above it: no hue that a class has, and stillness is dark
CHANGE_STOPS = ("#a9c6ff", "#3d5c96", "#0d1424", "#86633a", "#ffdfae")


class ActivityView(QtWidgets.QWidget):
    """Draws an :class:`ActivityState`: amplitudes, labels and motion of one sender."""

    def __init__(self, state: ActivityState, parent=None):
        super().__init__(parent)
        self._state = state
        self._drawn: tuple = ()
        self._table = _change_table()
        self._senders = QtWidgets.QComboBox()
        self._senders.setToolTip("the sender whose channel is shown")
        self._now = QtWidgets.QLabel()
        self._status = QtWidgets.QLabel()
        self._status.setObjectName("status")
        self._heat, self._labels, self._motion = plot_widget(), plot_widget(), plot_widget()
        self._image = pyqtgraph.ImageItem(axisOrder="row-major")
        self._strips = _Strips()
        self._curve = pyqtgraph.PlotCurveItem(
            x=[0.0, 0.0],
            y=[0.0],
            pen=pyqtgraph.mkPen("#6f8fc2", width=1.5),
            fillLevel=0.0,
            brush=color("#2c4266", 160),
            stepMode="center",
        )
        self._arrange()

    def draw(self) -> None:
        """Draw what has changed since; nothing while the window is hidden."""
        if not self.isVisible() or self.width() < 8 or self.height() < 8:
            return
        signs = (self._state.version, self._senders.currentText(), self._heat.size())
        if signs == self._drawn:
            return
        self._drawn = signs
        wanted = self._senders.currentData() or ""
        shot = self._state.snapshot(SPAN_S, wanted)
        self._show_senders(shot)
        if shot.amplitude_db is None or not len(shot.amplitude_db):
            return
        self._show_amplitudes(shot)
        self._show_moments(shot)
        self._status.setText(
            f"{shot.packet_rate:.0f} packets/s   ·   {shot.model or 'no labels yet'}"
        )

    def _arrange(self) -> None:
        self._heat.setLabel("left", "MHz from centre")
        self._heat.addItem(self._image)
        self._labels.addItem(self._strips)
        self._labels.setFixedHeight(44)
        self._labels.getPlotItem().getAxis("left").setTicks([])
        self._labels.setYRange(0, 1, padding=0)
        self._motion.setLabel("left", "motion (dB)")
        self._motion.setLabel("bottom", "seconds ago")
        self._motion.addItem(self._curve)
        for plot in (self._heat, self._labels, self._motion):
            plot.setMouseEnabled(x=False, y=False)
            plot.getPlotItem().getAxis("left").setWidth(58)
            plot.setXRange(-SPAN_S, 0, padding=0)
        for plot in (self._heat, self._labels):
            plot.getPlotItem().getAxis("bottom").setStyle(showValues=False)
        top = QtWidgets.QHBoxLayout()
        top.setContentsMargins(10, 6, 10, 6)
        self._now.setTextFormat(QtCore.Qt.RichText)
        top.addWidget(self._now, 1)
        top.addWidget(QtWidgets.QLabel("sender"))
        top.addWidget(self._senders)
        foot = QtWidgets.QHBoxLayout()
        foot.setContentsMargins(10, 3, 10, 5)
        foot.addWidget(self._status)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self._heat, 3)
        column.addWidget(self._labels)
        column.addWidget(self._motion, 1)
        column.addLayout(foot)

    def _show_senders(self, shot: ActivitySnapshot) -> None:
        known = [self._senders.itemData(i) for i in range(self._senders.count())]
        if known == shot.senders:
            return
        chosen = self._senders.currentData()
        self._senders.blockSignals(True)
        self._senders.clear()
        for sender in shot.senders:
            self._senders.addItem(sender or "without a name", sender)
        place = self._senders.findData(chosen if chosen in shot.senders else shot.sender)
        self._senders.setCurrentIndex(place)
        self._senders.blockSignals(False)

    def _show_amplitudes(self, shot: ActivitySnapshot) -> None:
        rows = shot.amplitude_db
        there = np.isfinite(rows).all(axis=1)
        change = rows - np.median(rows[there], axis=0) if there.any() else rows
        limit = np.percentile(np.abs(change[there]), 98) if there.any() else 0.0
        limit = min(max(float(limit), LEAST_RANGE_DB), MOST_RANGE_DB)
        levels = np.clip(np.nan_to_num((change / limit + 1.0) * 127.5), 0, 255).astype(np.uint8)
        pixels = self._table[levels.T]
        pixels[:, ~there] = np.rint(255 * rgb(EMPTY)).astype(np.uint8)
        self._image.setImage(np.ascontiguousarray(pixels), autoLevels=False)
        half = max(shot.frequency_step * rows.shape[1] / 2e6, 0.5)
        length = len(rows) * shot.row_duration
        self._image.setRect(QtCore.QRectF(-length, -half, length, 2 * half))
        self._heat.setYRange(-half, half, padding=0)

    def _show_moments(self, shot: ActivitySnapshot) -> None:
        colors = dict(zip(shot.classes, shot.colors, strict=True))
        self._strips.show(
            [
                (m.start - shot.end, m.duration, m.label, colors.get(m.label, UNKNOWN_COLOR))
                for m in shot.moments
            ],
            SPAN_S,
        )
        known = [m for m in shot.moments if m.motion_db is not None]
        if known:
            edges = [m.start - shot.end for m in known]
            edges.append(edges[-1] + known[-1].duration)
            levels = np.array([max(m.motion_db, 0.0) for m in known])
            self._curve.setData(np.array(edges), levels)
            self._motion.setYRange(0, max(LEAST_MOTION_DB, levels.max()), padding=0)
        if shot.moments:
            last = shot.moments[-1]
            shade = colors.get(last.label, UNKNOWN_COLOR)
            self._now.setText(
                f'<span style="color:{shade}">&#9632;</span> <b>{display_name(last.label)}</b>'
                f'<span style="color:{FAINT}">, {last.confidence:.0%} sure</span>'
            )


class _Strips(pyqtgraph.GraphicsObject):
    """Labels over time, each run of one label as a bar with its name."""

    def __init__(self):
        super().__init__()
        self._runs: list[list] = []
        self._bounds = QtCore.QRectF(-SPAN_S, 0, SPAN_S, 1)

    def show(self, moments: list[tuple[float, float, str, str]], span: float) -> None:
        """(start, duration, label, colour) of each, seconds before now."""
        runs: list[list] = []
        for start, duration, label, shade in moments:
            if runs and runs[-1][2] == label and abs(start - runs[-1][1]) < duration / 2:
                runs[-1][1] = start + duration
            else:
                runs.append([start, start + duration, label, shade])
        self._runs = [run for run in runs if run[1] > -span]
        self.update()

    def boundingRect(self) -> QtCore.QRectF:
        """For Qt."""
        return self._bounds

    def paint(self, painter, *_) -> None:
        """For Qt: in pixels, so that letters keep their shape."""
        to_device = painter.transform()
        painter.save()
        painter.resetTransform()
        for start, stop, label, shade in self._runs:
            box = to_device.mapRect(QtCore.QRectF(max(start, -SPAN_S), 0.08, 0, 0.84))
            end = to_device.mapRect(QtCore.QRectF(min(stop, 0.0), 0.08, 0, 0.84))
            bar = QtCore.QRectF(box.topLeft(), end.bottomRight())
            painter.setPen(QtCore.Qt.NoPen)
            painter.setBrush(color(shade, 110))
            painter.drawRect(bar)
            painter.setPen(color(INK))
            text = painter.fontMetrics().elidedText(
                display_name(label), QtCore.Qt.ElideRight, max(int(bar.width()) - 8, 0)
            )
            if len(text) > 2:
                painter.drawText(bar, QtCore.Qt.AlignCenter, text)
        painter.restore()


def _change_table() -> np.ndarray:
    """256 colours from below the usual to above it, uint8 (256, 3)."""
    places = np.linspace(0, 255, len(CHANGE_STOPS))
    stops = np.stack([rgb(stop) for stop in CHANGE_STOPS])
    table = [np.interp(np.arange(256), places, stops[:, k]) for k in range(3)]
    return np.rint(255 * np.stack(table, axis=1)).astype(np.uint8)
