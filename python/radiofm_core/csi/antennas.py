# SPDX-License-Identifier: GPL-3.0-or-later
"""A sender that switches between two antennas: its packets tell two channels in turn.

Each estimate is then like one of two shapes over frequency, back and forth within single packets.
A body goes through all shapes between, over several packets. Of two such channels the one that more
packets are of is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from .measured import norm_of

# Packets that tell, and how often it is looked whether they do
MEMORY, LOOK_EVERY = 32, 16
# Of them each channel has so many, and they change so often from one to the other
LEAST_EACH, LEAST_CHANGES = 5, 6
# The channels are so far apart (radians), and so many times as far as their packets are from them
APART, OVER_SPREAD = 0.05, 2.5
# How fast a channel follows its packets
FOLLOW = 0.2
ANTENNA = "antenna"
WORDS = "the sender switches between two antennas: one of the two channels is used"


class Antennas:
    """Follows the channels of one stream. ``antennas``: of the receiver; of several nothing is
    said, since the gain of each for itself makes two shapes, too."""

    def __init__(self, antennas: int):
        self._is_one = antennas == 1
        self._last: deque[np.ndarray] = deque(maxlen=MEMORY)
        self._since = 0
        # of the packets that are remembered, whether they are of the other channel
        self._others: deque[bool] = deque(maxlen=MEMORY)
        # the channel that is kept, and the other one; none while there is one only
        self._channels: list[np.ndarray] = []

    @property
    def are_two(self) -> bool:
        """Whether two channels are told in turn."""
        return bool(self._channels)

    def learn(self, shapes: Sequence[np.ndarray]) -> None:
        """What a stream's first packets tell: float32 (values,) of norm 1 each."""
        if self._is_one:
            self._last.extend(shapes)
            self._look()

    def takes(self, shape: np.ndarray) -> bool:
        """Whether a packet is of the channel that is kept, or of the only one."""
        if not self._is_one:
            return True
        self._last.append(shape)
        self._since += 1
        if self._since >= LOOK_EVERY:
            self._look()
        if not self._channels:
            return True
        distances = [norm_of(shape - channel) for channel in self._channels]
        nearest = int(np.argmin(distances))
        self._channels[nearest] += FOLLOW * (shape - self._channels[nearest])
        self._others.append(nearest == 1)
        return nearest == 0

    def _look(self) -> None:
        """Find two channels, or that there are no two any more: all packets are of the one, or
        both have become one."""
        self._since = 0
        if self._channels:
            one, other = self._channels
            is_single = len(self._others) == MEMORY and len(set(self._others)) == 1
            if is_single or norm_of(one - other) < APART:
                self._channels = []
        elif len(self._last) == MEMORY:
            self._channels = two_channels(np.stack(self._last))
            self._others.clear()


def two_channels(shapes: np.ndarray) -> list[np.ndarray]:
    """The two channels that packets change between, the one of more packets first; or none.

    Args:
        shapes: float32 (packets, values) of norm 1, in their order.
    """
    first = shapes[0]
    centres = np.stack([first, shapes[np.argmax(np.linalg.norm(shapes - first, axis=1))]])
    member = np.zeros(len(shapes), int)
    for _ in range(4):
        member = np.linalg.norm(shapes[:, None] - centres, axis=2).argmin(axis=1)
        counts = np.bincount(member, minlength=2)
        if counts.min() < LEAST_EACH:
            return []
        centres = np.stack([shapes[member == k].mean(axis=0) for k in (0, 1)])
    apart = norm_of(centres[0] - centres[1])
    spread = np.linalg.norm(shapes - centres[member], axis=1)
    changes = int(np.count_nonzero(np.diff(member)))
    if apart < APART or changes < LEAST_CHANGES or apart < OVER_SPREAD * float(spread.max()):
        return []
    order = np.argsort(-counts, kind="stable")
    return [centres[k].copy() for k in order]
