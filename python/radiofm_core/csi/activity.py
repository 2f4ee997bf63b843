# SPDX-License-Identifier: GPL-3.0-or-later
"""From a model's probabilities to what a message or a line says: smoothing, and `unknown`."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

import numpy as np

from ..fields import share_parameter, whole_parameter
from .faults import window_fault
from .motion import motion_db
from .room_floor import USUAL_FLOOR_DB, Floor, RoomFloors
from .stillness import contradicts
from .windows import CsiWindow

UNKNOWN = "unknown"
DEFAULT_MIN_CONFIDENCE = 0.4
# Senders whose last windows are remembered; the one longest silent makes room
MAX_SOURCES = 64
MAX_SMOOTHING = 100


@dataclass(frozen=True)
class Activity:
    """What went on during ``duration_s`` from ``start_ns``: the middle of a window.

    ``label``: a class of the model, or ``unknown`` where ``confidence``, its probability, is too
    low, where it says the contrary of ``motion_probability``, and where the window holds no
    channel. ``probabilities``: by class, smoothed if that is wanted. ``motion_db``: see
    :func:`.motion.motion_db`. ``motion_probability``: that somebody moves, by this level above that
    of the room while it is still, ``floor_db``; it needs no model. ``source``: the sender's MAC,
    or empty.
    """

    label: str
    confidence: float
    probabilities: dict[str, float]
    start_ns: int
    duration_s: float
    motion_db: float
    packet_rate: float
    lost_packets: int
    source: str
    motion_probability: float = 0.5
    floor_db: float = USUAL_FLOOR_DB


class ActivityDecider:
    """Decides window by window.

    A window is seen whole, and what is said of it holds for its middle, as long as one hop: the
    answers to windows one after the other meet without a gap and without overlap.

    Args:
        classes: the model's, in its order.
        smoothing: over how many windows of a sender probabilities are averaged, this one and
            those before it; 1: none. A pause longer than a window begins anew.
        min_confidence: below it the label is ``unknown`` (0..1).

    Raises:
        UsageError: a number outside its range.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        smoothing: int = 1,
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
    ):
        self.classes = tuple(classes)
        self._smoothing = whole_parameter("smoothing", smoothing, 1, MAX_SMOOTHING)
        self.set_min_confidence(min_confidence)
        self._last: OrderedDict[str, deque[tuple[int, np.ndarray]]] = OrderedDict()
        self._floors = RoomFloors()

    def reset(self) -> None:
        """Forget the windows so far (a stream begins)."""
        self._last.clear()
        self._floors.reset()

    def set_min_confidence(self, min_confidence: float) -> None:
        """Change the confidence below which the label is ``unknown``."""
        self._min_confidence = share_parameter("min_confidence", min_confidence)

    def decide(
        self, probabilities: np.ndarray, window: CsiWindow, is_measured: bool = True
    ) -> Activity:
        """The answer to one window; those of a sender come in their order.

        Args:
            probabilities: (classes,), finite.
            window: what they are of.
            is_measured: False where it is mirrored again and again, of a file that is shorter: its
                noise comes again, too, so that its level of motion contradicts no label.
        """
        shares = self._smoothed(np.asarray(probabilities, np.float64), window)
        best = int(shares.argmax())
        confidence = float(shares[best])
        level_db = motion_db(window.amplitude, window.rate_hz, window.received)
        # windows of another program than the framer, too
        fault, _ = window_fault(window.amplitude)
        floor = Floor() if fault else self._floors.take(window, level_db)
        moving = floor.probability(level_db)
        label = self.classes[best]
        is_contrary = is_measured and contradicts(label, moving)
        if fault or confidence < self._min_confidence or is_contrary:
            label = UNKNOWN
        return Activity(
            label=label,
            confidence=confidence,
            probabilities=dict(zip(self.classes, map(float, shares), strict=True)),
            start_ns=window.time_ns + round((window.duration_s - window.hop_s) / 2 * 1e9),
            duration_s=window.hop_s,
            motion_db=level_db,
            packet_rate=window.packet_rate,
            lost_packets=window.lost_packets,
            source=window.source,
            motion_probability=moving,
            floor_db=floor.level_db,
        )

    def _smoothed(self, shares: np.ndarray, window: CsiWindow) -> np.ndarray:
        if self._smoothing == 1:
            return shares
        last = self._last.setdefault(window.source, deque(maxlen=self._smoothing))
        self._last.move_to_end(window.source)
        if len(self._last) > MAX_SOURCES:
            self._last.popitem(last=False)
        if last and not 0 < window.time_ns - last[-1][0] <= window.duration_s * 1e9:
            last.clear()
        last.append((window.time_ns, shares))
        return np.mean([share for _, share in last], axis=0)
