# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a file's answers for its picture and table, with memory that stays flat."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from ..csi.activity import Activity
from ..csi.classify import Answer

# More are finer than a picture's pixels
MAX_COLUMNS = 2048
MAX_MOMENTS = 8192
# Senders that a picture and a table can show; of further ones there are lines alone
MAX_SENDERS = 16
# The longest runs that are kept of each sender
MAX_RUNS = 32
# A pause longer than this is a jump of the clock, and is left out of pictures and tables (s)
LONGEST_PAUSE_S = 3600.0
# Answers closer than this meet (s)
JOINED_S = 1e-3

Item = TypeVar("Item")


class Thinned(Generic[Item]):
    """Items that come one after the other: all, then every second, fourth ... one of them."""

    def __init__(self, limit: int):
        self._limit = limit
        self._seen = 0
        self.items: list[Item] = []
        # Each item stands for so many
        self.stride = 1

    def add(self, item: Item) -> None:
        """Take the next item."""
        if self._seen % self.stride == 0:
            self.items.append(item)
        self._seen += 1
        if len(self.items) >= self._limit:
            del self.items[1::2]
            self.stride *= 2


@dataclass(frozen=True)
class Moment:
    """An answer, placed in the picture: ``start_s`` from its left edge on."""

    start_s: float
    duration_s: float
    label: str
    confidence: float
    motion_db: float


@dataclass
class Run:
    """Answers of one label, one after the other. ``confidence`` and ``motion_db`` are means."""

    source: str
    label: str
    start_s: float
    end_s: float
    confidence: float
    motion_db: float

    @property
    def duration_s(self) -> float:
        """From start to end."""
        return self.end_s - self.start_s

    def takes(self, moment: Moment) -> bool:
        """Whether a moment goes on with this run."""
        return moment.label == self.label and abs(moment.start_s - self.end_s) < JOINED_S

    def add(self, moment: Moment) -> None:
        """Go on with a moment."""
        end_s = moment.start_s + moment.duration_s
        share = moment.duration_s / max(end_s - self.start_s, 1e-9)
        self.confidence += share * (moment.confidence - self.confidence)
        self.motion_db += share * (moment.motion_db - self.motion_db)
        self.end_s = end_s


class SenderRecord:
    """One sender's answers, thinned out.

    ``moments``: the answers. ``columns``: (start in s, float16 (columns,) in dB): single rows of
    what the answers' windows hold, the mean over the antennas, each ``column_s`` long before
    thinning. ``seconds``: by label. ``num_runs``: all of them. ``breaks``: where (s) the clock
    jumped and the picture goes on without a gap.
    """

    def __init__(self, source: str, origin_ns: int):
        self.source = source
        self.count = 0
        self.moments: Thinned[Moment] = Thinned(MAX_MOMENTS)
        self.columns: Thinned[tuple[float, np.ndarray]] = Thinned(MAX_COLUMNS)
        self.column_s = 0.0
        self.seconds: Counter[str] = Counter()
        self.breaks: list[float] = []
        self.end_s = 0.0
        self._shift_ns = -origin_ns
        self._clock_cuts = 0
        self._runs: list[Run] = []
        self._run: Run | None = None
        self.num_runs = 0

    def add(self, answer: Answer) -> None:
        """Take the next answer of this sender."""
        activity = answer.activity
        start_s = self._place(activity, answer.clock_cuts)
        moment = Moment(
            start_s, activity.duration_s, activity.label, activity.confidence, activity.motion_db
        )
        self.count += 1
        self.end_s = max(self.end_s, start_s + activity.duration_s)
        self.moments.add(moment)
        self.seconds[activity.label] += activity.duration_s
        self._add_to_run(moment)
        self.column_s = answer.row_s
        level = answer.shown.mean(axis=-1).astype(np.float16)
        for row in range(min(len(level), round(activity.duration_s / answer.row_s))):
            self.columns.add((start_s + row * answer.row_s, level[row].copy()))

    def runs(self) -> Iterator[Run]:
        """The longest runs, in no order."""
        yield from self._runs
        if self._run is not None:
            yield self._run

    def _place(self, activity: Activity, clock_cuts: int) -> float:
        """Where an answer starts (s); after a jump of the clock, where the one before it ended."""
        start_s = (activity.start_ns + self._shift_ns) / 1e9
        went_back = clock_cuts > self._clock_cuts and start_s < self.end_s - JOINED_S
        if self.count and (went_back or start_s > self.end_s + LONGEST_PAUSE_S):
            self._clock_cuts = clock_cuts
            self._shift_ns = round(self.end_s * 1e9) - activity.start_ns
            if len(self.breaks) < MAX_RUNS:
                self.breaks.append(self.end_s)
            start_s = self.end_s
        return start_s

    def _add_to_run(self, moment: Moment) -> None:
        if self._run is not None and self._run.takes(moment):
            self._run.add(moment)
            return
        if self._run is not None:
            self._runs.append(self._run)
        self.num_runs += 1
        end_s = moment.start_s + moment.duration_s
        self._run = Run(
            self.source, moment.label, moment.start_s, end_s, moment.confidence, moment.motion_db
        )
        if len(self._runs) >= 2 * MAX_RUNS:
            self._runs = heapq.nlargest(MAX_RUNS, self._runs, key=lambda run: run.duration_s)


class ActivityRecord:
    """The record of each sender of a file."""

    def __init__(self):
        self._senders: dict[str, SenderRecord] = {}
        self._origin_ns: int | None = None
        self.count = 0

    def add(self, answer: Answer) -> None:
        """Take the next answer."""
        self.count += 1
        source = answer.activity.source
        if self._origin_ns is None:
            self._origin_ns = answer.activity.start_ns
        if source not in self._senders and len(self._senders) < MAX_SENDERS:
            self._senders[source] = SenderRecord(source, self._origin_ns)
        if source in self._senders:
            self._senders[source].add(answer)

    @property
    def end_s(self) -> float:
        """Where the last answer ends, from the first one's start on."""
        return max((sender.end_s for sender in self._senders.values()), default=0.0)

    @property
    def num_runs(self) -> int:
        """How many runs there are."""
        return sum(sender.num_runs for sender in self._senders.values())

    def senders(self) -> list[SenderRecord]:
        """Those with the most answers first."""
        return sorted(self._senders.values(), key=lambda sender: -sender.count)

    def longest_runs(self, limit: int) -> list[Run]:
        """Up to ``limit`` (at most MAX_RUNS), by their start."""
        runs = [run for sender in self._senders.values() for run in sender.runs()]
        longest = heapq.nlargest(min(limit, MAX_RUNS), runs, key=lambda run: run.duration_s)
        return sorted(longest, key=lambda run: run.start_s)
