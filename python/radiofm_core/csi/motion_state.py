# SPDX-License-Identifier: GPL-3.0-or-later
"""Still or moving, with hysteresis: a few long states in place of an answer each half second."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

from ..errors import UsageError
from ..fields import finite_number, shown
from .activity import MAX_SOURCES, Activity
from .motion import EVEN_DB, ODDS_DB
from .room_floor import Floor

MOVING, STILL = "moving", "still"
START, END = "start", "end"
# Levels of motion (dB) from which on something moves, and by how much less nothing does
MOVING_DB, HYSTERESIS_DB = EVEN_DB, 2.0
MOST_DB = 100.0
# How long answers have to say so before a state begins (s): one of them is no motion, and who moves
# stands still at times
LEAST_MOVING_S, LEAST_STILL_S = 1.0, 3.0
# Without an answer for so long nothing is known any more (s)
LOST_AFTER_S = 5.0


@dataclass(frozen=True)
class MotionChange:
    """A state that begins (``event`` START) or is over (END).

    ``state``: MOVING or STILL. ``start_ns``: when it began. ``duration_s``: from there to where it
    was last seen. ``confidence``: 0.5 to 1, the mean over its answers; it follows from the level of
    motion alone and is not calibrated. ``motion_db``: their mean level. ``source``: the sender's
    MAC, or empty.
    """

    event: str
    state: str
    start_ns: int
    duration_s: float
    confidence: float
    motion_db: float
    source: str


@dataclass
class _Span:
    """Answers that say the same."""

    state: str
    start_ns: int
    end_ns: int
    answers: int = 0
    confidence: float = 0.0
    motion_db: float = 0.0

    def add(self, activity: Activity, confidence: float) -> None:
        self.answers += 1
        self.confidence += confidence
        self.motion_db += activity.motion_db
        self.end_ns = _end_ns(activity)

    def join(self, other: _Span) -> None:
        """Take answers for the other state along, which were too few."""
        self.answers += other.answers
        self.confidence += other.answers - other.confidence
        self.motion_db += other.motion_db
        self.end_ns = other.end_ns

    def change(self, event: str, source: str) -> MotionChange:
        return MotionChange(
            event=event,
            state=self.state,
            start_ns=self.start_ns,
            duration_s=(self.end_ns - self.start_ns) * 1e-9,
            confidence=min(max(self.confidence / self.answers, 0.5), 1.0),
            motion_db=self.motion_db / self.answers,
            source=source,
        )


@dataclass
class _Room:
    """``now`` holds; ``next`` are answers that say something else, not for long enough yet."""

    now: _Span | None = None
    next: _Span | None = None
    last_ns: int = 0


class MotionStates:
    """Follows the states of each sender; of MAX_SOURCES, the one longest silent makes room.

    Args:
        moving_db: the level of motion from which on something moves (dB) in a room of the usual
            floor; in others it is as far above theirs. HYSTERESIS_DB below it nothing does, and in
            between what was goes on.

    Raises:
        UsageError: a level that is none.
    """

    def __init__(self, moving_db: float = MOVING_DB):
        self._rooms: OrderedDict[str, _Room] = OrderedDict()
        self.set_moving_db(moving_db)

    def set_moving_db(self, moving_db: float) -> None:
        """Change the level from which on something moves."""
        level = finite_number(moving_db)
        if level is None or not HYSTERESIS_DB <= level <= MOST_DB:
            raise UsageError(
                f"moving_db: expected {HYSTERESIS_DB:g} to {MOST_DB:g} dB, got {shown(moving_db)}"
            )
        self._moving_db = level

    def reset(self) -> None:
        """Forget all (a stream begins)."""
        self._rooms.clear()

    def take(self, activity: Activity) -> list[MotionChange]:
        """The next answer of a sender; what changes with it, oldest first."""
        source = activity.source
        room = self._rooms.setdefault(source, _Room())
        self._rooms.move_to_end(source)
        changes = []
        if len(self._rooms) > MAX_SOURCES:
            silent, its_room = self._rooms.popitem(last=False)
            changes += _ended(its_room, silent)
        apart_s = (activity.start_ns - room.last_ns) * 1e-9
        if (room.now or room.next) and not -activity.duration_s <= apart_s <= LOST_AFTER_S:
            changes += _ended(room, source)
            room.now = room.next = None
        room.last_ns = _end_ns(activity)
        state = self._state(activity, room)
        if state is None:
            room.next = None
        elif room.now is not None and state == room.now.state:
            self._go_on(room, activity)
        else:
            changes += self._turn(room, activity, state)
        return changes

    def finish(self) -> list[MotionChange]:
        """All states are over: packets come no more."""
        changes = [
            change for source, room in self._rooms.items() for change in _ended(room, source)
        ]
        self._rooms.clear()
        return changes

    def _state(self, activity: Activity, room: _Room) -> str | None:
        """What an answer says; between the levels what was, None if nothing was."""
        moving_db = self._moving_db_of(activity)
        if activity.motion_db >= moving_db:
            return MOVING
        if activity.motion_db < moving_db - HYSTERESIS_DB:
            return STILL
        return None if room.now is None else room.now.state

    def _moving_db_of(self, activity: Activity) -> float:
        """The level in this room, whose floor may be another than the usual one."""
        own = Floor(activity.floor_db).moving_db - Floor().moving_db
        return max(self._moving_db + own, HYSTERESIS_DB)

    def _confidence(self, activity: Activity, state: str) -> float:
        middle = self._moving_db_of(activity) - HYSTERESIS_DB / 2
        above = (activity.motion_db - middle) / ODDS_DB * (1 if state == MOVING else -1)
        return 1 / (1 + math.exp(-min(max(above, -30.0), 30.0)))

    def _go_on(self, room: _Room, activity: Activity) -> None:
        if room.next is not None:
            # not for long enough: it was a part of what goes on
            room.now.join(room.next)
            room.next = None
        room.now.add(activity, self._confidence(activity, room.now.state))

    def _turn(self, room: _Room, activity: Activity, state: str) -> list[MotionChange]:
        if room.next is None or room.next.state != state:
            room.next = _Span(state, activity.start_ns, activity.start_ns)
        room.next.add(activity, self._confidence(activity, state))
        least_s = LEAST_MOVING_S if state == MOVING else LEAST_STILL_S
        if (room.next.end_ns - room.next.start_ns) * 1e-9 < least_s - 1e-6:
            return []
        over, room.now, room.next = room.now, room.next, None
        begins = room.now.change(START, activity.source)
        return [begins] if over is None else [over.change(END, activity.source), begins]


def _ended(room: _Room, source: str) -> list[MotionChange]:
    return [] if room.now is None else [room.now.change(END, source)]


def _end_ns(activity: Activity) -> int:
    return activity.start_ns + round(activity.duration_s * 1e9)
