# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view block: a Qt widget with the waterfall, its mask and the list of emissions."""

from __future__ import annotations

from radiofm_core import keys
from radiofm_core.errors import RadiofmError, UsageError, reason_of
from radiofm_core.installation import how_to_install
from radiofm_core.view import activity_state, spectrum_state
from radiofm_core.view.activity_state import ActivityState
from radiofm_core.view.spectrum_state import SpectrumState

from ..pmts.messages import read_message, symbol, to_pmt
from ..runtime.message_block import message_block

# Messages that wait to be drawn at most: one of a frame is a quarter of a megabyte
MOST_WAITING = 64
DEFAULT_TIME_SPAN_S = 10.0


class live_view(message_block):
    """Shows the spectrum, the mask over it and the emissions; and of CSI amplitudes and activities.

    Needs a ``QApplication``: in GNU Radio Companion, Generate Options *QT GUI*.
    Messages go into states on the block's own thread, the window draws them 25 times a second on
    Qt's. A window that is too slow drops messages of its own and holds up nobody.

    Input messages: ``frames`` of the framer, ``masks`` and ``status`` of the segmenter,
    ``emissions`` of the tracker; ``windows`` of the CSI framer, ``activity`` of the classifier.

    Output messages: ``command``, a dict with ``freq`` (Hz) when the user asks for a frequency, as
    the command ports of the Soapy and UHD sources take it; ``save``, an empty dict when the user
    asks for the last samples (``sigmf_sink``); ``status``, a dict where messages could not be
    handled: how many ``failed``, and the last one's ``error``.

    Args:
        title: of the window.
        time_span: seconds of waterfall at first, 0.001 to 60.
        parent: the widget that this one belongs to, or None.

    Raises:
        UsageError: no Qt application, a time span outside its range.
        RadiofmError: PyQt5 or pyqtgraph cannot be imported.
    """

    def __init__(self, title: str = "RadioFM", time_span: float = DEFAULT_TIME_SPAN_S, parent=None):
        self._spectrum, self._activity = SpectrumState(), ActivityState()
        self._window = _window(self._spectrum, self._activity, title, time_span, parent)
        message_block.__init__(
            self, "live_view", senders=None, tells_failures=True, most_waiting=MOST_WAITING
        )
        for port in (*spectrum_state.PORTS, *activity_state.PORTS):
            self.add_input(port, getattr(self, f"_on_{port}"))
        self.message_port_register_out(symbol(keys.PORT_COMMAND))
        self.message_port_register_out(symbol(keys.PORT_SAVE))
        self._window.tune_requested.connect(self._tune)
        self._window.save_requested.connect(self._save)

    def qwidget(self):
        """The widget (a ``QTabWidget``), to put into a window."""
        return self._window

    def handle(self, port: str, message) -> None:
        """Take one message into what is shown."""
        content = read_message(message)
        fields, data = content if isinstance(content, tuple) else (content, None)
        if port in spectrum_state.PORTS:
            self._spectrum.take(port, fields, data)
        else:
            self._activity.take(port, fields, data)

    def _tune(self, frequency: float) -> None:
        self.publish(keys.PORT_COMMAND, to_pmt({keys.COMMAND_FREQUENCY: float(frequency)}))

    def _save(self) -> None:
        self.publish(keys.PORT_SAVE, to_pmt({}))

    # GNU Radio calls a handler by its name, so each port has its own

    def _on_frames(self, message) -> None:
        self.receive(keys.PORT_FRAMES, message)

    def _on_masks(self, message) -> None:
        self.receive(keys.PORT_MASKS, message)

    def _on_emissions(self, message) -> None:
        self.receive(keys.PORT_EMISSIONS, message)

    def _on_status(self, message) -> None:
        self.receive(keys.PORT_STATUS, message)

    def _on_windows(self, message) -> None:
        self.receive(keys.PORT_WINDOWS, message)

    def _on_activity(self, message) -> None:
        self.receive(keys.PORT_ACTIVITY, message)


def _window(spectrum, activity, title, time_span, parent):
    try:
        from PyQt5.QtCore import Qt
        from PyQt5.QtWidgets import QApplication

        from radiofm_qt.live_window import LiveWindow
    except ImportError as error:
        raise RadiofmError(
            f"the Live View needs PyQt5 and pyqtgraph ({reason_of(error)}); "
            f"{how_to_install('PyQt5', 'pyqtgraph')}"
        ) from error
    if QApplication.instance() is None:
        raise UsageError(
            "the Live View needs a Qt application: in GNU Radio Companion set Generate Options to "
            "QT GUI, in a program make a QApplication first"
        )
    window = LiveWindow(
        spectrum, activity, title, time_span, can_tune=True, can_save=True, parent=parent
    )
    # a flowgraph's window opens in Qt's own size, a third of this, until a user has changed it
    if parent is not None and not parent.testAttribute(Qt.WA_Resized):
        parent.resize(window.sizeHint())
    return window
