# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes outlier packets and the receiver's gain steps out of a stream, and leaves motion in.

A change of the receiver's gain scales all values by one factor, between one packet and the
next, and stays. Motion turns the shape over frequency and antennas, too, and goes on over several
packets; but much of it *is* common to all subcarriers: in a room, 20 MHz fade almost as one.
Dividing each packet by its own mean, or by a running median of it, takes gain steps away and
with them most of the motion (or all that is slower than the median). So only what looks like
a step is undone here: sudden, of all values, lasting. In rooms simulated as in
``tests/csi_room.py`` (walking at 1 m/s, 2.4 GHz, 100 packets/s of which 10 % are lost) this finds
125 of 128 steps of 6 dB and 110 of 128 of 3 dB, and takes none of 28,648 packets for a step (seeds
that had no part in setting the numbers below). Where a body reflects twice as much, or 30 % are
lost, more are missed. Steps below STEP_DB, one antenna's own gain, and two steps within LASTING
packets stay as they are.
"""

from __future__ import annotations

from collections import deque
from itertools import islice, pairwise
from statistics import median

import numpy as np

from .measured import Measured, norm_of

# Changes of level and shape between packets that are remembered as the usual ones
MEMORY = 32
# A gain step is at least this high (dB), ...
STEP_DB = 2.0
# ... so many times the usual change, ...
STEP_OVER_USUAL = 3.0
# ... so many times the two changes before and the two after, ...
STEP_OVER_SIDES = 1.5
# ... turns the shape no more than usual (a factor), an angle, and one per dB (radians), ...
STEP_TURN, STEP_TURN_ANGLE, STEP_TURN_PER_DB = 2.0, 0.02, 0.01
# ... and lasts: between the medians of so many packets before and after it, this share is left
LASTING = 12
STEP_LASTS = 0.6
# A packet with a gain of its own stands out of the usual changes by this factor, and of the
# difference of its two neighbours by that one
ALONE_OVER_USUAL, ALONE_OVER_SIDES = 5.0, 3.0
# A packet whose shape is this far (radians) from that of so many neighbours at each side, and so
# many times as far as they are among themselves, holds no channel
FOREIGN_ANGLE = 0.3
FOREIGN_OVER_USUAL = 6.0
NEIGHBOURS = 3


class PacketCleaner:
    """Marks outliers and undoes gain steps; answers ``NEIGHBOURS`` packets later.

    Only what may be a gain step waits until ``LASTING`` packets tell, and all behind it. The
    stream's first gain is kept throughout.
    """

    def __init__(self):
        self._ahead: deque[Measured] = deque()
        # decided ones: all of them, and those that are no outliers
        self._behind: deque[Measured] = deque(maxlen=NEIGHBOURS)
        self._good: deque[Measured] = deque(maxlen=LASTING)
        self._changes: deque[float] = deque(maxlen=MEMORY)
        self._turns: deque[float] = deque(maxlen=MEMORY)
        self._gain_db = 0.0

    def push(self, packet: Measured) -> list[Measured]:
        """Take the next packet; return those that are decided."""
        self._ahead.append(packet)
        decided = []
        while len(self._ahead) > NEIGHBOURS and not self._must_wait():
            decided.append(self._decide())
        return decided

    def finish(self) -> list[Measured]:
        """Decide the rest."""
        return [self._decide() for _ in range(len(self._ahead))]

    def _must_wait(self) -> bool:
        """Whether packets that are still to come have a say in the next decision."""
        if len(self._ahead) >= LASTING or not self._good:
            return False
        packet = self._ahead[0]
        change = packet.level_db - self._good[-1].level_db
        return bool(self._sudden(packet, change, (self._ahead[1], self._ahead[2])))

    def _decide(self) -> Measured:
        packet = self._ahead.popleft()
        packet.is_outlier = self._has_its_own_gain(packet) or self._is_foreign(packet)
        self._behind.append(packet)
        if packet.is_outlier:
            return packet
        if self._good:
            self._follow_gain(packet)
        self._good.append(packet)
        if self._gain_db:
            packet.values = packet.values.copy()
            packet.values[:, : packet.antennas] *= 10 ** (-self._gain_db / 20)
        return packet

    def _follow_gain(self, packet: Measured) -> None:
        change = packet.level_db - self._good[-1].level_db
        turn = packet.turn_from(self._good[-1])
        step = self._step(packet, change)
        if step:
            self._gain_db += step
            packet.gain_steps = 1
            # later packets are compared with each other, not with the level before
            for earlier in self._good:
                earlier.level_db += step
        self._changes.append(change - step)
        self._turns.append(turn)

    def _step(self, packet: Measured, change: float) -> float:
        """The gain step (dB) right before a packet; 0 if there is none."""
        sudden = self._sudden(packet, change, tuple(islice(self._ahead, 2)))
        if not sudden:
            return 0.0
        levels = [packet.level_db, *(p.level_db for p in self._ahead)]
        lasting = median(levels) - median(p.level_db for p in self._good)
        if lasting * np.sign(change) < STEP_LASTS * abs(change):
            return 0.0
        return (sudden + lasting) / 2

    def _sudden(self, packet: Measured, change: float, following: tuple[Measured, ...]) -> float:
        """The gain step (dB) right before a packet, if it lasts; 0 if there is none."""
        if abs(change) < STEP_DB or len(self._changes) < 2 or not following:
            return 0.0
        after = [b.level_db - a.level_db for a, b in pairwise((packet, *following))]
        sides = [self._changes[-2], self._changes[-1], *after]
        # what motion did meanwhile is taken as the mean of the changes right before and after
        sudden = change - (self._changes[-1] + after[0]) / 2
        if (
            sudden * np.sign(change) >= STEP_DB
            and abs(change) >= STEP_OVER_SIDES * max(map(abs, sides))
            and self._is_gain(abs(change), packet.turn_from(self._good[-1]), STEP_OVER_USUAL)
        ):
            return sudden
        return 0.0

    def _is_gain(self, height: float, turn: float, over_usual: float) -> bool:
        """Whether a change of level (dB) is beyond the usual and leaves the shape as it was."""
        most = STEP_TURN * median(self._turns) + STEP_TURN_ANGLE
        return (
            height >= over_usual * median(map(abs, self._changes))
            and turn <= most + STEP_TURN_PER_DB * height
        )

    def _has_its_own_gain(self, packet: Measured) -> bool:
        """Whether a level stands out for one packet only, with the neighbours' shape."""
        if len(self._changes) < 2 or not self._ahead:
            return False
        before, after = self._good[-1], self._ahead[0]
        up, down = packet.level_db - before.level_db, packet.level_db - after.level_db
        height = min(abs(up), abs(down))
        if up * down <= 0 or height < STEP_DB or height < ALONE_OVER_SIDES * abs(up - down):
            return False
        turn = min(packet.turn_from(before), packet.turn_from(after))
        return self._is_gain(height, turn, ALONE_OVER_USUAL)

    def _is_foreign(self, packet: Measured) -> bool:
        """Whether a shape lies far out among the neighbours' (Hampel's test, of shapes).

        Their second largest distance is the measure, so that one more of the kind hides none.
        """
        ahead = islice(self._ahead, NEIGHBOURS)
        others = np.array([other.shape for other in (*self._behind, *ahead)])
        if len(others) < NEIGHBOURS:
            return False
        # cheap, and enough for nearly all: a median lies among the values that it is of
        apart = (others - packet.shape).reshape(-1)
        if apart @ apart < FOREIGN_ANGLE**2:
            return False
        middle = np.median(others, axis=0)
        distance = norm_of(packet.shape - middle)
        if distance <= FOREIGN_ANGLE:
            return False
        usual = np.sort(np.linalg.norm(others - middle, axis=1))[-2]
        return bool(distance > FOREIGN_OVER_USUAL * usual)
