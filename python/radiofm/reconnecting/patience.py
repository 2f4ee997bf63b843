# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a source is waited for, and who is told."""

from __future__ import annotations

from dataclasses import dataclass

from .bursts import Burst

# Seconds without samples after which a source counts as lost
LOST_AFTER_S = 5.0
# The wait before a source is opened again doubles from the first to the last (s)
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Patience:
    """How long a source is waited for (s).

    Args:
        lost_after: without samples, until it counts as lost.
        fail_after: without samples, until it is given up, which may be ``math.inf``; a receiver
            that cannot be opened at first is waited for, too. None: that raises, and one that was
            lost later is waited for without end.
    """

    lost_after: float = LOST_AFTER_S
    fail_after: float | None = None


class Listener:
    """What is told of a source, on a thread of its own; this one does not listen."""

    def lost(self, reason: str) -> None:
        """It gives no samples any more."""

    def retry(self, reason: str, attempt: int, wait: float) -> None:
        """It could not be opened, or gives no samples yet; more in ``wait`` seconds."""

    def found(self, after: float) -> None:
        """Samples come; the last ones did ``after`` seconds ago."""

    def overflowed(self, samples: int) -> None:
        """So many samples came faster than the flowgraph behind takes them, and were dropped."""

    def burst(self, burst: Burst) -> None:
        """The samples of a burst are taken."""


def wait_before(attempt: int) -> float:
    """Seconds to wait before a source is opened for the ``attempt``-th time, from 1 on."""
    return min(FIRST_WAIT_S * 2.0 ** (attempt - 1), LONGEST_WAIT_S)
