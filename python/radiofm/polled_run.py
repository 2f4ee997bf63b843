# SPDX-License-Identifier: GPL-3.0-or-later
"""The run of a flowgraph whose caller stays responsive."""

from __future__ import annotations

import threading

from radiofm_core.errors import one_line


class PolledRun:
    """What a ``gr.top_block`` with a ``source`` and a ``sink`` (a ``result_sink``) inherits, too:
    it runs, and its end is waited for on a thread."""

    _waiter: threading.Thread | None = None

    def launch(self) -> None:
        """Start, and wait for the end on a thread, so that the caller stays responsive."""
        self.start()
        self._waiter = threading.Thread(target=self._wait, name="radiofm-wait", daemon=True)
        self._waiter.start()

    def _wait(self) -> None:
        self.wait()
        self.sink.stop()

    def ended(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds; True when it has ended and all messages are delivered."""
        self._waiter.join(timeout)
        return not self._waiter.is_alive()

    def halt(self, timeout: float) -> None:
        """Stop, and wait up to ``timeout`` seconds for the end; then it is left behind."""
        if not self.ended(0.0):
            self.stop()
            self.ended(timeout)

    def problem(self) -> str:
        """Why the source or the callback failed, in one line; empty where they did not."""
        if self.sink.error is not None:
            return one_line(self.sink.error)
        told = getattr(self.source, "error", None)
        return told() if callable(told) else ""
