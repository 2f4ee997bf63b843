# SPDX-License-Identifier: GPL-3.0-or-later
"""From a file's packets to what went on: windows, the model, decisions, one after the other.

The blocks of a flowgraph call the same functions, with messages between them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import BundleError
from .activity import DEFAULT_MIN_CONFIDENCE, MAX_SOURCES, Activity, ActivityDecider
from .model import ActivityModel
from .packet import CsiPacket
from .window_batch import classify_windows
from .windows import CsiFramer, CsiWindow

# Windows that the model is given at once
BATCH = 16


@dataclass
class PacketFacts:
    """What the packets of a file are, counted as they pass.

    ``duration_s``: of their times' steps ahead, so a clock that is set back does not shorten it.
    ``senders``: the first MAX_SOURCES of them. ``shapes``: (antennas, subcarriers), as many.
    """

    packets: int = 0
    duration_s: float = 0.0
    senders: set[str] = field(default_factory=set)
    shapes: set[tuple[int, ...]] = field(default_factory=set)
    _last_ns: int | None = None

    @property
    def rate_hz(self) -> float:
        """Packets per second, over the whole file; 0 if it has no length."""
        return (self.packets - 1) / self.duration_s if self.duration_s else 0.0

    def take(self, packet: CsiPacket) -> None:
        """Count a packet."""
        self.packets += 1
        if self._last_ns is not None:
            self.duration_s += max(packet.time_ns - self._last_ns, 0) * 1e-9
        self._last_ns = packet.time_ns
        for found, new in ((self.senders, packet.mac or ""), (self.shapes, packet.csi.shape)):
            if len(found) < MAX_SOURCES:
                found.add(new)


@dataclass(frozen=True)
class Answer:
    """What went on, and the window that it was told from.

    ``shown``: float32 (rows, columns, antennas), the amplitudes of the time that the answer
    holds for, in dB above each one's median over the window; a row is ``row_s`` long.
    ``clock_cuts``: how often, until the window came, a clock had been set back.
    """

    activity: Activity
    shown: np.ndarray
    row_s: float
    clock_cuts: int


class ActivityClassifier:
    """Tells what went on during a file, answer by answer, with memory that does not grow.

    The answers of a sender follow each other in time and meet, from its first packet to its last
    one: the last answer ends there, and is shorter than the others for it. (Around a pause and
    a clock that was set back, as around any window that is refused, there is no answer for
    three quarters of a second.) Use it for one file.

    Args:
        model: what answers.
        mac: use this sender's packets only; None or empty: all.
        smoothing, min_confidence: as for :class:`.activity.ActivityDecider`.
        mirror_ends: False: no answers before the middle of the first window and after the
            middle of the last one, as live, where what follows is not known.
        batch: windows that the model is given at once; live that is 1.

    Raises:
        UsageError: ``mac`` is no MAC address, a number is outside its range.
    """

    def __init__(
        self,
        model: ActivityModel,
        mac: str | None = None,
        smoothing: int = 1,
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
        mirror_ends: bool = True,
        batch: int = BATCH,
    ):
        self._model = model
        self._spec = model.info.spec
        self._framer = CsiFramer(self._spec, mac, mirror_ends)
        self._decider = ActivityDecider(model.info.class_names, smoothing, min_confidence)
        self._batch = batch
        # The latest time of each sender's packets
        self._ends: OrderedDict[str, int] = OrderedDict()
        self.counts = self._framer.counts
        self.facts = PacketFacts()
        # Windows by whether the model answered them, and why it did not answer the first of those
        self._answered = self._failed = 0
        self._problem = ""

    def answers(self, packets: Iterable[CsiPacket]) -> Iterator[Answer]:
        """The answers to all packets of a file.

        Raises:
            BundleError: the model fails on all of the first windows.
        """
        waiting: list[tuple[CsiWindow, int]] = []
        for packet in packets:
            self._note(packet)
            found = self._framer.push(packet)
            waiting += [(window, self.counts.cuts["clock_back"]) for window in found]
            if len(waiting) >= self._batch:
                yield from self._answer(waiting)
                waiting = []
        found = self._framer.finish()
        waiting += [(window, self.counts.cuts["clock_back"]) for window in found]
        yield from self._answer(waiting)

    @property
    def failed(self) -> int:
        """Windows that the model did not answer."""
        return self._failed

    def failure(self) -> BundleError | None:
        """What to tell of windows on which the model failed; None where it did not."""
        if not self._failed:
            return None
        of = f"{self._failed} of {self._failed + self._answered} windows not classified: "
        return BundleError(
            f"{self._model.info.path}: {of if self._answered else ''}{self._problem}; export it "
            "again or use another"
        )

    def _note(self, packet: CsiPacket) -> None:
        self.facts.take(packet)
        source = packet.mac or ""
        self._ends[source] = max(packet.time_ns, self._ends.get(source, packet.time_ns))
        self._ends.move_to_end(source)
        if len(self._ends) > MAX_SOURCES:
            self._ends.popitem(last=False)

    def _answer(self, waiting: Sequence[tuple[CsiWindow, int]]) -> Iterator[Answer]:
        found = classify_windows(self._model, [window for window, _ in waiting], BATCH)
        for (window, clock_cuts), classified in zip(waiting, found, strict=True):
            if classified.problem:
                self._failed += 1
                self._problem = self._problem or classified.problem
                continue
            self._answered += 1
            is_measured = self.facts.duration_s >= self._spec.duration_s
            activity = self._ended(
                self._decider.decide(classified.probabilities, window, is_measured)
            )
            # a rest shorter than a row is none
            if activity.duration_s * self._spec.rate_hz >= 1:
                yield Answer(activity, self._shown(window), 1 / self._spec.rate_hz, clock_cuts)
        if not self._answered and (failure := self.failure()):
            raise failure

    def _ended(self, activity: Activity) -> Activity:
        """Cut off where the sender's last packet came."""
        end_ns = self._ends.get(activity.source)
        if end_ns is None:
            return activity
        left_s = (end_ns - activity.start_ns) * 1e-9
        return replace(activity, duration_s=min(activity.duration_s, left_s))

    def _shown(self, window: CsiWindow) -> np.ndarray:
        level = 20 * np.log10(np.maximum(window.amplitude, 1e-6))
        level = level - np.median(level, axis=0)
        first = (self._spec.rows - self._spec.hop_rows) // 2
        return level[max(first, 0) : max(first, 0) + self._spec.hop_rows]
