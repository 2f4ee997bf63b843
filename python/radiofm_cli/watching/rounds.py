# SPDX-License-Identifier: GPL-3.0-or-later
"""What each round of a sweep found, by centre frequency."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import NamedTuple

from radiofm_core import keys
from radiofm_core.outputs.units import display_name

# After a round's last frame its emissions are still on their way (s)
DELIVERY_S = 1.0


class Stay(NamedTuple):
    """At one centre frequency (Hz): the frames that were judged, emissions by label."""

    frequency: float
    frames: int
    found: Counter[str]

    def words(self) -> str:
        """``796 MHz 1 LTE``."""
        named = ", ".join(f"{n} {display_name(label)}" for label, n in self.found.most_common())
        what = named or ("nothing" if self.frames else "no frame")
        return f"{self.frequency / 1e6:.6g} MHz {what}"


class Round(NamedTuple):
    """All centre frequencies once, in order."""

    number: int
    stays: tuple[Stay, ...]

    def words(self) -> str:
        """A line."""
        return f"round {self.number}: " + "; ".join(stay.words() for stay in self.stays)


class Rounds:
    """Counts emissions by the burst that their samples are of; for one thread.

    A burst has ``begin`` (its first sample in the stream), ``frequency`` (Hz), ``round`` and
    ``ends_round``.
    """

    def __init__(self):
        self._bursts: deque = deque()
        self._frames: Counter[int] = Counter()
        self._found: dict[int, Counter[str]] = {}
        # Rounds whose last burst has begun, and when those that are judged came to their end
        self._ends: deque[int] = deque()
        self._over: dict[int, float] = {}

    def begin(self, burst) -> None:
        """Samples of a burst are taken from now on."""
        self._bursts.append(burst)
        if burst.ends_round:
            self._ends.append(burst.round)
        self._found[burst.begin] = Counter()

    def burst_at(self, offset: int):
        """The burst that a sample is of; None of one long ago."""
        return next((burst for burst in reversed(self._bursts) if burst.begin <= offset), None)

    def take(self, port: str, fields: dict) -> None:
        """A message on ``detections`` or ``emissions``."""
        if port == keys.PORT_DETECTIONS:
            self._take_frame(fields)
        elif port == keys.PORT_EMISSIONS:
            burst = self.burst_at(fields[keys.START_OFFSET])
            is_one = fields[keys.EVENT] == keys.EVENT_END and keys.MERGED_INTO not in fields
            if burst is not None and is_one:
                self._found[burst.begin][fields[keys.LABEL]] += 1

    def over(self) -> Iterator[Round]:
        """Each round that is over, and has not been told yet."""
        while self._over:
            number = min(self._over)
            if time.monotonic() < self._over[number] + DELIVERY_S:
                return
            del self._over[number]
            yield Round(number, tuple(self._stays(number)))

    def _take_frame(self, fields: dict) -> None:
        burst = self.burst_at(fields[keys.SAMPLE_OFFSET])
        if burst is None:
            return
        self._frames[burst.begin] += 1
        over = burst.round if burst.ends_round and fields[keys.LAST] else burst.round - 1
        while self._ends and self._ends[0] <= over:
            self._over[self._ends.popleft()] = time.monotonic()

    def _stays(self, number: int) -> Iterator[Stay]:
        while self._bursts and self._bursts[0].round <= number:
            burst = self._bursts.popleft()
            found, frames = self._found.pop(burst.begin), self._frames.pop(burst.begin, 0)
            if burst.round == number:
                yield Stay(burst.frequency, frames, found)
