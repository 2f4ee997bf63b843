# SPDX-License-Identifier: GPL-3.0-or-later
"""The level of motion of each room while nobody moves, and what a level above it says.

A receiver whose gain trembles shows some dB in an empty room, another one none. Where a few seconds
were steady and low, their level is the room's own floor, and what is above it is motion. Until then
that of usual receivers holds. A change of the gain or the layout and a pause as long as
a window, which is what a change of the channel leaves, begin anew.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from .motion import EVEN_DB, ODDS_DB
from .windows import CsiWindow

# From so far above the floor on (dB) motion is likelier than stillness, ...
ABOVE_FLOOR_DB = 5.0
# ... so of a room that is not known this is taken to be the floor; ESP32-C3 and S3 receivers in
# empty rooms have about this, and less than the other
USUAL_FLOOR_DB, MOST_FLOOR_DB = EVEN_DB - ABOVE_FLOOR_DB, 8.0
# A room is still that is steady within so many dB for so many answers (3 s)
STEADY_DB, STEADY_ANSWERS = 3.0, 6
# Not below this level: what is hardly there is no motion
LEAST_MOVING_DB = 5.0
# By how many dB a level is above that at odds of e to one: of a room that is known, and of others
KNOWN_ODDS_DB, UNKNOWN_ODDS_DB = 1.0, ODDS_DB
# Senders whose rooms are followed; the one longest silent makes room
MAX_ROOMS = 64


@dataclass(frozen=True)
class Floor:
    """``level_db``: of a still room; ``is_known``: measured in it, not the usual one."""

    level_db: float = USUAL_FLOOR_DB
    is_known: bool = False

    @property
    def moving_db(self) -> float:
        """The level from which on motion is likelier than stillness."""
        return max(self.level_db + ABOVE_FLOOR_DB, LEAST_MOVING_DB)

    def probability(self, motion_db: float) -> float:
        """That something moves, 0..1, at a level of motion (dB)."""
        odds_db = KNOWN_ODDS_DB if self.is_known else UNKNOWN_ODDS_DB
        above = (motion_db - self.moving_db) / odds_db
        return 1 / (1 + math.exp(-min(max(above, -30.0), 30.0)))


@dataclass
class _Room:
    kind: tuple[int, ...] = ()
    time_ns: int = 0
    last: deque[float] = field(default_factory=lambda: deque(maxlen=STEADY_ANSWERS))
    floor: Floor = field(default_factory=Floor)

    def take(self, window: CsiWindow, motion_db: float) -> Floor:
        apart_s = (window.time_ns - self.time_ns) * 1e-9
        goes_on = 0 < apart_s < window.duration_s and window.kind == self.kind
        if not goes_on or window.gain_steps:
            self.last.clear()
            self.floor = Floor()
        self.kind, self.time_ns = window.kind, window.time_ns
        self.last.append(motion_db)
        if len(self.last) == STEADY_ANSWERS:
            self._learn()
        return self.floor

    def _learn(self) -> None:
        low, high = min(self.last), max(self.last)
        if high > MOST_FLOOR_DB or high - low > STEADY_DB:
            return
        found = sum(self.last) / STEADY_ANSWERS
        if not self.floor.is_known or found < self.floor.level_db:
            self.floor = Floor(found, True)


class RoomFloors:
    """Follows the floors of several senders, from their windows in order of time."""

    def __init__(self):
        self._rooms: OrderedDict[str, _Room] = OrderedDict()

    def reset(self) -> None:
        """Forget all (a stream begins)."""
        self._rooms.clear()

    def take(self, window: CsiWindow, motion_db: float) -> Floor:
        """The next window and its level of motion; the floor of its room by now."""
        room = self._rooms.setdefault(window.source, _Room())
        self._rooms.move_to_end(window.source)
        if len(self._rooms) > MAX_ROOMS:
            self._rooms.popitem(last=False)
        return room.take(window, motion_db)
