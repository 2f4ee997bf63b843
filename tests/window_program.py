# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one of Companion's programs with a window, and tells when Ctrl-C ends it.

``python window_program.py PROGRAM ARGUMENTS...``: Companion's programs start their flowgraph, show
the window, and only then set a handler of Ctrl-C, whose end of Qt's loop needs one that runs. So a
busy machine may print what a flowgraph found while a signal would still be a traceback.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from pathlib import Path

# Printed once Qt's loop runs and Ctrl-C has a handler
READY = "window_program: Ctrl-C ends it\n"

_set_handler = signal.signal


def _set_and_tell(number, handler):
    before = _set_handler(number, handler)
    if number == signal.SIGINT and callable(handler) and handler != signal.default_int_handler:
        from PyQt5 import QtCore

        if QtCore.QCoreApplication.instance() is not None:
            QtCore.QTimer.singleShot(0, lambda: os.write(1, READY.encode()))
    return before


if __name__ == "__main__":
    signal.signal = _set_and_tell
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")
