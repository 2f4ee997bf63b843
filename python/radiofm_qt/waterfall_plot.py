# SPDX-License-Identifier: GPL-3.0-or-later
"""The waterfall: frequency to the right, time downwards, newest on top."""

from __future__ import annotations

from collections.abc import Collection

import pyqtgraph
from PyQt5 import QtCore, QtWidgets

from radiofm_core.outputs.units import readable_hz
from radiofm_core.view.emission_list import ShownEmission
from radiofm_core.view.spectrum_state import Snapshot, SpectrumState
from radiofm_core.view.waterfall_image import Painter, range_of

from .emission_boxes import EmissionBoxes
from .look import plot_widget

# How fast a range that is found follows the signals
FOLLOW = 0.1
MOST_PIXELS = 1200


class WaterfallPlot(QtWidgets.QWidget):
    """Draws snapshots. Wheel and drag zoom and move in frequency; the context is kept while the
    receiver stays on its frequency."""

    # an emission's number; Hz
    emission_clicked = QtCore.pyqtSignal(int)
    frequency_chosen = QtCore.pyqtSignal(float)

    def __init__(self, state: SpectrumState, parent=None):
        super().__init__(parent)
        self._plot = plot_widget()
        self._box = self._plot.getPlotItem().getViewBox()
        self._box.setMouseEnabled(x=True, y=False)
        self._box.invertY(True)
        self._plot.setLabel("bottom", "frequency (MHz)")
        self._plot.setLabel("left", "seconds ago")
        self._image = pyqtgraph.ImageItem(axisOrder="row-major")
        self._boxes = EmissionBoxes()
        self._plot.addItem(self._image)
        self._plot.addItem(self._boxes)
        self._painter = Painter(state)
        self._tuning = (0.0, 0.0)
        self._scale = 0.0
        self._limits: tuple[float, float] | None = None
        self.fixed_limits: tuple[float, float] | None = None
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self._plot.scene().sigMouseMoved.connect(self._on_move)
        self._plot.scene().sigMouseClicked.connect(self._on_click)

    @property
    def limits(self) -> tuple[float, float]:
        """dB of the darkest and of the brightest colour."""
        return self.fixed_limits or self._limits or (-120.0, -60.0)

    @property
    def image(self):
        """The pixels that are shown: uint8 (height, cols, 4), RGBA, or None."""
        return self._image.image

    def show_snapshot(
        self,
        shot: Snapshot,
        end: float,
        span: float,
        hidden: Collection[int],
        selected: int | None,
    ) -> None:
        """Draw what was there in the ``span`` seconds before ``end``, without the tint of
        ``hidden`` classes; ``selected``: the number of an emission."""
        if shot.newest is None or not shot.rate:
            self._image.clear()
            self._boxes.show([], {}, end, span, end, None)
            return
        self._follow_tuning(shot)
        self._follow_span(span)
        last = round(end / shot.row_duration) - 1
        wanted = (last - max(round(span / shot.row_duration), 1) + 1, last)
        pixels = min(max(int(self._box.height()), 1), MOST_PIXELS)
        limits = self.fixed_limits or self._limits
        painted = self._painter.paint(shot, wanted, pixels, hidden, limits)
        if painted is None:
            return
        self._follow_levels(painted.levels)
        self._image.setImage(painted.pixels, autoLevels=False)
        low, width = (shot.center - shot.rate / 2) / 1e6, shot.rate / 1e6
        half_bin = width / painted.pixels.shape[1] / 2
        self._image.setRect(
            QtCore.QRectF(low - half_bin, end - painted.end, width, painted.end - painted.start)
        )
        self._boxes.set_bounds(QtCore.QRectF(low, 0.0, width, span))
        shown = [e for e in shot.emissions if _index(shot, e.label) not in hidden]
        colors = dict(zip(shot.classes, shot.colors, strict=True))
        self._boxes.show(shown, colors, end, span, shot.now, selected)

    def look_at(self, emission: ShownEmission) -> None:
        """Centre an emission, three times as wide as it is."""
        half = max(1.5 * emission.bandwidth, 8 * self._tuning[1] / 256) / 1e6
        self._box.setXRange(emission.center / 1e6 - half, emission.center / 1e6 + half, padding=0)

    def look_at_all(self) -> None:
        """The whole span of the receiver."""
        center, rate = self._tuning
        if rate:
            self._box.setXRange((center - rate / 2) / 1e6, (center + rate / 2) / 1e6, padding=0)

    def _follow_tuning(self, shot: Snapshot) -> None:
        if (shot.center, shot.rate) == self._tuning:
            return
        self._tuning = (shot.center, shot.rate)
        low, high = (shot.center - shot.rate / 2) / 1e6, (shot.center + shot.rate / 2) / 1e6
        self._box.setLimits(xMin=low, xMax=high, minXRange=(high - low) / 128)
        self.look_at_all()

    def _follow_span(self, span: float) -> None:
        scale = 1.0 if span >= 1.0 else 1e-3
        if scale != self._scale:
            self._scale = scale
            axis = self._plot.getPlotItem().getAxis("left")
            axis.setScale(1 / scale)
            self._plot.setLabel("left", "seconds ago" if scale == 1.0 else "ms ago")
        self._box.setYRange(0.0, span, padding=0)

    def _follow_levels(self, levels) -> None:
        """Let the colours' range follow the signals, slowly."""
        if not len(levels):
            return
        found = range_of(levels)
        if self._limits is None:
            self._limits = found
        # in steps, so that the table of colours is seldom made anew
        elif max(abs(new - old) for new, old in zip(found, self._limits, strict=True)) >= 1.0:
            self._limits = tuple(
                old + FOLLOW * (new - old) for new, old in zip(found, self._limits, strict=True)
            )

    def _on_move(self, position) -> None:
        place = self._place(position)
        found = None if place is None else self._boxes.at(place.x(), place.y())
        if place is None:
            QtWidgets.QToolTip.hideText()
            return
        where = readable_hz(round(place.x() * 1e6, -3))
        text = where if found is None else told_of(found)
        QtWidgets.QToolTip.showText(
            self._plot.mapToGlobal(self._plot.mapFromScene(position)), text, self._plot
        )

    def _on_click(self, event) -> None:
        place = self._place(event.scenePos())
        if place is None:
            return
        if event.double():
            self.frequency_chosen.emit(place.x() * 1e6)
            return
        found = self._boxes.at(place.x(), place.y())
        self.emission_clicked.emit(-1 if found is None else found.number)

    def _place(self, position):
        """The place in the plot's coordinates, or None outside of it."""
        if not self._box.sceneBoundingRect().contains(position) or not self._tuning[1]:
            return None
        return self._box.mapSceneToView(position)


def told_of(emission: ShownEmission) -> str:
    """All that is known of an emission, in some lines."""
    lines = [
        f"{emission.name}, {emission.confidence:.0%} sure",
        f"{readable_hz(round(emission.center))}, {readable_hz(round(emission.bandwidth, -3))} wide",
    ]
    if emission.snr_db is not None:
        lines.append(f"{emission.snr_db:.1f} dB above the noise")
    lines.append(f"on the air for {emission.duty:.0%} of the time")
    if emission.words:
        lines.append(f"because: {emission.words}")
    return "\n".join(lines)


def _index(shot: Snapshot, label: str) -> int:
    return shot.classes.index(label) if label in shot.classes else -1
