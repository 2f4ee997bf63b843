# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a sensor's source: as lines here, and to the server."""

from __future__ import annotations

from radiofm_net import protocol


class SourceState:
    """Stands where a command that watches has its outputs: keeps why the source is lost, which the
    link tells the server with each of its pings."""

    def __init__(self):
        self._trouble = ""
        self._overflowed = 0

    def fields(self) -> dict:
        """For the server."""
        return {protocol.TROUBLE: self._trouble, protocol.OVERFLOWED: self._overflowed}

    def source_lost(self, source: str, reason: str) -> None:
        """It gives no samples."""
        self._trouble = reason

    def source_retry(self, source: str, reason: str, attempt: int, wait: float) -> None:
        """It could not be opened."""
        self._trouble = reason

    def source_found(self, source: str) -> None:
        """It gives samples, for the first time or again."""
        self._trouble = ""

    def drops(self, cause: str, unit: str, count: int) -> None:
        """Samples came faster than this host takes them."""
        self._overflowed += count
