# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection to a live source: its samples flow into a pipe until it is lost."""

from __future__ import annotations

import ctypes
import threading

from gnuradio import gr

from .. import radiofm_python
from ..blocks.native_options import filled
from ..live_sources import LiveSource
from ..runtime.left_behind import leave_behind

# What the block before the pipe should be able to hand over in one go (s)
_HANDED_OVER_S = 1e-3


class SourceRun:
    """Source -> pipe, as a flowgraph of its own: the one behind the pipe stays as it is.

    Args:
        live: the source.
        pipe: a ``radiofm_python.sample_pipe``.
        gate_open: take all samples, or only those of :attr:`sink`'s bursts.
    """

    def __init__(self, live: LiveSource, pipe, gate_open: bool):
        self.live = live
        options = {
            "sample_rate": live.sample_rate,
            "center_frequency": live.center_frequency,
            "frequency_scale": live.frequency_scale,
            "host_time": not live.has_date,
            "gate_open": gate_open,
        }
        self.sink = radiofm_python.pipe_sink(
            pipe, filled(radiofm_python.pipe_sink_options, options)
        )
        self._top = gr.top_block("live source", catch_exceptions=True)
        live.block.set_min_output_buffer(0, int(2 * _HANDED_OVER_S * live.sample_rate))
        self._top.connect(live.block, self.sink)
        self._waiter = threading.Thread(target=self._wait, name="radiofm-source", daemon=True)
        self._has_started = False

    def start(self) -> None:
        """Begin; raises RuntimeError or ValueError if the driver does."""
        self._top.start()
        self._has_started = True
        self._waiter.start()

    @property
    def received(self) -> int:
        """Samples that came."""
        return self.sink.received()

    @property
    def has_ended(self) -> bool:
        """Whether it gives no more, by itself or after :meth:`halt`."""
        return self._has_started and not self._waiter.is_alive()

    @property
    def problem(self) -> str:
        """Why the source says that it ended, or empty."""
        told = getattr(self.live.block, "error", None)
        return told() if callable(told) else ""

    def halt(self, timeout: float) -> bool:
        """End what is in the pipe, stop, and wait up to ``timeout`` seconds; whether it has ended.

        A driver that does not return is left behind: its device may stay taken.
        """
        self.sink.finish()
        if not self._has_started:
            return True
        self._top.stop()
        self._waiter.join(timeout)
        if self.has_ended:
            self._top.disconnect_all()
            return True
        # kept for ever: the flowgraph's destructor would wait for the driver
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))
        leave_behind(self._waiter)
        return False

    def _wait(self) -> None:
        self._top.wait()
