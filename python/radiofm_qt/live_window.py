# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole live view: the spectrum and, where CSI comes, activities, each in its tab."""

from __future__ import annotations

from PyQt5 import QtCore, QtWidgets

from radiofm_core.errors import UsageError
from radiofm_core.fields import finite_number
from radiofm_core.view.activity_state import ActivityState
from radiofm_core.view.spectrum_state import SpectrumState

from .activity_view import ActivityView
from .look import SHEET
from .spectrum_view import SpectrumView

# At least 25 pictures a second: a timer is never early
DRAW_INTERVAL_MS = 38
DEFAULT_SPAN_S = 10.0
LEAST_SPAN_S, MOST_SPAN_S = 1e-3, 60.0


class LiveWindow(QtWidgets.QTabWidget):
    """A widget that draws two states, 25 times a second where something changes.

    Needs a ``QApplication``, and its thread. It holds no flowgraph: messages go into the states.

    Args:
        spectrum: what is shown of the spectrum.
        activity: what is shown of CSI.
        title: of the window.
        time_span: seconds of waterfall at first, 0.001 to 60.
        can_tune: whether :attr:`tune_requested` leads anywhere.
        can_save: whether :attr:`save_requested` does.

    Raises:
        UsageError: a time span outside its range.
    """

    tune_requested = QtCore.pyqtSignal(float)
    save_requested = QtCore.pyqtSignal()

    def __init__(
        self,
        spectrum: SpectrumState,
        activity: ActivityState,
        title: str = "RadioFM",
        time_span: float = DEFAULT_SPAN_S,
        can_tune: bool = False,
        can_save: bool = False,
        parent: QtWidgets.QWidget | None = None,
    ):
        super().__init__(parent)
        span = check_time_span(time_span)
        self._spectrum, self._activity = spectrum, activity
        self.spectrum_view = SpectrumView(spectrum, span, can_tune, can_save)
        self.activity_view = ActivityView(activity)
        self.setWindowTitle(str(title))
        self.setStyleSheet(SHEET)
        self.setDocumentMode(True)
        self.addTab(self.spectrum_view, "Spectrum")
        self.addTab(self.activity_view, "Activity")
        self.tabBar().hide()
        self.setMinimumSize(160, 120)
        self.resize(1180, 760)
        self.spectrum_view.tune_requested.connect(self.tune_requested)
        self.spectrum_view.save_requested.connect(self.save_requested)
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self.draw)
        self._timer.start(DRAW_INTERVAL_MS)

    def sizeHint(self) -> QtCore.QSize:
        """For Qt: what is good to look at."""
        return QtCore.QSize(1180, 760)

    @property
    def draws(self) -> int:
        """How often the waterfall was drawn anew."""
        return self.spectrum_view.draws

    def allow(self, can_tune: bool, can_save: bool) -> None:
        """Whether there is somebody to retune a receiver, and to save samples."""
        self.spectrum_view.allow(can_tune, can_save)

    def draw(self) -> None:
        """Draw what has changed."""
        if not self._activity.is_empty and self.tabBar().isHidden():
            self.tabBar().show()
            if self._spectrum.version == 0:
                self.setCurrentWidget(self.activity_view)
        self.spectrum_view.draw()
        self.activity_view.draw()


def check_time_span(time_span: float) -> float:
    """A time span as a float; raises UsageError outside its range."""
    span = finite_number(time_span)
    if span is None or not LEAST_SPAN_S <= span <= MOST_SPAN_S:
        raise UsageError(
            f"time_span: expected {LEAST_SPAN_S:g} to {MOST_SPAN_S:g} s, got {time_span!r}"
        )
    return span
