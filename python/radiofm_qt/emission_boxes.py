# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines and names of emissions over a waterfall, drawn in one go however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyqtgraph
from PyQt5 import QtCore, QtGui

from radiofm_core.outputs.colors import INK, PAPER, UNKNOWN_COLOR
from radiofm_core.outputs.units import display_name, readable_hz
from radiofm_core.view.emission_list import ShownEmission

from .look import color

# Boxes beyond this many would only cover the picture, and names each other: the largest have one,
# where there is room
MOST_BOXES, MOST_NAMES = 300, 24
# Opacity of the lines around emissions that have ended
ENDED_ALPHA = 150
_PAD = 4


class EmissionBoxes(pyqtgraph.GraphicsObject):
    """Boxes in the coordinates of the plot: MHz to the right, seconds before its end downwards."""

    def __init__(self):
        super().__init__()
        self._boxes: list[tuple[ShownEmission, QtCore.QRectF]] = []
        self._colors: Mapping[str, str] = {}
        self._selected: int | None = None
        self._bounds = QtCore.QRectF()
        self._font = QtGui.QFont()
        self._font.setPixelSize(12)
        self._font.setBold(True)
        self._metrics = QtGui.QFontMetricsF(self._font)

    def show(
        self,
        emissions: Sequence[ShownEmission],
        colors: Mapping[str, str],
        end: float,
        span: float,
        now: float,
        selected: int | None,
    ) -> None:
        """Draw these from now on.

        Args:
            emissions: the ones to show, the most important first.
            colors: ``#rrggbb`` by label.
            end, span: what the plot shows, in seconds of the source's clock.
            now: an emission on the air reaches to here.
            selected: its number is drawn bold.
        """
        boxes = []
        for emission in emissions:
            stop = max(now, emission.end) if emission.is_open else emission.end
            top, bottom = end - stop, end - emission.start
            if bottom <= 0 or top >= span:
                continue
            top, bottom = max(top, 0.0), min(bottom, span)
            box = QtCore.QRectF(
                emission.low / 1e6, top, emission.bandwidth / 1e6, max(bottom - top, 0.0)
            )
            boxes.append((emission, box))
            if len(boxes) == MOST_BOXES:
                break
        self._boxes, self._colors, self._selected = boxes, colors, selected
        self.update()

    def set_bounds(self, bounds: QtCore.QRectF) -> None:
        """The part of the plot that boxes may lie in."""
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds

    def at(self, x: float, y: float) -> ShownEmission | None:
        """The smallest emission at a place of the plot, or None."""
        hits = [(box.width(), emission) for emission, box in self._boxes if box.contains(x, y)]
        return min(hits, key=lambda hit: hit[0])[1] if hits else None

    def boundingRect(self) -> QtCore.QRectF:
        """For Qt."""
        return self._bounds

    def paint(self, painter: QtGui.QPainter, *_) -> None:
        """For Qt: in pixels, so that lines and letters keep their size."""
        to_device = painter.transform()
        ratio = painter.device().devicePixelRatioF()
        painter.save()
        painter.resetTransform()
        painter.scale(ratio, ratio)
        to_pixels = to_device * QtGui.QTransform.fromScale(1 / ratio, 1 / ratio)
        painter.setFont(self._font)
        frame = to_pixels.mapRect(self._bounds)
        places = [(emission, to_pixels.mapRect(box)) for emission, box in self._boxes]
        self._draw_boxes(painter, places)
        taken: list[QtCore.QRectF] = []
        largest = sorted(places, key=lambda each: -each[1].width() * each[1].height())
        for emission, place in largest[:MOST_NAMES]:
            self._draw_name(painter, emission, place, frame, taken)
        painter.restore()

    def _draw_boxes(self, painter, places) -> None:
        """Whole lines of one pixel, all of one colour at once: Qt draws others, and dashes, a
        hundred times slower."""
        looks: dict[tuple[str, bool], list[QtCore.QRectF]] = {}
        for emission, place in places:
            shade = self._colors.get(emission.label, UNKNOWN_COLOR)
            looks.setdefault((shade, emission.is_open), []).append(place)
        painter.setBrush(QtCore.Qt.NoBrush)
        for (shade, is_open), boxes in looks.items():
            painter.setPen(QtGui.QPen(color(shade, 255 if is_open else ENDED_ALPHA), 1))
            painter.drawRects(boxes)
        chosen = [place for emission, place in places if emission.number == self._selected]
        painter.setPen(QtGui.QPen(color(INK), 2))
        painter.drawRects(chosen)

    def _draw_name(self, painter, emission, place, frame, taken) -> None:
        shade = self._colors.get(emission.label, UNKNOWN_COLOR)
        candidates = texts(emission)
        for text in candidates:
            size = self._metrics.size(0, text)
            width, height = size.width() + 2 * _PAD, size.height() + 2
            roomy = place.width() >= width + 6 and place.height() >= height + 6
            if not roomy and text != candidates[-1]:
                continue
            left = place.left() + (3 if roomy else 0)
            left = min(max(left, frame.left()), frame.right() - width)
            for top in (place.top() + 3,) if roomy else (place.top() - height, place.bottom()):
                box = QtCore.QRectF(left, top, width, height)
                if frame.contains(box) and not any(box.intersects(other) for other in taken):
                    taken.append(box)
                    painter.setPen(QtCore.Qt.NoPen)
                    painter.setBrush(color(shade, 235))
                    painter.drawRoundedRect(box, 3, 3)
                    painter.setPen(color(PAPER))
                    painter.drawText(box, QtCore.Qt.AlignCenter, text)
                    return


def texts(emission: ShownEmission) -> list[str]:
    """What can stand beside an emission, the longest first."""
    hertz = emission.bandwidth
    width = readable_hz(round(hertz, -5 if hertz >= 1e6 else -3))
    level = "" if emission.snr_db is None else f"   {emission.snr_db:.0f} dB"
    full = f"{emission.name}   {width}{level}"
    spaced = []
    if emission.spacing is not None and "(" not in emission.name:
        spaced = [f"{full}   {readable_hz(emission.spacing)} spacing"]
    return [*spaced, full, f"{emission.name}   {width}", display_name(emission.label)]
