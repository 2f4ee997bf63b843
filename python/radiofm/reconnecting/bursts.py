# SPDX-License-Identifier: GPL-3.0-or-later
"""When samples are taken, and at which centre frequency: sweeps, and bursts of a slow host."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from radiofm_core.errors import reason_of

from .source_run import SourceRun


@dataclass(frozen=True)
class Dwell:
    """A stay at one centre frequency (Hz; None: where the receiver is), and a rest after it (s)."""

    frequency: float | None
    duration: float
    pause: float = 0.0


@dataclass(frozen=True)
class BurstPlan:
    """Rounds of dwells.

    Args:
        dwells: of one round, in order.
        settle: seconds of samples that are thrown away after each retune.
        every: seconds from the beginning of one round to that of the next; 0: at once.
        is_lossless: the samples of a dwell are all judged: the next one waits until the pipe, which
            holds a dwell, is empty.
    """

    dwells: tuple[Dwell, ...]
    settle: float = 0.0
    every: float = 0.0
    is_lossless: bool = False

    @property
    def longest(self) -> float:
        """The longest dwell, s."""
        return max(dwell.duration for dwell in self.dwells)


@dataclass(frozen=True)
class Burst:
    """Samples that were asked for: from which sample of the pipe's stream on they lie, in which
    round; ``ends_round``: whether the round is over with them."""

    begin: int
    frequency: float
    round: int
    ends_round: bool


class TuneError(Exception):
    """A receiver refuses a centre frequency."""


class BurstRunner:
    """Takes a plan's bursts out of one connection after the other; for one thread.

    Args:
        plan: what to take.
        pipe: where it goes.
        tell: called with each :class:`Burst` that begins.
    """

    def __init__(self, plan: BurstPlan, pipe, tell: Callable[[Burst], None]):
        self._plan, self._pipe, self._tell = plan, pipe, tell
        self._next = 0
        self._round = 1
        self._due = 0.0
        self._round_began = 0.0
        self._run: SourceRun | None = None
        self._is_taking = False
        self._tuned: float | None = None
        # Rounds that began late, as the samples of the one before were not all judged
        self.late = 0
        self._is_late = False

    def step(self, run: SourceRun) -> bool:
        """Begin or end what is due; call it all the time. Whether a burst has come to its end.
        Raises TuneError."""
        now = time.monotonic()
        if run is not self._run:
            # what a lost connection had begun is begun again
            self._run, self._is_taking, self._tuned = run, False, None
        if self._is_taking:
            if run.sink.in_burst():
                return False
            self._is_taking = False
            self._rest(now)
            return True
        if now < self._due:
            return False
        if self._plan.is_lossless and self._pipe.waiting():
            self.late += not self._is_late
            self._is_late = True
            return False
        self._is_late = False
        self._begin(run, now)
        return False

    def _begin(self, run: SourceRun, now: float) -> None:
        dwell, live = self._plan.dwells[self._next], run.live
        frequency = live.center_frequency if dwell.frequency is None else dwell.frequency
        if self._next == 0:
            self._round_began = now
        settle = 0.0
        if dwell.frequency is not None and frequency != self._tuned:
            try:
                live.tune(frequency)
            except (RuntimeError, ValueError) as error:
                reason = reason_of(error)
                raise TuneError(f"it cannot be tuned to {frequency:.12g} Hz ({reason})") from error
            settle = self._plan.settle
        self._tuned = frequency
        ends_round = self._next == len(self._plan.dwells) - 1
        self._tell(Burst(self._pipe.pushed(), frequency, self._round, ends_round))
        rate = live.sample_rate
        length = max(1, _whole(dwell.duration * rate))
        run.sink.begin_burst(frequency, _whole(settle * rate), length)
        self._is_taking = True

    def _rest(self, now: float) -> None:
        self._due = now + self._plan.dwells[self._next].pause
        self._next += 1
        if self._next == len(self._plan.dwells):
            self._next = 0
            self._round += 1
            self._due = max(self._due, self._round_began + self._plan.every)


def _whole(samples: float) -> int:
    """A number of samples, of which there are never so many."""
    return round(min(samples, 2.0**62))
