# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes outlier packets and the receiver's gain steps out of a stream, and leaves motion in.

A change of the receiver's gain scales all subcarriers of an antenna by one factor, between one
packet and the next, and stays. Motion turns the shape over frequency, too, and goes on over
several packets; but much of it *is* common to all subcarriers: in a room, 20 MHz fade almost as
one. Dividing each packet by its own mean, or by a running median of it, takes gain steps away and
with them most of the motion (or all that is slower than the median). So only what looks like
a step is undone here: sudden, common to all subcarriers, lasting.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

# A packet is judged by so many at each side
NEIGHBOURS = 3
# Changes of level and shape between packets that are remembered as the usual ones
MEMORY = 32
# A gain step, or a packet of a gain of its own, is at least this high (dB), ...
STEP_DB = 2.0
# ... so many times the usual change, ...
STEP_OVER_USUAL = 5.0
# ... so many times the two changes before and the two after, ...
STEP_OVER_SIDES = 3.0
# ... lasts: the median of the next packets keeps this share of it, ...
STEP_LASTS = 0.5
# ... and turns the shape no more than usual (a factor, and an angle in radians)
STEP_TURN, STEP_TURN_ANGLE = 1.5, 0.02
# A packet whose shape is this far (radians) from its neighbours', so many times as far as they
# are among themselves, holds no channel
FOREIGN_ANGLE = 0.3
FOREIGN_OVER_USUAL = 6.0


@dataclass
class Measured:
    """A packet on the spec's columns.

    ``values``: float32 (columns, channels); the first ``antennas`` channels are amplitudes.
    ``time_ns`` counts from the stream's first packet; ``lost``: packets missing before it.
    ``level_db``: (antennas,) root mean square; ``shape``: (antennas, columns) of norm 1.
    """

    time_ns: int
    values: np.ndarray
    antennas: int
    lost: int = 0
    is_outlier: bool = False
    gain_steps: int = 0
    level_db: np.ndarray = field(init=False)
    shape: np.ndarray = field(init=False)

    def __post_init__(self):
        amplitude = self.values[:, : self.antennas].T
        norm = np.maximum(np.linalg.norm(amplitude, axis=1), 1e-30)
        self.level_db = 20 * np.log10(norm)
        self.shape = amplitude / norm[:, None]

    def turn_from(self, other: Measured) -> np.ndarray:
        """Distance of two shapes, (antennas,): the angle between them for small ones."""
        return np.linalg.norm(self.shape - other.shape, axis=1)


class PacketCleaner:
    """Marks outliers and undoes gain steps; answers ``NEIGHBOURS`` packets later.

    Each antenna may have a gain of its own. The stream's first gain is kept throughout.
    """

    def __init__(self):
        self._ahead: deque[Measured] = deque()
        self._behind: deque[Measured] = deque(maxlen=NEIGHBOURS)
        self._previous: Measured | None = None
        self._gain_db: np.ndarray | float = 0.0
        self._changes: deque[np.ndarray] = deque(maxlen=MEMORY)
        self._turns: deque[np.ndarray] = deque(maxlen=MEMORY)

    def push(self, packet: Measured) -> list[Measured]:
        """Take the next packet; return those that are decided (none or one)."""
        self._ahead.append(packet)
        return [self._decide()] if len(self._ahead) > NEIGHBOURS else []

    def finish(self) -> list[Measured]:
        """Decide the rest."""
        return [self._decide() for _ in range(len(self._ahead))]

    def _decide(self) -> Measured:
        packet = self._ahead.popleft()
        packet.is_outlier = self._is_gain_of_its_own(packet) or _is_foreign(
            packet, [*self._behind, *self._ahead]
        )
        self._behind.append(packet)
        if packet.is_outlier:
            return packet
        if self._previous is not None:
            self._follow_gain(packet, self._previous)
        self._previous = packet
        if np.any(self._gain_db):
            packet.values = packet.values.copy()
            packet.values[:, : packet.antennas] *= 10 ** (-self._gain_db / 20)
        return packet

    def _follow_gain(self, packet: Measured, before: Measured) -> None:
        change = packet.level_db - before.level_db
        turn = packet.turn_from(before)
        is_step = self._is_step(packet, before, change, turn)
        if np.any(is_step):
            # the motion within this interval is taken as that of the two beside it
            beside = [self._changes[-1], self._ahead[0].level_db - packet.level_db]
            motion = np.mean(beside, axis=0)
            self._gain_db = self._gain_db + np.where(is_step, change - motion, 0)
            packet.gain_steps = 1
            change = np.where(is_step, motion, change)
        self._changes.append(change)
        self._turns.append(turn)

    def _is_step(self, packet: Measured, before: Measured, change, turn) -> np.ndarray | bool:
        if len(self._changes) < 2 or not self._ahead:
            return False
        height = np.abs(change)
        if not np.any(height >= STEP_DB):  # nearly always: spares the rest
            return False
        levels = np.array([packet.level_db, *(p.level_db for p in self._ahead)])
        after = np.abs(np.diff(levels[:NEIGHBOURS], axis=0)).max(axis=0)
        sides = np.maximum(after, np.abs([self._changes[-1], self._changes[-2]]).max(axis=0))
        earlier = [p.level_db for p in self._behind if not p.is_outlier and p is not packet]
        kept = np.median(levels, axis=0) - np.median(earlier or [before.level_db], axis=0)
        return (
            self._is_sudden(height, turn)
            & (height >= STEP_OVER_SIDES * sides)
            & (kept * np.sign(change) >= STEP_LASTS * height)
        )

    def _is_sudden(self, height: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Whether a change of level (dB) is high, beyond the usual, and leaves the shape."""
        usual = np.median(np.abs(self._changes), axis=0)
        most = STEP_TURN * np.median(self._turns, axis=0) + STEP_TURN_ANGLE
        return (height >= np.maximum(STEP_DB, STEP_OVER_USUAL * usual)) & (turn <= most)

    def _is_gain_of_its_own(self, packet: Measured) -> bool:
        """A level that stands out for one packet only, with the neighbours' shape."""
        before = self._previous
        if before is None or not self._ahead or len(self._changes) < 2:
            return False
        after = self._ahead[0]
        rise, fall = packet.level_db - before.level_db, packet.level_db - after.level_db
        height = np.where(rise * fall > 0, np.minimum(np.abs(rise), np.abs(fall)), 0)
        if not np.any(height >= STEP_DB):
            return False
        turn = np.minimum(packet.turn_from(before), packet.turn_from(after))
        alone = height >= STEP_OVER_SIDES * np.abs(rise - fall)
        return bool(np.any(self._is_sudden(height, turn) & alone))


def _is_foreign(packet: Measured, others: list[Measured]) -> bool:
    """Whether a packet's shape lies far out among its neighbours' (Hampel's test of shapes).

    Their second largest distance is the measure, so that one more of the kind hides none.
    """
    if len(others) < NEIGHBOURS:
        return False
    shapes = np.stack([other.shape for other in others])
    middle = np.median(shapes, axis=0)
    distance = np.linalg.norm(packet.shape - middle, axis=1)
    if not np.any(distance > FOREIGN_ANGLE):
        return False
    usual = np.sort(np.linalg.norm(shapes - middle, axis=2), axis=0)[-2]
    return bool(np.any(distance > np.maximum(FOREIGN_ANGLE, FOREIGN_OVER_USUAL * usual)))
