# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of emissions: those on the air, then those that have ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PyQt5 import QtCore, QtGui, QtWidgets

from radiofm_core.outputs.colors import FAINT, INK, UNKNOWN_COLOR
from radiofm_core.outputs.event_words import clock_words
from radiofm_core.outputs.units import readable_hz
from radiofm_core.view.emission_list import ShownEmission
from radiofm_core.view.spectrum_state import Snapshot

from .look import color
from .waterfall_plot import told_of


def _clock(moment: float) -> str:
    return clock_words(moment).strip()


@dataclass(frozen=True)
class _Column:
    title: str
    text: Callable[[ShownEmission], str]
    order: Callable[[ShownEmission], float | str]
    tip: str


COLUMNS = (
    _Column("label", lambda e: e.name, lambda e: e.name, "what it is"),
    _Column(
        "centre", lambda e: f"{e.center / 1e6:.3f} MHz", lambda e: e.center, "centre frequency"
    ),
    _Column("width", lambda e: readable_hz(round(e.bandwidth, -3)), lambda e: e.bandwidth, ""),
    _Column(
        "SNR",
        lambda e: "" if e.snr_db is None else f"{e.snr_db:.0f} dB",
        lambda e: -1e9 if e.snr_db is None else e.snr_db,
        "power over the noise in the same band, while it is on",
    ),
    _Column(
        "spacing",
        lambda e: "" if e.spacing is None else readable_hz(e.spacing),
        lambda e: e.spacing or 0.0,
        "subcarrier spacing, where the samples tell it",
    ),
    _Column("start", lambda e: _clock(e.start), lambda e: e.start, "when it was first seen"),
    _Column("last seen", lambda e: _clock(e.end), lambda e: e.end, "when it was last told of"),
    _Column("on air", lambda e: f"{e.duty:.0%}", lambda e: e.duty, "share of its time on the air"),
    _Column(
        "confidence",
        lambda e: f"{e.confidence:.2f}",
        lambda e: e.confidence,
        "how probable the label is",
    ),
)
_LEFT = QtCore.Qt.AlignLeft | QtCore.Qt.AlignVCenter
_RIGHT = QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter
# Nobody reads more
MOST_ROWS = 500


class EmissionModel(QtGui.QStandardItemModel):
    """Emissions as Qt's table sees them; sorted as they come, or by a column.

    Its cells are Qt's own: a table asks for them again and again, and each answer of Python's would
    wait for the other threads of a flowgraph. Only what has changed is set anew.
    """

    def __init__(self, parent=None):
        super().__init__(0, len(COLUMNS), parent)
        self._emissions: list[ShownEmission] = []
        self._colors: dict[str, str] = {}
        self._shown: list[tuple] = []
        self._sorted_by: tuple[int, bool] | None = None
        for place, column in enumerate(COLUMNS):
            item = QtGui.QStandardItem(column.title)
            item.setToolTip(column.tip)
            item.setTextAlignment(_LEFT if place == 0 else _RIGHT)
            self.setHorizontalHeaderItem(place, item)

    def show(self, emissions: Sequence[ShownEmission], colors: dict[str, str]) -> None:
        """Show these from now on, MOST_ROWS at most: as :meth:`fill` brings them into the cells."""
        self._emissions, self._colors = self._in_order(emissions)[:MOST_ROWS], colors
        if self.rowCount() != len(self._emissions):
            self.setRowCount(len(self._emissions))
        kept = self._shown[: len(self._emissions)]
        self._shown = kept + [()] * (len(self._emissions) - len(kept))

    def fill(self, first: int, end: int) -> None:
        """Bring the cells of some rows, those that can be seen, up to date."""
        for row in range(max(first, 0), min(end, len(self._emissions))):
            emission = self._emissions[row]
            look = (emission, self._colors.get(emission.label, UNKNOWN_COLOR))
            if self._shown[row] != look:
                self._show_row(row, *look)
                self._shown[row] = look

    def emission(self, row: int) -> ShownEmission | None:
        """That of a row."""
        return self._emissions[row] if 0 <= row < len(self._emissions) else None

    def row_of(self, number: int | None) -> int:
        """The row of an emission, or -1."""
        return next((i for i, e in enumerate(self._emissions) if e.number == number), -1)

    def sort_by(self, column: int, order) -> None:
        """Sort by a column from now on; by none of them as they come."""
        known = 0 <= column < len(COLUMNS)
        self._sorted_by = (column, order == QtCore.Qt.DescendingOrder) if known else None
        self.show(self._emissions, self._colors)

    def _show_row(self, row: int, emission: ShownEmission, shade: str) -> None:
        told = told_of(emission)
        for place, column in enumerate(COLUMNS):
            item = self.item(row, place)
            if item is None:
                item = QtGui.QStandardItem()
                item.setEditable(False)
                item.setTextAlignment(_LEFT if place == 0 else _RIGHT)
                self.setItem(row, place, item)
            item.setText(column.text(emission))
            item.setToolTip(told)
            item.setForeground(color(INK if emission.is_open else FAINT))
            if place == 0:
                item.setData(_chip(shade, emission.is_open), QtCore.Qt.DecorationRole)

    def _in_order(self, emissions: Sequence[ShownEmission]) -> list[ShownEmission]:
        if self._sorted_by is None:
            return list(emissions)
        column, is_falling = self._sorted_by
        return sorted(emissions, key=COLUMNS[column].order, reverse=is_falling)


class EmissionTable(QtWidgets.QTableView):
    """The list. A click selects an emission, a double click asks for its frequency."""

    # the number of the selected one, -1 for none; Hz
    selected = QtCore.pyqtSignal(int)
    frequency_chosen = QtCore.pyqtSignal(float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._model = EmissionModel(self)
        self.setModel(self._model)
        self._number: int | None = None
        self.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectRows)
        self.setSelectionMode(QtWidgets.QAbstractItemView.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QtWidgets.QHeaderView.Stretch)
        header.setSortIndicator(-1, QtCore.Qt.AscendingOrder)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.sortIndicatorChanged.connect(self._on_sort)
        self.verticalScrollBar().valueChanged.connect(self._fill)
        self.clicked.connect(self._on_clicked)
        self.doubleClicked.connect(self._on_double_clicked)

    @property
    def number(self) -> int | None:
        """Of the selected emission."""
        return self._number

    def show_snapshot(self, shot: Snapshot) -> None:
        """Show its emissions; the selected one stays so while it is there."""
        self._model.show(shot.emissions, dict(zip(shot.classes, shot.colors, strict=True)))
        self._fill()
        self._mark()

    def select(self, number: int) -> None:
        """Select an emission; -1: none."""
        self._number = None if number < 0 else number
        self._mark(scroll=True)

    def emission(self) -> ShownEmission | None:
        """The selected one."""
        return self._model.emission(self._model.row_of(self._number))

    def resizeEvent(self, event) -> None:
        """For Qt: other rows can be seen."""
        super().resizeEvent(event)
        self._fill()

    def _fill(self, *_) -> None:
        first = max(self.rowAt(0), 0)
        height = self.viewport().height()
        self._model.fill(first, first + height // self.verticalHeader().defaultSectionSize() + 2)

    def _on_sort(self, column: int, order) -> None:
        self._model.sort_by(column, order)
        self._fill()

    def _mark(self, scroll: bool = False) -> None:
        row = self._model.row_of(self._number)
        if row < 0:
            self.clearSelection()
            return
        if self.currentIndex().row() != row or not self.selectionModel().hasSelection():
            self.selectRow(row)
        if scroll:
            self.scrollTo(self._model.index(row, 0))

    def _on_clicked(self, index) -> None:
        emission = self._model.emission(index.row())
        if emission is not None:
            self._number = emission.number
            self.selected.emit(emission.number)

    def _on_double_clicked(self, index) -> None:
        emission = self._model.emission(index.row())
        if emission is not None:
            self.frequency_chosen.emit(emission.center)


_chips: dict[tuple[str, bool], QtGui.QPixmap] = {}


def _chip(shade: str, is_open: bool) -> QtGui.QPixmap:
    """A small square of a class's colour; hollow for what has ended."""
    if (shade, is_open) not in _chips:
        chip = QtGui.QPixmap(12, 12)
        chip.fill(QtCore.Qt.transparent)
        painter = QtGui.QPainter(chip)
        painter.setPen(color(shade))
        painter.setBrush(color(shade) if is_open else QtCore.Qt.NoBrush)
        painter.drawRect(1, 1, 9, 9)
        painter.end()
        _chips[shade, is_open] = chip
    return _chips[shade, is_open]
