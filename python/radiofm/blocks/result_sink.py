# SPDX-License-Identifier: GPL-3.0-or-later
"""The result sink block: messages become plain Python calls, for headless programs."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence

import numpy as np
from gnuradio import gr

from radiofm_core import keys
from radiofm_core.errors import UsageError
from radiofm_core.fields import shown

from ..pmts.messages import read_message
from ..runtime.message_block import message_block

PORTS = (
    keys.PORT_FRAMES,
    keys.PORT_MASKS,
    keys.PORT_DETECTIONS,
    keys.PORT_EMISSIONS,
    keys.PORT_WINDOWS,
    keys.PORT_ACTIVITY,
    keys.PORT_MOTION,
    keys.PORT_STATUS,
    keys.PORT_COMMAND,
)


class result_sink(message_block):
    """Calls ``callback(port, fields, data)`` for every message, in order, on the block's thread.

    ``fields`` is the message's dict in Python values; ``data`` the flat, read-only array of a
    PDU (``frames``, ``windows``: float32, ``masks``: uint8), otherwise None. An exception in the
    callback is logged, the first one kept in :attr:`error`, and the flowgraph goes on. When the
    flowgraph has ended, all messages have been delivered.

    Output messages: ``status``, a dict where messages could not be handled: how many
    ``failed``, and the last one's ``error``.

    A callback that is slower than the model piles up messages: give :meth:`backlog` to
    ``spectrogram_segmenter.set_backpressure`` to hold the model up instead.

    Args:
        callback: the function to call.
        ports: the ports (of frames, masks, detections, emissions, windows, activity, motion,
            status, command) that are connected, once each: at the end of a stream the block waits
            until all their senders are done. None offers all, and finds the end by a short
            silence.

    Raises:
        UsageError: an unknown port, something else than a function.
    """

    def __init__(
        self,
        callback: Callable[[str, dict, np.ndarray | None], None],
        ports: Sequence[str] | None = None,
    ):
        if not callable(callback):
            raise UsageError(f"callback: expected a function, got {shown(callback)}")
        offered = PORTS if ports is None else tuple(dict.fromkeys(ports))
        unknown = [port for port in offered if port not in PORTS]
        if unknown or not offered:
            raise UsageError(
                f"ports: expected some of {', '.join(PORTS)}, got {unknown or ports!r}"
            )
        senders = None if ports is None else len(offered)
        message_block.__init__(self, "result_sink", senders, tells_failures=True)
        self._callback = _apart_from_flowgraph(callback)
        self._error: Exception | SystemExit | None = None
        for port in offered:
            self.add_input(port, getattr(self, f"_on_{port}"))

    @property
    def error(self) -> Exception | SystemExit | None:
        """The first exception that the callback raised, or None."""
        return self._error

    def handle(self, port: str, message) -> None:
        """Convert one message and call the callback."""
        content = read_message(message)
        fields, data = content if isinstance(content, tuple) else (content, None)
        try:
            self._callback(port, fields, data)
        except (Exception, SystemExit) as error:
            self._error = self._error or error
            raise

    # GNU Radio calls a handler by its name, so each port has its own

    def _on_frames(self, message) -> None:
        self.receive(keys.PORT_FRAMES, message)

    def _on_masks(self, message) -> None:
        self.receive(keys.PORT_MASKS, message)

    def _on_detections(self, message) -> None:
        self.receive(keys.PORT_DETECTIONS, message)

    def _on_emissions(self, message) -> None:
        self.receive(keys.PORT_EMISSIONS, message)

    def _on_windows(self, message) -> None:
        self.receive(keys.PORT_WINDOWS, message)

    def _on_activity(self, message) -> None:
        self.receive(keys.PORT_ACTIVITY, message)

    def _on_motion(self, message) -> None:
        self.receive(keys.PORT_MOTION, message)

    def _on_status(self, message) -> None:
        self.receive(keys.PORT_STATUS, message)

    def _on_command(self, message) -> None:
        self.receive(keys.PORT_COMMAND, message)


def _apart_from_flowgraph(callback: Callable) -> Callable:
    """A flowgraph's own method without a hold on it: the flowgraph holds this block, and Python's
    collector does not see that (held_block)."""
    if not isinstance(getattr(callback, "__self__", None), gr.hier_block2):
        return callback
    found = weakref.WeakMethod(callback)

    def call(*message) -> None:
        method = found()
        if method is not None:
            method(*message)

    return call
