# SPDX-License-Identifier: GPL-3.0-or-later
"""From detections to emissions: one per transmitter that stays, however many frames and bursts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .. import keys
from ..fields import check_numbers, check_present, check_time, check_whole, number_parameter
from .bands import Band, common_share, is_within, stands_out, tolerance
from .detections import UNKNOWN, Detection
from .emissions import Emission

DEFAULT_HOLD_TIME_S = 0.05
DEFAULT_UPDATE_INTERVAL_S = 1.0
# Share of the wider band that must be common when neither band lies within the other
OVERLAP = 0.5
# Hz; a frame of a lower rate is none
LEAST_SAMPLE_RATE = 1.0


class EmissionTracker:
    """Merges the detections of successive frames into emissions.

    A detection belongs to an open emission when their bands are nearly equal, or one lies within
    the other, and no more than ``hold_time`` seconds passed in between: the on-periods of a TDD
    carrier and the bursts of a lightly loaded NR carrier are one emission. What lies in a wider
    band with another label and stands clearly out of it is an emission of its own: Bluetooth over
    Wi-Fi.
    """

    def __init__(
        self,
        hold_time: float = DEFAULT_HOLD_TIME_S,
        update_interval: float = DEFAULT_UPDATE_INTERVAL_S,
    ):
        """``hold_time`` and ``update_interval`` in seconds; raises UsageError below zero."""
        for name, value in (("hold time", hold_time), ("update interval", update_interval)):
            number_parameter(name, value, "s", least=0.0)
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
        ordered = sorted(detections, key=lambda d: (d.start_time, -d.bandwidth))
        for detection in ordered:
            self._place(detection, ordered, sample_rate, events)
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

    def _place(
        self,
        detection: Detection,
        frame: Sequence[Detection],
        sample_rate: float,
        events: list[dict],
    ) -> None:
        mine = [e for e in self._open if self._belongs(detection, e, frame, sample_rate)]
        if not mine:
            emission = Emission(
                burst_id=self._next_id,
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
            # of the oldest that fits, one of its label before others
            emission = next((e for e in mine if e.label == detection.label), mine[0])
            for other in mine:
                if other is not emission and _may_be_same(other, detection):
                    emission.absorb(other)
                    self._open.remove(other)
                    if other.announced:
                        events.append(other.to_event(keys.EVENT_END))
        emission.add(detection, tolerance(emission.band, _band(detection), sample_rate))

    def _belongs(
        self,
        detection: Detection,
        emission: Emission,
        frame: Sequence[Detection],
        sample_rate: float,
    ) -> bool:
        gap = max(
            detection.start_time - emission.end_time, emission.start_time - detection.end_time
        )
        if gap > self.hold_time:
            return False
        band, known = _band(detection), emission.band
        if common_share(band, known) >= OVERLAP:
            return True
        if not is_within(band, known, sample_rate):
            return False
        if detection.label == emission.label:
            return True
        return not (stands_out(band, known) or _is_beside(detection, emission, frame))


def _may_be_same(emission: Emission, detection: Detection) -> bool:
    """Whether an emission in a detection's band can be a part of it: two that are known as
    different ones stay two, though one frame took them for one."""
    return UNKNOWN in (emission.label, detection.label) or emission.label == detection.label


def _is_beside(detection: Detection, emission: Emission, frame: Sequence[Detection]) -> bool:
    """Whether the frame shows the emission in another part of its band than the detection's: then
    that band is too wide, and the detection is none of its pieces."""
    own = [d for d in frame if d.label == emission.label and _shares(d, emission)]
    return bool(own) and not any(_shares(detection, d) for d in own)


def _shares(narrow: Detection, wide: Detection | Emission) -> bool:
    """Whether half of the first one's band lies in the other's."""
    common = min(narrow.high, wide.high) - max(narrow.low, wide.low)
    return common >= OVERLAP * (narrow.high - narrow.low)


def _band(detection: Detection) -> Band:
    return Band(detection.low, detection.high, detection.pwr_db)
