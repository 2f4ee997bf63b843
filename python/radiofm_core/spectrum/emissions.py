# SPDX-License-Identifier: GPL-3.0-or-later
"""An emission: what is known of one transmission over time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from .. import keys
from .bands import Band
from .detections import UNKNOWN, Detection, Evidence, evidence_fields
from .edge import Edge

# Lags of which evidence is kept; a foreign message may hold any number
MAX_EVIDENCE = 32
# Steps in which edges are kept, within their tolerance
EDGE_STEPS = 4


@dataclass
class _Weight:
    """Confidences, weighted by the seconds for which they hold."""

    sum: float = 0.0
    time: float = 0.0

    def add(self, confidence: float, time: float) -> None:
        self.sum += confidence * time
        self.time += time

    @property
    def mean(self) -> float:
        return self.sum / max(self.time, 1e-30)


def _clearness(evidence: Evidence) -> float:
    return evidence.coherence / max(evidence.floor, 1e-30)


@dataclass
class Emission:
    """A transmission over time: the bursts in one band, with short gaps.

    ``label`` is that of the most weight (confidence x time on the air), ``unknown`` only if there
    is no other; so is the subcarrier spacing. Of each lag the clearest evidence is kept.

    ``active_time`` (s) is the time on the air between start and end, ``bursts`` how many
    detections it consists of; both count a carrier that runs over frames' edges once per frame.
    """

    burst_id: int
    low: float
    high: float
    start_time: float
    end_time: float
    start_offset: int
    end_offset: int
    active_time: float = 0.0
    bursts: int = 0
    merged_into: int | None = None
    last_update: float = 0.0
    announced: bool = False
    _lows: Edge = field(default_factory=lambda: Edge(-1))
    _highs: Edge = field(default_factory=lambda: Edge(1))
    _labels: dict[str, _Weight] = field(default_factory=lambda: defaultdict(_Weight))
    _spacings: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    _evidence: dict[float, Evidence] = field(default_factory=dict)
    _power: float = 0.0
    _snr: float = 0.0

    @property
    def label(self) -> str:
        """A class's name, or ``unknown``."""
        known = [name for name in self._labels if name != UNKNOWN]
        return max(known, key=lambda name: self._labels[name].sum, default=UNKNOWN)

    @property
    def confidence(self) -> float:
        """Mean confidence of the detections with this label, weighted by duration."""
        return self._labels[self.label].mean

    @property
    def subcarrier_spacing(self) -> float | None:
        """Hz; None where it is not known."""
        return max(self._spacings, key=self._spacings.__getitem__, default=None)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The clearest first."""
        return tuple(sorted(self._evidence.values(), key=_clearness, reverse=True))

    @property
    def band(self) -> Band:
        """Its edges and power."""
        return Band(self.low, self.high, self.pwr_db)

    @property
    def pwr_db(self) -> float:
        """Mean power while on, dB (0: a full-scale tone)."""
        return 10.0 * math.log10(max(self._power / max(self._weight, 1e-30), 1e-30))

    @property
    def snr_db(self) -> float:
        """Mean SNR while on, dB."""
        return 10.0 * math.log10(max(self._snr / max(self._weight, 1e-30), 1e-30))

    @property
    def _weight(self) -> float:
        return self.active_time

    def add(self, detection: Detection, tolerance_hz: float) -> None:
        """Take a detection in: widen or sharpen the band, extend the time, average the rest.

        ``tolerance_hz``: edges that are so near to each other are the same."""
        weight = detection.duration
        for edge, hertz in ((self._lows, detection.low), (self._highs, detection.high)):
            edge.add(hertz, weight, tolerance_hz / EDGE_STEPS)
        self.low, self.high = (edge.value(tolerance_hz) for edge in (self._lows, self._highs))
        overlap = max(self.end_time - max(detection.start_time, self.start_time), 0.0)
        self.start_time = min(self.start_time, detection.start_time)
        self.end_time = max(self.end_time, detection.end_time)
        self.start_offset = min(self.start_offset, detection.start_offset)
        self.end_offset = max(self.end_offset, detection.end_offset)
        fresh = max(weight - min(overlap, weight), 1e-3 * weight)
        self.active_time += fresh
        self.bursts += 1
        self._labels[detection.label].add(detection.confidence, fresh)
        if detection.subcarrier_spacing is not None:
            self._spacings[detection.subcarrier_spacing] += fresh * detection.confidence
        self._keep_evidence(detection.evidence)
        self._power += fresh * 10.0 ** (detection.pwr_db / 10.0)
        self._snr += fresh * 10.0 ** (detection.snr_db / 10.0)

    def absorb(self, other: Emission) -> None:
        """Take over another emission that turned out to be the same one."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self._lows.absorb(other._lows)
        self._highs.absorb(other._highs)
        self.start_time = min(self.start_time, other.start_time)
        self.end_time = max(self.end_time, other.end_time)
        self.start_offset = min(self.start_offset, other.start_offset)
        self.end_offset = max(self.end_offset, other.end_offset)
        self.active_time += other.active_time
        self.bursts += other.bursts
        for label, weight in other._labels.items():
            self._labels[label].add(weight.mean, weight.time)
        for spacing, weight in other._spacings.items():
            self._spacings[spacing] += weight
        self._keep_evidence(other.evidence)
        self._power += other._power
        self._snr += other._snr
        other.merged_into = self.burst_id

    def _keep_evidence(self, evidence: Iterable[Evidence]) -> None:
        for each in evidence:
            best = self._evidence.get(each.lag)
            if best is None and len(self._evidence) >= MAX_EVIDENCE:
                continue
            if best is None or _clearness(each) > _clearness(best):
                self._evidence[each.lag] = each

    def to_event(self, event: str) -> dict:
        """Its message: a detection's keys, ``event``, ``burst_id``, ``active_time``, ``bursts``."""
        duration = self.end_time - self.start_time
        fields = {
            keys.EVENT: event,
            keys.BURST_ID: self.burst_id,
            keys.LABEL: self.label,
            keys.CONFIDENCE: self.confidence,
            keys.CENTER_FREQUENCY: (self.low + self.high) / 2,
            keys.BANDWIDTH: self.high - self.low,
            keys.START_TIME: self.start_time,
            keys.DURATION: duration,
            keys.START_OFFSET: self.start_offset,
            keys.END_OFFSET: self.end_offset,
            keys.SNR_DB: self.snr_db,
            keys.PWR_DB: self.pwr_db,
            keys.ACTIVE_TIME: min(self.active_time, duration),
            keys.BURSTS: self.bursts,
            **evidence_fields(self.subcarrier_spacing, self.evidence),
        }
        if self.merged_into is not None:
            fields[keys.MERGED_INTO] = self.merged_into
        return fields
