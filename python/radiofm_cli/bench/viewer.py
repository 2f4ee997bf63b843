# SPDX-License-Identifier: GPL-3.0-or-later
"""A live receiver with the live view open, in a process of its own: what the window costs.

The window is a real one where there is a display (or Xvfb), else Qt paints the same offscreen.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass, field

from radiofm_core import keys
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.view import spectrum_state
from radiofm_core.view.activity_state import ActivityState
from radiofm_core.view.spectrum_state import SpectrumState

from .child import resident_mb, serve
from .receivers import STOP_S, TAIL_S, Received, Receiver

# Resident memory is looked at this often, after the first of these (s)
MEMORY_INTERVAL_S = 5.0


@dataclass
class Viewed(Received):
    """Of one receiver: how often the waterfall was drawn, CPU time of the window's thread and of
    taking messages for it (s, of ``seconds``), resident memory while it ran."""

    seconds: float = 0.0
    draws: int = 0
    window_cpu_s: float = 0.0
    messages_cpu_s: float = 0.0
    memories_mb: list[float] = field(default_factory=list)


class ViewedReceiver(Receiver):
    """A receiver whose messages go into a live view's state, too."""

    PORTS = (keys.PORT_DETECTIONS, *spectrum_state.PORTS)

    def __init__(self, recording, model: str):
        self.state = SpectrumState()
        self.cpu_s = 0.0
        super().__init__(recording, model)

    def _take(self, port: str, fields: dict, data) -> None:
        super()._take(port, fields, data)
        begin = time.thread_time()
        self.state.take(port, fields, data)
        self.cpu_s += time.thread_time() - begin


def view(recording: str, rate: float, datatype: str, model: str, seconds: float) -> dict:
    """Run a receiver with its window open for ``seconds``; returns :class:`Viewed` as a dict."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PyQt5 import QtCore, QtWidgets

    from radiofm_qt.live_window import LiveWindow

    application = QtWidgets.QApplication(["radiofm"])
    receiver = ViewedReceiver(open_recording(recording, rate, 796e6, datatype), model)
    window = LiveWindow(receiver.state, ActivityState())
    window.show()
    found = Viewed(seconds=seconds)
    memory = QtCore.QTimer()
    memory.timeout.connect(lambda: found.memories_mb.append(resident_mb()))
    memory.start(round(1e3 * MEMORY_INTERVAL_S))
    receiver.launch()
    QtCore.QTimer.singleShot(round(1e3 * (seconds + TAIL_S)), application.quit)
    begin = time.thread_time()
    application.exec_()
    found.window_cpu_s = time.thread_time() - begin
    found.messages_cpu_s = receiver.cpu_s
    found.draws = window.draws
    found.memory_mb = resident_mb()
    receiver.flowgraph.stop()
    receiver.flowgraph.ended(STOP_S)
    receiver.count(seconds, found)
    return asdict(found)


if __name__ == "__main__":
    serve(view)
