# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the SigMF sink that takes messages and looks after the thread that writes."""

from __future__ import annotations

import math
import time
from pathlib import Path

from radiofm_core import keys

from .. import radiofm_python
from ..pmts.messages import from_pmt, symbol, to_pmt
from ..runtime.inference_stats import StatusReporter
from ..runtime.message_block import message_block, senders_to
from .sigmf_writer import SigmfWriter

MEGABYTE = 1 << 20
# At the end: how long the samples may stay in the flowgraph, and how long what waits may take to be
# written, until a disk that hangs is left behind (s)
STREAM_END_S = 1.0
WRITE_END_S = 30.0


class sigmf_notes(message_block):
    """Emissions and requests to save in, the sink's status out.

    Args:
        samples: the native part.
        memory_limit: bytes.
    """

    def __init__(self, samples: radiofm_python.sigmf_sink, memory_limit: int):
        # the native part tells of its end; others are looked at
        message_block.__init__(self, "sigmf_sink", senders=1)
        self._samples = samples
        self._memory_limit = memory_limit
        self._told_rate = 0.0
        self._has_begun = False
        self._reporter = StatusReporter(self._report, lambda text: self.logger.error(text))
        self.add_input(keys.PORT_EMISSIONS, self._on_emissions)
        self.add_input(keys.PORT_SAVE, self._on_save)
        self.add_input(keys.PORT_STREAM, self._on_stream)
        self.message_port_register_out(symbol(keys.PORT_STATUS))

    def use(self, writer: SigmfWriter, history: float) -> None:
        """Set what writes the samples, and the seconds that are to be kept (0: none)."""
        self._writer = writer
        self._history = history

    def fail(self, reason: str) -> None:
        """Count and tell what could not be written; any thread may call it."""
        self._fail(reason)

    def handle(self, port: str, message) -> None:
        """Begin to write, take an emission's event, or save what there is."""
        if port == keys.PORT_STREAM:
            if self._has_begun:  # told again, by a connection that a former flowgraph left
                return
            self._has_begun = True
            self._writer.start(self._samples.store(), self.look_again)
        elif port == keys.PORT_EMISSIONS:
            self._writer.add_emission(from_pmt(message))
        elif port == keys.PORT_SAVE:
            self._writer.request().add_done_callback(self._on_saved)

    def save_and_wait(self) -> Path | None:
        """See :meth:`sigmf_sink.save`."""
        future = self._writer.request()
        future.add_done_callback(self._on_saved)
        return None if future.exception() else future.result()

    def status(self) -> dict:
        """The fields of a ``status`` message, now."""
        writer = self._writer
        status = {
            keys.FILES: writer.files,
            keys.SAMPLES: writer.samples,
            keys.DROPPED: self._samples.dropped() + writer.lost,
            keys.CLIPPED: self._samples.clipped(),
        }
        if writer.path is not None:
            status[keys.PATH] = str(writer.path)
        if self._history:
            held = self._samples.store().samples() / self._samples.sample_rate()
            status[keys.HISTORY] = min(held, self._history)
        return status | self.failure_status()

    def is_idle(self) -> bool:
        """Whether all is written, and nobody has emissions to tell of."""
        others_ended = all(sender.has_ended for sender in senders_to(self))
        return self._has_begun and not self._writer.is_running and others_ended

    def start(self) -> bool:
        """Begin a run."""
        message_block.start(self)
        self._told_rate = 0.0
        self._has_begun = False
        self._writer.forget()
        self._tell_short_history()
        self._reporter.start()
        return True

    def finish(self) -> None:
        """Wait until all samples are written, and tell of the last emissions."""
        self._reporter.stop()
        self._drain()
        if not self._has_begun:
            return
        store, deadline = self._samples.store(), time.monotonic() + STREAM_END_S
        while not store.ended() and time.monotonic() < deadline:
            time.sleep(0.001)
        store.end()
        if not self._writer.join(WRITE_END_S):
            self._fail(f"not all samples were written within {WRITE_END_S:g} s of the end")
        self._writer.describe()
        self._publish_status()

    def _report(self) -> None:
        """Once a second; and look again then: GNU Radio may wake nobody for a message that comes
        while a block's thread is about to wait."""
        self._publish_status()
        self.look_again()

    def _publish_status(self) -> None:
        self._tell_short_history()
        self.publish(keys.PORT_STATUS, to_pmt(self.status()))

    def _tell_short_history(self) -> None:
        """Log once for each rate that the memory is too small."""
        rate = self._samples.sample_rate()
        bytes_per_s = rate * self._samples.store().sample_bytes()
        if self._history * bytes_per_s <= self._memory_limit or rate == self._told_rate:
            return
        self._told_rate = rate
        self.logger.warn(
            f"memory_limit {self._memory_limit // MEGABYTE} MiB holds "
            f"{self._memory_limit / bytes_per_s:.3g} s of the {self._history:g} s of history at "
            f"{rate / 1e6:g} MS/s; raise it to "
            f"{math.ceil(self._history * bytes_per_s / MEGABYTE)} MiB"
        )

    def _on_saved(self, future) -> None:
        error = future.exception()
        if error is not None:
            self._fail(f"nothing saved: {error}")

    # GNU Radio calls a handler by its name, so each port has its own

    def _on_emissions(self, message) -> None:
        self.receive(keys.PORT_EMISSIONS, message)

    def _on_save(self, message) -> None:
        self.receive(keys.PORT_SAVE, message)

    def _on_stream(self, message) -> None:
        self.receive(keys.PORT_STREAM, message)
