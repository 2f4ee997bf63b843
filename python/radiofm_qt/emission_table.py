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
_LEFT = int(QtCore.Qt.AlignLeft | QtCore.Qt.AlignVCenter)
_RIGHT = int(QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter)


class EmissionModel(QtCore.QAbstractTableModel):
    """Emissions as Qt's table sees them; sorted as they come, or by a column."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._emissions: list[ShownEmission] = []
        self._colors: dict[str, str] = {}
        self._sorted_by: tuple[int, bool] | None = None

    def show(self, emissions: Sequence[ShownEmission], colors: dict[str, str]) -> None:
        """Show these from now on."""
        emissions = self._in_order(emissions)
        before, after = len(self._emissions), len(emissions)
        if before != after:
            self.beginResetModel()
        self._emissions, self._colors = emissions, colors
        if before != after:
            self.endResetModel()
        elif after:
            self.dataChanged.emit(self.index(0, 0), self.index(after - 1, len(COLUMNS) - 1))

    def emission(self, row: int) -> ShownEmission | None:
        """That of a row."""
        return self._emissions[row] if 0 <= row < len(self._emissions) else None

    def row_of(self, number: int | None) -> int:
        """The row of an emission, or -1."""
        return next((i for i, e in enumerate(self._emissions) if e.number == number), -1)

    # Qt's calls

    def rowCount(self, parent=None) -> int:
        return len(self._emissions)

    def columnCount(self, parent=None) -> int:
        return len(COLUMNS)

    def headerData(self, section, orientation, role=QtCore.Qt.DisplayRole):
        if orientation == QtCore.Qt.Horizontal and section < len(COLUMNS):
            if role == QtCore.Qt.DisplayRole:
                return COLUMNS[section].title
            if role == QtCore.Qt.ToolTipRole:
                return COLUMNS[section].tip
            if role == QtCore.Qt.TextAlignmentRole:
                return _LEFT if section == 0 else _RIGHT
        return None

    def data(self, index, role=QtCore.Qt.DisplayRole):
        emission = self.emission(index.row())
        if emission is None:
            return None
        column = COLUMNS[index.column()]
        if role == QtCore.Qt.DisplayRole:
            return column.text(emission)
        if role == QtCore.Qt.TextAlignmentRole:
            return None if index.column() == 0 else _RIGHT
        if role == QtCore.Qt.ForegroundRole:
            return color(INK if emission.is_open else FAINT)
        if role == QtCore.Qt.DecorationRole and index.column() == 0:
            return _chip(self._colors.get(emission.label, UNKNOWN_COLOR), emission.is_open)
        if role == QtCore.Qt.ToolTipRole:
            return told_of(emission)
        return None

    def sort(self, column: int, order=QtCore.Qt.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        known = 0 <= column < len(COLUMNS)
        self._sorted_by = (column, order == QtCore.Qt.DescendingOrder) if known else None
        self._emissions = self._in_order(self._emissions)
        self.layoutChanged.emit()

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
        header.sortIndicatorChanged.connect(self._model.sort)
        self.clicked.connect(self._on_clicked)
        self.doubleClicked.connect(self._on_double_clicked)

    @property
    def number(self) -> int | None:
        """Of the selected emission."""
        return self._number

    def show_snapshot(self, shot: Snapshot) -> None:
        """Show its emissions; the selected one stays so while it is there."""
        self._model.show(shot.emissions, dict(zip(shot.classes, shot.colors, strict=True)))
        self._mark()

    def select(self, number: int) -> None:
        """Select an emission; -1: none."""
        self._number = None if number < 0 else number
        self._mark(scroll=True)

    def emission(self) -> ShownEmission | None:
        """The selected one."""
        return self._model.emission(self._model.row_of(self._number))

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
