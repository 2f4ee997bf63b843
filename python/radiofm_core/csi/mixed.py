# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells packets of two senders that have one address from those of one.

Injecting tools give all their senders one address. Two senders then show two runs of sequence
numbers in turn, each with a channel of its own. One of the two signs alone says nothing: a sender
has a counter for each class of its traffic, and a channel can jump from packet to packet while
somebody moves.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from .mac_header import SEQUENCE_NUMBERS

# A counter's next number is so far ahead at most, or so far back where packets overtake each other
_AHEAD, _BACK = 64, 8
# Of so many packets each counter has this many at least, and they take turns as often
_PACKETS, _LEAST_EACH = 64, 16
# So many of them are nearer to the usual channel of their own counter than to the other's
_LEAST_OWN_SHARE = 0.9
# How much of a new packet goes into what is usual
_USUAL_SHARE = 0.1


@dataclass
class _Counter:
    """A run of sequence numbers, and the usual shape of its packets."""

    number: int
    usual: np.ndarray

    def has(self, number: int) -> bool:
        ahead = (number - self.number + _BACK) % SEQUENCE_NUMBERS
        return ahead <= _AHEAD + _BACK

    def take(self, number: int, shape: np.ndarray) -> None:
        self.number = number
        self.usual = self.usual + _USUAL_SHARE * (shape - self.usual)


class MixedSenders:
    """Follows the sequence numbers and shapes of one stream's packets."""

    def __init__(self):
        self._counters: list[_Counter] = []
        # of the latest packets: which counter, and whether nearer to its usual shape
        self._latest: deque[tuple[int, bool]] = deque(maxlen=_PACKETS)

    def take(self, number: int | None, shape: np.ndarray) -> bool:
        """Whether the latest packets, this one included, are of two senders.

        Args:
            number: the packet's sequence number, None where it has none: nothing is told of it.
            shape: float32 (values,) of norm 1.
        """
        if number is None:
            return False
        which = next((k for k, one in enumerate(self._counters) if one.has(number)), None)
        if which is None:
            self._begin(number, shape)
            return False
        if len(self._counters) == 2:
            own, other = self._counters[which], self._counters[1 - which]
            is_own = _distance(shape, own.usual) < _distance(shape, other.usual)
            self._latest.append((which, is_own))
        self._counters[which].take(number, shape)
        return self._are_two()

    def _begin(self, number: int, shape: np.ndarray) -> None:
        """A counter that is new, in place of the one that was not heard of last."""
        if len(self._counters) == 2:
            last = self._latest[-1][0] if self._latest else 0
            del self._counters[1 - last]
        self._counters.append(_Counter(number, shape))
        self._latest.clear()

    def _are_two(self) -> bool:
        if len(self._latest) < _PACKETS:
            return False
        whose = np.array([which for which, _ in self._latest])
        turns = int(np.count_nonzero(np.diff(whose)))
        each = min(int(whose.sum()), _PACKETS - int(whose.sum()))
        own = sum(is_own for _, is_own in self._latest)
        return each >= _LEAST_EACH and turns >= _LEAST_EACH and own >= _LEAST_OWN_SHARE * _PACKETS


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    difference = one - other
    return float(difference @ difference)
