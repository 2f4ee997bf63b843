# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view as a Qt window (PyQt5 and pyqtgraph, as GNU Radio brings them); needs no blocks."""
