# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a live source: as lines, and to the outputs."""

from __future__ import annotations

import time

from radiofm_core.events import names
from radiofm_core.outputs.event_words import STATUS_INTERVAL_S
from radiofm_core.outputs.units import readable_time

from ..printing import tell
from .inbox import Inbox

BURST = "burst"


class SourceLog:
    """Listens to a ``ReconnectingSource`` (its ``Listener`` says what each call means), on the
    source's thread.

    Args:
        source: what the user calls it.
        outputs: get events.
        messages: get the bursts that begin, as (BURST, burst).
    """

    def __init__(self, source: str, outputs, messages: Inbox):
        self._source, self._outputs, self._messages = source, outputs, messages
        self._lost = ""
        self._overflowed = 0
        self._next_overflow = 0.0
        self.state = "waiting for samples"

    def lost(self, reason: str) -> None:
        """It is said at once."""
        self._lost = reason
        self.state = f"lost: {reason}"
        tell(f"{self._sentence(reason)}; trying again until it is back")
        self._outputs.source_lost(self._source, reason)

    def retry(self, reason: str, attempt: int, wait: float) -> None:
        """Said unless it is what was said of the loss."""
        if attempt > 1 or reason != self._lost:
            tell(f"{self._sentence(reason)}; the next try is in {readable_time(wait)}")
        self._outputs.source_retry(self._source, reason, attempt, wait)

    def found(self, after: float) -> None:
        """Where it was lost, that is said."""
        self.state = "samples come"
        if self._lost:
            tell(f"samples from {self._source} again, after {readable_time(after)}")
        self._lost = ""
        self._outputs.source_found(self._source)

    def overflowed(self, samples: int) -> None:
        """Said now and then."""
        self._overflowed += samples
        self._outputs.drops(names.SOURCE_OVERFLOW, names.SAMPLES, samples)
        if time.monotonic() >= self._next_overflow:
            self._next_overflow = time.monotonic() + STATUS_INTERVAL_S
            tell(
                f"this host was too busy: {self._overflowed} samples of {self._source} dropped so "
                "far; a lower --sample-rate or --duty helps"
            )

    def burst(self, burst) -> None:
        """For the rounds of a sweep."""
        self._messages.put(BURST, burst, is_mark=True)

    def _sentence(self, reason: str) -> str:
        """``no samples from zmq=... for 5 s``, ``soapy=...: it ended``."""
        if reason.startswith("no samples for "):
            return f"no samples from {self._source} for {reason.removeprefix('no samples for ')}"
        return f"{self._source}: {reason}"
