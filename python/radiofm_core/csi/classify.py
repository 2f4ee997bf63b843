# SPDX-License-Identifier: GPL-3.0-or-later
"""From a file's packets to what went on: windows, the model, decisions, one after the other."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from ..errors import BundleError
from .activity import (
    DEFAULT_MIN_CONFIDENCE,
    MAX_SOURCES,
    Activity,
    ActivityDecider,
    WindowFacts,
    fault_of,
)
from .model import ActivityModel
from .motion import motion_db
from .packet import CsiPacket
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

    Raises:
        UsageError: ``mac`` is no MAC address, a number is outside its range.
    """

    def __init__(
        self,
        model: ActivityModel,
        mac: str | None = None,
        smoothing: int = 1,
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
    ):
        self._model = model
        self._spec = model.info.spec
        self._framer = CsiFramer(self._spec, mac, mirror_ends=True)
        self._decider = ActivityDecider(model.info.class_names, smoothing, min_confidence)
        # The latest time of each sender's packets
        self._ends: OrderedDict[str, int] = OrderedDict()
        self.counts = self._framer.counts
        self.facts = PacketFacts()

    def answers(self, packets: Iterable[CsiPacket]) -> Iterator[Answer]:
        """The answers to all packets of a file.

        Raises:
            BundleError: the model fails on a window.
        """
        waiting: list[tuple[CsiWindow, int]] = []
        for packet in packets:
            self._note(packet)
            found = self._framer.push(packet)
            waiting += [(window, self.counts.cuts["clock_back"]) for window in found]
            if len(waiting) >= BATCH:
                yield from self._answer(waiting)
                waiting = []
        found = self._framer.finish()
        waiting += [(window, self.counts.cuts["clock_back"]) for window in found]
        yield from self._answer(waiting)

    def _note(self, packet: CsiPacket) -> None:
        self.facts.take(packet)
        source = packet.mac or ""
        self._ends[source] = max(packet.time_ns, self._ends.get(source, packet.time_ns))
        self._ends.move_to_end(source)
        if len(self._ends) > MAX_SOURCES:
            self._ends.popitem(last=False)

    def _answer(self, waiting: Sequence[tuple[CsiWindow, int]]) -> Iterator[Answer]:
        shares: dict[int, np.ndarray] = {}
        # a model takes windows of one shape at a time
        kinds = [(*window.values.shape, window.antennas) for window, _ in waiting]
        order = sorted(range(len(waiting)), key=kinds.__getitem__)
        for _, group in groupby(order, key=kinds.__getitem__):
            places = list(group)
            for first in range(0, len(places), BATCH):
                some = places[first : first + BATCH]
                found = self._probabilities([waiting[place][0] for place in some])
                shares.update(zip(some, found, strict=True))
        for place, (window, clock_cuts) in enumerate(waiting):
            activity = self._ended(self._decide(shares[place], window))
            # a rest shorter than a row is none
            if activity.duration_s * self._spec.rate_hz >= 1:
                yield Answer(activity, self._shown(window), 1 / self._spec.rate_hz, clock_cuts)

    def _probabilities(self, windows: Sequence[CsiWindow]) -> np.ndarray:
        """float32 (windows, classes) for windows of one kind."""
        info = self._model.info
        values = np.stack([window.values for window in windows])
        try:
            found = self._model.classify(values, windows[0].antennas)
        except RuntimeError as error:  # what TorchScript raises for all that goes wrong inside
            reason = str(error).strip().splitlines()[-1][:160]
            raise BundleError(
                f"{info.path}: the model fails on windows of shape {values.shape[1:]} ({reason}); "
                "export it again or use another"
            ) from error
        is_right = found.shape == (len(windows), len(info.classes))
        if not is_right or any(map(fault_of, found)):
            raise BundleError(
                f"{info.path}: the model gave no probabilities of its {len(info.classes)} classes; "
                "export it again or use another"
            )
        return found

    def _decide(self, shares: np.ndarray, window: CsiWindow) -> Activity:
        facts = WindowFacts(
            time_ns=window.time_ns,
            duration_s=window.duration_s,
            hop_s=self._spec.hop_s,
            motion_db=motion_db(window.amplitude, self._spec.rate_hz),
            packet_rate=window.packet_rate,
            lost_packets=window.lost_packets,
            source=window.source,
        )
        return self._decider.decide(shares, facts)

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
