# SPDX-License-Identifier: GPL-3.0-or-later
"""Undoes a gain that goes back and forth between two values from packet to packet.

An automatic gain control at the edge between two of its steps changes all values by one factor,
again and again, within one packet. A body does not: it turns the shape over frequency with the
level, over several packets, by a height that differs each time. So a change counts as a flip
where it is sudden, leaves the shape, and those before it had the same height and went both ways.
The first flips of a stream go through; once their height is known, each is undone. Single
steps are undone by :mod:`.cleaning`.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from .measured import Measured

# A flip is at least this high (dB), and so many times the usual change between two packets
FLIP_DB, OVER_USUAL = 2.0, 4.0
# It turns the shape no more than so many times what is usual, this angle, and one per dB (radians)
TURN, TURN_ANGLE, TURN_PER_DB = 2.0, 0.02, 0.01
# Of so many high changes, most have a height within this share of their median, and some of them go
# each way
REMEMBERED, LEAST_EACH = 16, 3
ALIKE, MOST_ALIKE = 0.2, 0.75
# Changes that tell the usual
MEMORY = 32


class GainFlips:
    """Follows the gain of one stream; what comes out has the gain that it had at first."""

    def __init__(self):
        self._before: Measured | None = None
        self._level_db = 0.0
        self._changes: deque[float] = deque(maxlen=MEMORY)
        self._turns: deque[float] = deque(maxlen=MEMORY)
        # of high changes: by how much, or 0 where the shape turned with it
        self._high: deque[float] = deque(maxlen=REMEMBERED)
        self._flip_db = 0.0
        self._is_upper = self._kept_is_upper = False

    def take(self, packet: Measured) -> Measured:
        """The next packet, with the other gain undone."""
        level_db = packet.level_db
        if self._before is not None:
            change, turn = level_db - self._level_db, packet.turn_from(self._before)
            if abs(change) < FLIP_DB:
                self._changes.append(abs(change))
                self._turns.append(turn)
            elif self._changes:
                self._take_high(change, turn)
        self._before, self._level_db = packet, level_db
        if self._flip_db and self._is_upper != self._kept_is_upper:
            packet.amplify(self._flip_db if self._kept_is_upper else -self._flip_db)
        return packet

    def _take_high(self, change: float, turn: float) -> None:
        height = abs(change)
        most = TURN * median(self._turns) + TURN_ANGLE + TURN_PER_DB * height
        is_flip = turn <= most and height >= OVER_USUAL * median(self._changes)
        self._high.append(change if is_flip else 0.0)
        if is_flip and self._learn(height):
            self._is_upper = change > 0

    def _learn(self, height: float) -> bool:
        """Whether a height is that of the flips, as far as it is known."""
        flips = [change for change in self._high if change]
        middle = median(map(abs, flips))
        alike = [change for change in flips if abs(abs(change) - middle) <= ALIKE * middle]
        ups = sum(change > 0 for change in alike)
        is_known = min(ups, len(alike) - ups) >= LEAST_EACH and len(alike) >= MOST_ALIKE * len(
            self._high
        )
        if is_known:
            if not self._flip_db:
                self._kept_is_upper = alike[-1] > 0
            self._flip_db = float(median(map(abs, alike)))
        return abs(height - self._flip_db) <= ALIKE * self._flip_db
