# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSI framer block: Wi-Fi channel estimates of single packets in, windows of them out."""

from __future__ import annotations

import threading
import time

from radiofm_core import keys
from radiofm_core.bundle import read_bundle_info
from radiofm_core.csi.message_fields import window_fields
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import CsiFramer, CsiWindow
from radiofm_core.errors import UsageError, one_line
from radiofm_core.fields import number_parameter, share_parameter
from radiofm_core.tasks import ACTIVITY

from ..pmts.csi_messages import csi_packet
from ..pmts.messages import bounded_reason, make_pdu, symbol, to_pmt
from ..runtime.inference_stats import StatusReporter
from ..runtime.message_block import message_block

# Packets that are taken in one call at most: the flowgraph can stop between two
AT_ONCE = 64


class csi_framer(message_block):
    """Cuts CSI packets into windows of even rows, one sender each.

    Input messages: ``csi``, the PDUs of gr-ieee802-11 or our own dict
    (:mod:`gnuradio.radiofm.pmts.csi_messages`). A packet without ``rx_time`` has the time at which
    it arrives here.

    Output messages: ``windows``, PDUs of a dict (rows, cols, channels, antennas, rx_time,
    start_time, duration, hop, row_duration, frequency_step, packet_rate, lost_packets, jitter,
    interpolated, received, outliers, gain_steps, source, spec) and a float32 vector (rows, cols,
    channels): see :class:`radiofm_core.csi.windows.CsiWindow`. ``status``, a dict once a second
    while packets come and once at the end: packets, windows, outliers, gain_steps, queue_depth; and
    dicts of counts by reason: refused_packets, refused_windows, cuts; ``reason``: the last one
    in words.

    Args:
        window_duration: seconds.
        hop: seconds from one window's start to the next one's.
        row_rate: rows per second of a window.
        max_gap: seconds without a packet that are interpolated.
        min_packet_rate: windows with fewer packets per second are refused.
        max_missing: windows with a larger share of rows without a packet (0..1) are refused.
        mac: use packets of this sender only; empty: of all.
        model: a bundle (a name or a path) whose windows are made, in place of all these numbers.
        spec: the windows' definition itself, instead of ``model``.

    Raises:
        UsageError: a parameter outside its range.
        BundleError: a bundle that cannot be read, or is of another task.
    """

    def __init__(
        self,
        window_duration: float = 2.0,
        hop: float = 0.5,
        row_rate: float = 100.0,
        max_gap: float = 0.5,
        min_packet_rate: float = 8.0,
        max_missing: float = 0.95,
        mac: str = "",
        model: str = "",
        *,
        spec: CsiSpec | None = None,
    ):
        if model and spec is not None:
            raise UsageError(f"both model {model!r} and a spec are set; give one of them")
        if model:
            spec = read_bundle_info(model, ACTIVITY.name).spec
        self._spec = spec or CsiSpec(
            duration_s=number_parameter("window_duration", window_duration, "s", above=0.0),
            hop_s=number_parameter("hop", hop, "s", above=0.0),
            rate_hz=number_parameter("row_rate", row_rate, "Hz", above=0.0),
            max_gap_s=number_parameter("max_gap", max_gap, "s", above=0.0),
            min_packet_rate=number_parameter("min_packet_rate", min_packet_rate, least=0.0),
            max_missing_share=share_parameter("max_missing", max_missing),
        )
        self._mac = mac
        # the reporter's thread reads what the block's thread counts
        self._framer_lock = threading.Lock()
        self._reset()
        message_block.__init__(self, "csi_framer", senders=1)
        self.add_input(keys.PORT_CSI, self._on_csi)
        for port in (keys.PORT_WINDOWS, keys.PORT_STATUS):
            self.message_port_register_out(symbol(port))
        self._reporter = StatusReporter(self._publish_news, lambda text: self.logger.error(text))

    @property
    def spec(self) -> CsiSpec:
        """The windows' definition."""
        return self._spec

    def status(self) -> dict:
        """The fields of a ``status`` message, now."""
        with self._framer_lock:
            counts = self._framer.counts
            return {
                keys.PACKETS: counts.packets,
                keys.WINDOWS: counts.windows,
                keys.OUTLIERS: counts.outliers,
                keys.GAIN_STEPS: counts.gain_steps,
                keys.QUEUE_DEPTH: self.backlog(),
                keys.REFUSED_PACKETS: dict(counts.refused_packets),
                keys.REFUSED_WINDOWS: dict(counts.refused_windows),
                keys.CUTS: dict(counts.cuts),
                keys.REASON: bounded_reason(counts.reason),
                **self.failure_status(),
            }

    def start(self) -> bool:
        """Begin a run: nothing held, counters at zero."""
        self._reset()
        self._reporter.start()
        return message_block.start(self)

    def stop(self) -> bool:
        """End a run."""
        self._reporter.stop()
        return message_block.stop(self)

    def handle(self, port: str, message) -> None:
        """Take one packet and publish the windows that it completes."""
        try:
            packet = csi_packet(message, self._now_ns())
        except Exception as error:  # whatever a foreign message holds
            with self._framer_lock:
                self._framer.counts.packets += 1
                self._framer.counts.refuse_packet("broken", one_line(error))
            if not self._has_warned:
                self._has_warned = True
                self.logger.warn(f"a message without a valid CSI packet: {one_line(error)}")
            return
        with self._framer_lock:
            windows = self._framer.push(packet)
            found = [*self._framer.counts.found][self._found :]
        for line in found:
            self.logger.info(line)
        self._found += len(found)
        self._publish_windows(windows)

    def finish(self) -> None:
        """The windows that the last packets complete, and the last counts."""
        self._reporter.stop()
        with self._framer_lock:
            windows = self._framer.finish()
        self._publish_windows(windows)
        self.publish(keys.PORT_STATUS, to_pmt(self.status()))

    def _on_csi(self, message) -> None:
        # Some of those that wait in one go: between two calls of GNU Radio's other threads get
        # Python's lock, and to get it back takes longer than a packet
        self.receive(keys.PORT_CSI, message)
        for _ in range(AT_ONCE - 1):
            if not self.receive_waiting(keys.PORT_CSI):
                return

    def _reset(self) -> None:
        with self._framer_lock:
            self._framer = CsiFramer(self._spec, self._mac)
        self._has_warned = False
        self._told = self._found = 0
        # a clock that is set back would cut the stream: since 1970 at the start, steady from then
        self._clock_offset = time.time_ns() - time.monotonic_ns()

    def _now_ns(self) -> int:
        return time.monotonic_ns() + self._clock_offset

    def _publish_windows(self, windows: list[CsiWindow]) -> None:
        for window in windows:
            self.publish(
                keys.PORT_WINDOWS, make_pdu(window_fields(window, self._spec), window.values)
            )

    def _publish_news(self) -> None:
        status = self.status()
        if status[keys.PACKETS] != self._told:
            self._told = status[keys.PACKETS]
            self.message_port_pub(symbol(keys.PORT_STATUS), to_pmt(status))
