# SPDX-License-Identifier: GPL-3.0-or-later
"""How the window looks: the colours of the pictures, as a Qt style sheet."""

from __future__ import annotations

import pyqtgraph
from PyQt5 import QtGui

from radiofm_core.outputs.colors import EMPTY, FAINT, FRAME, INK, PAPER

# At the end of a program pyqtgraph would look at every object of every module, and torch's complain
pyqtgraph.setConfigOption("exitCleanup", False)

SHEET = f"""
QWidget {{ background: {PAPER}; color: {INK}; }}
QToolTip {{ background: #1a2333; color: {INK}; border: 1px solid {FRAME}; padding: 4px; }}
QTableView {{ background: {EMPTY}; alternate-background-color: #0a0e16; border: 0;
    gridline-color: transparent; selection-background-color: #24344f; selection-color: {INK}; }}
QTableView::item {{ border: 0; padding: 0 8px; }}
QHeaderView::section {{ background: {PAPER}; color: {FAINT}; border: 0;
    border-bottom: 1px solid {FRAME}; padding: 3px 8px; }}
QPushButton, QToolButton, QComboBox, QSpinBox {{ background: #18202f; border: 1px solid {FRAME};
    border-radius: 4px; padding: 3px 9px; min-height: 18px; }}
QPushButton:hover, QToolButton:hover, QComboBox:hover {{ border-color: {FAINT}; }}
QPushButton:checked, QToolButton:checked {{ background: #2a3b58; border-color: {FAINT}; }}
QPushButton:disabled, QToolButton:disabled {{ color: #56627a; }}
QComboBox QAbstractItemView {{ background: #18202f; selection-background-color: #2a3b58; }}
QSplitter::handle {{ background: {FRAME}; }}
QTabWidget::pane {{ border: 0; }}
QTabBar::tab {{ background: {PAPER}; color: {FAINT}; padding: 5px 14px; border: 0; }}
QTabBar::tab:selected {{ color: {INK}; border-bottom: 2px solid {INK}; }}
QScrollBar:vertical {{ background: {EMPTY}; width: 12px; }}
QScrollBar::handle:vertical {{ background: #2b364a; border-radius: 5px; min-height: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; }}
QLabel#status {{ color: {FAINT}; }}
QLabel#error {{ color: #ff8f80; }}
"""


def plot_widget() -> pyqtgraph.PlotWidget:
    """An empty plot in these colours, without pyqtgraph's menus and buttons."""
    plot = pyqtgraph.PlotWidget(background=PAPER)
    item = plot.getPlotItem()
    item.setMenuEnabled(False)
    item.hideButtons()
    for side in ("left", "bottom"):
        axis = item.getAxis(side)
        axis.setPen(pyqtgraph.mkPen(FRAME))
        axis.setTextPen(pyqtgraph.mkPen(FAINT))
        axis.enableAutoSIPrefix(False)
    return plot


def color(text: str, alpha: int = 255) -> QtGui.QColor:
    """``#rrggbb`` and its opacity, 0 to 255."""
    found = QtGui.QColor(text)
    found.setAlpha(alpha)
    return found
