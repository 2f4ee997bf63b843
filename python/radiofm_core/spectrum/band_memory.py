# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of each band from the frames before, so that labels do not flicker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .bands import Band, common_share, is_within, stands_out
from .detections import FrameGeometry
from .emission_statistics import EmissionStatistics

# What was seen counts less as time goes by: by 1/e after so many seconds of signal
DECAY_S = 0.2
# What is left after so many times that is forgotten
FORGET_DECAYS = 5.0
# Bands are equal when so much of the wider one is common to both
EQUAL_SHARE = 0.7
# Bands that are kept, those seen last
MAX_BANDS = 128


@dataclass(eq=False)
class _Known:
    """``seen``: seconds; ``is_taken``: by an emission of the newest frame."""

    band: Band
    statistics: EmissionStatistics
    seen: float
    is_taken: bool = False


class BandMemory:
    """Adds up the statistics of the emissions in each band, frame by frame, in order.

    A retune, another sample rate and a gap in the samples end all memory. Frames that are only
    lost on their way (``sample_offset`` and ``rx_time`` go on alike) do not.
    """

    def __init__(self, decay_s: float = DECAY_S):
        self._decay_s = decay_s
        self.forget()

    def forget(self) -> None:
        """As at the start of a recording."""
        self._known: list[_Known] = []
        self._last: FrameGeometry | None = None

    def add(
        self,
        bands: Sequence[Band],
        statistics: Sequence[EmissionStatistics],
        geometry: FrameGeometry,
    ) -> list[EmissionStatistics]:
        """Take a frame's emissions; return what is known of the band of each.

        Args:
            bands: of each emission.
            statistics: of each, in this frame.
            geometry: of the frame.
        """
        now = self._advance(geometry)
        widest_first = sorted(range(len(bands)), key=lambda i: -bands[i].width)
        places: dict[int, _Known] = {}
        # each has what is its own before a wider or narrower one takes it
        free = list(self._known)
        for index in widest_first:
            found = _most_alike(bands[index], free)
            if found is not None:
                places[index] = found
                free.remove(found)
        for index in widest_first:
            if index not in places:
                found = self._around(bands[index], free, geometry.sample_rate)
                if found is not None:
                    places[index] = found
        for index, band in enumerate(bands):
            if index in places:
                place = places[index]
                place.band = _wider(place.band, band)
                place.statistics = place.statistics + statistics[index]
                place.seen = now
            else:
                places[index] = _Known(band, statistics[index], now)
                self._known.append(places[index])
        self._known = sorted(self._known, key=lambda known: -known.seen)[:MAX_BANDS]
        return [places[index].statistics for index in range(len(bands))]

    def _advance(self, geometry: FrameGeometry) -> float:
        """Let time go by up to a frame; return its time in seconds."""
        last, self._last = self._last, geometry
        if last is not None and not _goes_on(last, geometry):
            self.forget()
            self._last, last = geometry, None
        elapsed = 0.0
        if last is not None:
            elapsed = (geometry.sample_offset - last.sample_offset) / geometry.sample_rate
        now = geometry.sample_offset / geometry.sample_rate
        share = math.exp(-elapsed / self._decay_s)
        kept = [k for k in self._known if now - k.seen <= FORGET_DECAYS * self._decay_s]
        for known in kept:
            known.statistics = known.statistics.faded(share)
            known.is_taken = False
        self._known = kept
        return now

    def _around(self, band: Band, free: list[_Known], sample_rate: float) -> _Known | None:
        """What is known of bands around this one or within it, as one; `free` is left without
        those that are gone."""
        found = [
            known
            for known in free
            if is_within(band, known.band, sample_rate) and not stands_out(band, known.band)
        ]
        if not found:
            return None
        found.sort(key=lambda known: -known.band.width)
        first = found[0]
        for other in found[1:]:
            # another emission of this frame has it
            if other.is_taken:
                continue
            first.statistics = first.statistics + other.statistics
            free.remove(other)
            self._known.remove(other)
        first.is_taken = True
        return first


def _most_alike(band: Band, free: list[_Known]) -> _Known | None:
    """What is known of the band that is most like this one, if one is about equal."""
    best = max(free, key=lambda known: common_share(band, known.band), default=None)
    if best is None or common_share(band, best.band) < EQUAL_SHARE:
        return None
    return best


def _goes_on(last: FrameGeometry, frame: FrameGeometry) -> bool:
    """Whether a frame is of the same reception as the one before: same tuning, and its samples
    come when they are due."""
    if (last.center_frequency, last.sample_rate) != (frame.center_frequency, frame.sample_rate):
        return False
    samples = frame.sample_offset - last.sample_offset
    seconds = (frame.rx_time[0] - last.rx_time[0]) + (frame.rx_time[1] - last.rx_time[1])
    late = abs(seconds - samples / frame.sample_rate)
    return samples > 0 and late <= frame.row_duration


def _wider(old: Band, new: Band) -> Band:
    """The wider of two bands: the narrower one is a part of it. Of equal ones, the new one."""
    return old if old.width > new.width else new
