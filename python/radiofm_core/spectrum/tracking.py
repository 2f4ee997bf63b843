# SPDX-License-Identifier: GPL-3.0-or-later
"""From detections to emissions: one per transmitter that stays, however many frames and bursts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .. import keys
from ..errors import UsageError
from ..fields import check_numbers, check_present, check_time, check_whole
from .detections import Detection

DEFAULT_HOLD_TIME_S = 0.05
DEFAULT_UPDATE_INTERVAL_S = 1.0
# Edges are the same when they differ by no more than this part of the wider band, or of the span
EDGE_TOLERANCE = 0.1
SPAN_TOLERANCE = 0.01
# Hz; a frame of a lower rate is none
LEAST_SAMPLE_RATE = 1.0
# Share of the wider band that must be common when neither band lies within the other
OVERLAP = 0.5


@dataclass
class Emission:
    """A transmission over time: the bursts of one label in one band, with short gaps.

    ``active_time`` (s) is the time on the air between start and end, ``bursts`` how many
    detections it consists of; both count a carrier that runs over frames' edges once per frame.
    """

    burst_id: int
    label: str
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
    _edge_weight: float = 0.0
    _confidence: float = 0.0
    _power: float = 0.0
    _snr: float = 0.0

    @property
    def confidence(self) -> float:
        """Mean confidence, weighted by duration."""
        return self._confidence / max(self._weight, 1e-30)

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

    def add(self, detection: Detection, tolerance: float) -> None:
        """Take a detection in: widen or sharpen the band, extend the time, average the rest."""
        weight = detection.duration
        low_off, high_off = detection.low - self.low, detection.high - self.high
        if abs(low_off) <= tolerance and abs(high_off) <= tolerance:
            share = weight / max(self._edge_weight + weight, 1e-30)
            self.low += share * low_off
            self.high += share * high_off
            self._edge_weight += weight
        elif low_off < -tolerance or high_off > tolerance:
            self.low, self.high = min(self.low, detection.low), max(self.high, detection.high)
            self._edge_weight = weight
        overlap = max(self.end_time - max(detection.start_time, self.start_time), 0.0)
        self.start_time = min(self.start_time, detection.start_time)
        self.end_time = max(self.end_time, detection.end_time)
        self.start_offset = min(self.start_offset, detection.start_offset)
        self.end_offset = max(self.end_offset, detection.end_offset)
        fresh = max(weight - min(overlap, weight), 1e-3 * weight)
        self.active_time += fresh
        self.bursts += 1
        self._confidence += fresh * detection.confidence
        self._power += fresh * 10.0 ** (detection.pwr_db / 10.0)
        self._snr += fresh * 10.0 ** (detection.snr_db / 10.0)

    def absorb(self, other: Emission) -> None:
        """Take over another emission that turned out to be the same one."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self._edge_weight = max(self._edge_weight, other._edge_weight)
        self.start_time = min(self.start_time, other.start_time)
        self.end_time = max(self.end_time, other.end_time)
        self.start_offset = min(self.start_offset, other.start_offset)
        self.end_offset = max(self.end_offset, other.end_offset)
        self.active_time += other.active_time
        self.bursts += other.bursts
        self._confidence += other._confidence
        self._power += other._power
        self._snr += other._snr
        other.merged_into = self.burst_id

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
        }
        if self.merged_into is not None:
            fields[keys.MERGED_INTO] = self.merged_into
        return fields


class EmissionTracker:
    """Merges the detections of successive frames into emissions.

    A detection belongs to an open emission of the same label when their bands are nearly equal,
    or one lies within the other, and no more than ``hold_time`` seconds passed in between: the
    on-periods of a TDD carrier and the bursts of a lightly loaded NR carrier are one emission.
    """

    def __init__(
        self,
        hold_time: float = DEFAULT_HOLD_TIME_S,
        update_interval: float = DEFAULT_UPDATE_INTERVAL_S,
    ):
        """``hold_time`` and ``update_interval`` in seconds; raises UsageError below zero."""
        for name, value in (("hold time", hold_time), ("update interval", update_interval)):
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{name}: expected 0 s or more, got {value!r}")
        self.hold_time = float(hold_time)
        self.update_interval = float(update_interval)
        self._open: list[Emission] = []
        self._next_id = 0

    @property
    def open_emissions(self) -> tuple[Emission, ...]:
        """Those not ended yet, oldest first."""
        return tuple(self._open)

    def process(
        self, detections: Iterable[Detection], frame_end_time: float, sample_rate: float
    ) -> list[dict]:
        """Take one frame's detections; return the events that follow, oldest first.

        Args:
            detections: of one frame.
            frame_end_time: seconds, where the frame ends: what was last seen more than
                ``hold_time`` before ends.
            sample_rate: Hz, of the frame.
        """
        events: list[dict] = []
        for detection in sorted(detections, key=lambda d: (d.start_time, -d.bandwidth)):
            self._place(detection, sample_rate, events)
        for emission in self._open:
            if not emission.announced:
                emission.announced = True
                emission.last_update = frame_end_time
                events.append(emission.to_event(keys.EVENT_START))
            elif frame_end_time - emission.last_update >= self.update_interval:
                emission.last_update = frame_end_time
                events.append(emission.to_event(keys.EVENT_UPDATE))
        # nothing ends after its frame does, unless the time was set back since
        events += self._end(lambda e: abs(frame_end_time - e.end_time) > self.hold_time)
        return events

    def process_frame(self, frame: Mapping, detections: Iterable[Detection]) -> list[dict]:
        """:meth:`process` for a frame's dict; raises InputError if it tells no time."""
        check_present(frame, (keys.RX_TIME, keys.ROWS, keys.ROW_SAMPLES, keys.SAMPLE_RATE))
        check_time(frame, keys.RX_TIME)
        check_whole(frame, (keys.ROWS, keys.ROW_SAMPLES))
        check_numbers(frame, (keys.SAMPLE_RATE,), least=LEAST_SAMPLE_RATE)
        seconds, fraction = frame[keys.RX_TIME]
        length = frame[keys.ROWS] * frame[keys.ROW_SAMPLES] / frame[keys.SAMPLE_RATE]
        return self.process(detections, seconds + (fraction + length), frame[keys.SAMPLE_RATE])

    def finish(self) -> list[dict]:
        """End what is open: the end of the recording or of the flowgraph."""
        return self._end(lambda _: True)

    def _end(self, is_over) -> list[dict]:
        over = [e for e in self._open if is_over(e)]
        if over:
            self._open = [e for e in self._open if not is_over(e)]
        return [e.to_event(keys.EVENT_END) for e in over]

    def _place(self, detection: Detection, sample_rate: float, events: list[dict]) -> None:
        mine = [e for e in self._open if self._belongs(detection, e, sample_rate)]
        if not mine:
            emission = Emission(
                burst_id=self._next_id,
                label=detection.label,
                low=detection.low,
                high=detection.high,
                start_time=detection.start_time,
                end_time=detection.start_time,
                start_offset=detection.start_offset,
                end_offset=detection.end_offset,
            )
            self._next_id += 1
            self._open.append(emission)
        else:
            emission = mine[0]
            for other in mine[1:]:
                emission.absorb(other)
                self._open.remove(other)
                if other.announced:
                    events.append(other.to_event(keys.EVENT_END))
        emission.add(detection, _tolerance(emission, detection, sample_rate))

    def _belongs(self, detection: Detection, emission: Emission, sample_rate: float) -> bool:
        gap = max(
            detection.start_time - emission.end_time, emission.start_time - detection.end_time
        )
        if detection.label != emission.label or gap > self.hold_time:
            return False
        common = min(detection.high, emission.high) - max(detection.low, emission.low)
        wider = max(detection.bandwidth, emission.high - emission.low)
        narrower = min(detection.bandwidth, emission.high - emission.low)
        tolerance = _tolerance(emission, detection, sample_rate)
        return common > 0 and (common >= narrower - tolerance or common >= OVERLAP * wider)


def _tolerance(emission: Emission, detection: Detection, sample_rate: float) -> float:
    wider = max(detection.bandwidth, emission.high - emission.low)
    return max(EDGE_TOLERANCE * wider, SPAN_TOLERANCE * sample_rate)
