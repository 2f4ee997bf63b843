# SPDX-License-Identifier: GPL-3.0-or-later
"""The bar above the waterfall: what is shown of it, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5 import QtCore, QtWidgets

from radiofm_core.outputs.colors import INK
from radiofm_core.outputs.units import display_name
from radiofm_core.spectrum.detections import NOISE_CLASS

# Seconds that the waterfall can show
SPANS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
LEAST_DB, MOST_DB = -160, 20


class Controls(QtWidgets.QWidget):
    """Buttons and fields; their values are read when the window draws."""

    changed = QtCore.pyqtSignal()
    paused = QtCore.pyqtSignal(bool)
    tune_wanted = QtCore.pyqtSignal()
    save_wanted = QtCore.pyqtSignal()
    whole_wanted = QtCore.pyqtSignal()

    def __init__(self, span: float, parent=None):
        super().__init__(parent)
        self._row = QtWidgets.QHBoxLayout(self)
        self._row.setContentsMargins(8, 6, 8, 6)
        self._row.setSpacing(6)
        self.pause = self._button("Pause", "stop the picture; the receiver goes on (space)", True)
        self.pause.setShortcut("Space")
        self.pause.toggled.connect(self._on_pause)
        self._classes = QtWidgets.QHBoxLayout()
        self._classes.setSpacing(6)
        self._row.addLayout(self._classes)
        self._toggles: list[QtWidgets.QToolButton] = []
        self._shown: tuple = ()
        self._row.addStretch(1)
        self._add_span(span)
        self._add_range()
        self._row.addSpacing(10)
        whole = self._button(
            "Whole span", "show all frequencies again (double-click the list: one)"
        )
        whole.clicked.connect(self.whole_wanted)
        self.tune = self._button(
            "Tune", "retune the receiver to the selected emission, or double-click the waterfall"
        )
        self.tune.clicked.connect(self.tune_wanted)
        self.save = self._button(
            "Save", "write the last seconds of samples as SigMF, with annotations"
        )
        self.save.clicked.connect(self.save_wanted)

    @property
    def span(self) -> float:
        """Seconds of the waterfall."""
        return self._span.currentData()

    @property
    def limits(self) -> tuple[float, float] | None:
        """dB of the darkest and the brightest colour, or None for those that suit the signals."""
        if self._auto.isChecked():
            return None
        low, high = self._low.value(), self._high.value()
        return float(low), float(max(high, low + 1))

    @property
    def hidden(self) -> set[int]:
        """Classes that are switched off."""
        return {
            NOISE_CLASS + 1 + index
            for index, toggle in enumerate(self._toggles)
            if not toggle.isChecked()
        }

    def show_classes(self, names: Sequence[str], colors: Sequence[str]) -> None:
        """A switch for each class of signal."""
        if (tuple(names), tuple(colors)) == self._shown:
            return
        self._shown = (tuple(names), tuple(colors))
        for toggle in self._toggles:
            self._classes.removeWidget(toggle)
            toggle.deleteLater()
        self._toggles = []
        for name, shade in list(zip(names, colors, strict=True))[NOISE_CLASS + 1 :]:
            toggle = QtWidgets.QToolButton()
            toggle.setText(display_name(name))
            toggle.setCheckable(True)
            toggle.setChecked(True)
            toggle.setToolTip(f"show {display_name(name)}")
            toggle.setStyleSheet(
                f"QToolButton {{ color: {INK}; border-left: 4px solid #3a4456; }}"
                f"QToolButton:checked {{ border-left: 4px solid {shade}; }}"
            )
            toggle.toggled.connect(self.changed)
            self._classes.addWidget(toggle)
            self._toggles.append(toggle)

    def show_limits(self, limits: tuple[float, float]) -> None:
        """What the colours stand for now, where it is found and not typed."""
        if self._auto.isChecked():
            for field, value in ((self._low, limits[0]), (self._high, limits[1])):
                field.blockSignals(True)
                field.setValue(round(value))
                field.blockSignals(False)

    def _on_pause(self, is_paused: bool) -> None:
        self.pause.setText("Go on" if is_paused else "Pause")
        self.paused.emit(is_paused)

    def _button(self, text: str, tip: str, checkable: bool = False) -> QtWidgets.QPushButton:
        button = QtWidgets.QPushButton(text)
        button.setToolTip(tip)
        button.setCheckable(checkable)
        button.setFocusPolicy(QtCore.Qt.TabFocus)
        self._row.addWidget(button)
        return button

    def _add_span(self, span: float) -> None:
        self._span = QtWidgets.QComboBox()
        self._span.setToolTip("time that the waterfall shows")
        for seconds in sorted({*SPANS, span}):
            text = f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1e3:g} ms"
            self._span.addItem(text, seconds)
        self._span.setCurrentIndex(self._span.findData(span))
        self._span.currentIndexChanged.connect(self.changed)
        self._row.addWidget(self._span)

    def _add_range(self) -> None:
        self._auto = QtWidgets.QPushButton("Auto dB")
        self._auto.setToolTip("choose the range of the colours by what is there")
        self._auto.setCheckable(True)
        self._auto.setChecked(True)
        self._auto.setFocusPolicy(QtCore.Qt.TabFocus)
        self._row.addWidget(self._auto)
        self._low, self._high = QtWidgets.QSpinBox(), QtWidgets.QSpinBox()
        for field, value, tip in (
            (self._low, -120, "dB of the darkest colour"),
            (self._high, -60, "dB of the brightest colour"),
        ):
            field.setRange(LEAST_DB, MOST_DB)
            field.setValue(value)
            field.setToolTip(f"{tip} (0 dB: a full-scale tone)")
            field.setButtonSymbols(QtWidgets.QAbstractSpinBox.NoButtons)
            field.setSuffix(" dB")
            field.setEnabled(False)
            field.valueChanged.connect(self.changed)
            self._row.addWidget(field)
        self._auto.toggled.connect(self._on_auto)

    def _on_auto(self, is_auto: bool) -> None:
        self._low.setEnabled(not is_auto)
        self._high.setEnabled(not is_auto)
        self.changed.emit()
