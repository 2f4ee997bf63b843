# SPDX-License-Identifier: GPL-3.0-or-later
"""What the blocks that give CSI packets have in common: a thread, a bound, an end, errors told."""

from __future__ import annotations

import contextlib
import threading
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator

import pmt

from radiofm_core import keys
from radiofm_core.csi.capture import Tally
from radiofm_core.csi.live.source import POLL_S, CsiSource
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.errors import InputError, RadiofmError, one_line

from ..pmts.csi_messages import packet_fields
from ..pmts.messages import bounded_reason, symbol, to_pmt
from ..runtime.held_block import held_block
from ..runtime.inference_stats import StatusReporter
from ..runtime.message_block import backlog_after

# Messages that may wait in the blocks after a source until it holds, and how often it looks
MAX_BACKLOG = 256
LOOK_EVERY = 16
HOLD_S = 0.005
STOP_S = 0.5
# Between two tries to open a live source that was lost
LEAST_WAIT_S, MOST_WAIT_S = 1.0, 30.0


class csi_source(held_block):
    """Sends CSI packets from a thread of its own; the flowgraph ends when there are no more.

    Output messages: ``csi``, a dict per packet (:mod:`gnuradio.radiofm.pmts.csi_messages`).
    ``status``, a dict once a second and at the end: packets (sent), dropped (a live source's
    that nobody took in time), refused_packets (a dict of counts by reason), and ``error`` if
    it failed: that is logged, too, and ends the flowgraph.

    It holds while more than MAX_BACKLOG messages wait in the blocks after it.
    """

    def __init__(self, name: str):
        held_block.__init__(self, name=name, in_sig=None, out_sig=None)
        for port in (keys.PORT_CSI, keys.PORT_STATUS):
            self.message_port_register_out(symbol(port))
        self._reporter = StatusReporter(self._publish_status, lambda text: self.logger.error(text))
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._ended.set()
        self._reset()

    @abstractmethod
    def read(self) -> Iterator[CsiPacket | None]:
        """The packets, from the first; None when none came for a moment.

        It is closed when the flowgraph stops. Raises InputError when it cannot go on.
        """

    @abstractmethod
    def account(self) -> tuple[Tally, int]:
        """What came so far, and how many packets were dropped since nobody took them."""

    def status(self) -> dict:
        """The fields of a ``status`` message, now."""
        tally, dropped = self.account()
        refused: Counter[str] = Counter()
        for reason, count in dict(tally.skipped).items():  # a copy: another thread adds to it
            refused[bounded_reason(reason)] += count
        status = {
            keys.PACKETS: self._packets,
            keys.DROPPED: dropped,
            keys.REFUSED_PACKETS: dict(refused),
        }
        return status | ({keys.ERROR: bounded_reason(self._error)} if self._error else {})

    def start(self) -> bool:
        """Begin a run, from the first packet."""
        self._reset()
        self._stopping, self._ended = threading.Event(), threading.Event()
        thread = threading.Thread(
            target=self._run, args=(self._stopping, self._ended), name=self.name(), daemon=True
        )
        self._reporter.start()
        thread.start()
        return True

    def stop(self) -> bool:
        """End the run: the thread looks for that several times a second."""
        self._reporter.stop()
        self._stopping.set()
        self._ended.wait(STOP_S)
        return True

    def _reset(self) -> None:
        self._packets = 0
        self._error = ""

    def _run(self, stopping: threading.Event, ended: threading.Event) -> None:
        try:
            self._read_and_send(stopping)
        finally:
            ended.set()

    def _read_and_send(self, stopping: threading.Event) -> None:
        try:
            with contextlib.closing(self.read()) as packets:
                self._send(packets, stopping)
        except Exception as error:  # whatever a driver raises
            self._error = one_line(error)
            self.logger.error(self._error)
        if not stopping.is_set():
            self._reporter.stop()
            try:
                self._publish_status()
            finally:
                self._post(symbol("system"), pmt.cons(symbol("done"), pmt.from_long(1)))

    def _send(self, packets: Iterator[CsiPacket | None], stopping: threading.Event) -> None:
        for packet in packets:
            if stopping.is_set():
                return
            if packet is None:
                continue
            self.message_port_pub(symbol(keys.PORT_CSI), to_pmt(packet_fields(packet)))
            self._packets += 1
            if self._packets % LOOK_EVERY == 0:
                while backlog_after(self) > MAX_BACKLOG and not stopping.wait(HOLD_S):
                    pass

    def _publish_status(self) -> None:
        self.message_port_pub(symbol(keys.PORT_STATUS), to_pmt(self.status()))


class live_csi_source(csi_source):
    """A :class:`csi_source` around a live source, which it opens when the flowgraph starts.

    A source that cannot be opened then ends the flowgraph. One that is lost later, as a board that
    is unplugged, is told of in one line and in ``status`` (``error``), and tried again after
    LEAST_WAIT_S to MOST_WAIT_S until it is there.
    """

    def __init__(self, name: str):
        self._source = self.make_source()
        self._forget()
        csi_source.__init__(self, name)

    @abstractmethod
    def make_source(self) -> CsiSource:
        """A new source, not yet open: each is used once."""

    def start(self) -> bool:
        """Begin a run; what ``status`` tells is its own from here on."""
        self._forget()
        self._source = self.make_source()
        return csi_source.start(self)

    def read(self) -> Iterator[CsiPacket | None]:
        """Packets as they come; None while the source is lost."""
        # this run's own: where its thread outlives the stop, the next run has another one
        source = self._source
        source.start()
        try:
            while not source.ended:
                try:
                    packet = source.get(POLL_S)
                except InputError as error:
                    self._lose(str(error))
                    yield from self._open_again()
                    source = self._source
                    continue
                if packet is not None and self._error:
                    self._error = ""
                    self.logger.warn("packets come again")
                yield packet
        finally:
            source.stop()

    def account(self) -> tuple[Tally, int]:
        """Of the source, and of those before it that were lost."""
        tally = Tally()
        for part in (self._before, self._source.tally):
            tally.skipped.update(dict(part.skipped))
            tally.packets += part.packets
        return tally, self._dropped_before + self._source.dropped

    def _forget(self) -> None:
        self._before, self._dropped_before = Tally(), 0

    def _lose(self, reason: str) -> None:
        if not self._error:
            self.logger.warn(f"{reason}; waiting for it")
        self._error = reason
        self._source.stop()
        before = self.account()
        self._source = self.make_source()
        self._before, self._dropped_before = before

    def _open_again(self) -> Iterator[None]:
        wait_s = LEAST_WAIT_S
        while True:
            until = time.monotonic() + wait_s
            while time.monotonic() < until:
                time.sleep(POLL_S)
                yield None
            source = self.make_source()
            try:
                source.start()
            except RadiofmError as error:
                self._error = str(error)
                wait_s = min(2 * wait_s, MOST_WAIT_S)
                continue
            self._source = source
            return
