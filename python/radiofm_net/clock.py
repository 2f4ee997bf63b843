# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a server's clock is ahead of this host's, as NTP finds it."""

from __future__ import annotations

import math
from collections import deque

# Exchanges that are looked back on: the one with the least round trip tells the offset best
EXCHANGES = 16


class ClockFilter:
    """Offset and round trip from the last exchanges of times."""

    def __init__(self):
        self._found: deque[tuple[float, float]] = deque(maxlen=EXCHANGES)

    def add(self, sent: float, received: float, replied: float, back: float) -> None:
        """One exchange: sent and back by this host's clock, received and replied by the other's
        (s). A clock that was set in between makes times that cannot be: they are left out, and
        with them what was found before."""
        round_trip = (back - sent) - (replied - received)
        offset = ((received - sent) + (replied - back)) / 2
        if not (math.isfinite(offset) and math.isfinite(round_trip)) or round_trip < 0:
            self._found.clear()
            return
        # a step of a clock: further from the last offset than both round trips allow
        if self._found and abs(offset - self.offset) > round_trip + self.round_trip + 1e-3:
            self._found.clear()
        self._found.append((round_trip, offset))

    @property
    def offset(self) -> float:
        """s to add to this host's clock; 0 before the first exchange."""
        return min(self._found)[1] if self._found else 0.0

    @property
    def round_trip(self) -> float | None:
        """s, the least of the last exchanges; None before the first."""
        return min(self._found)[0] if self._found else None
