# SPDX-License-Identifier: GPL-3.0-or-later
"""When an emission is on the air: its bursts, from the masks of the whole recording."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .. import keys
from ..spectrum.detections import NOISE_CLASS, FrameGeometry

# On the air for less than this share of its duration, an emission is told burst by burst
CONTINUOUS_SHARE = 0.9
# A shorter pause does not end a burst (rows)
LEAST_PAUSE_ROWS = 3
# An emission is on in a row in which its class fills so much of its band: the narrow
# synchronisation block of an NR carrier counts
ON_SHARE = 0.125
# A burst that fills its emission's band but for this share of it at an edge has its edges
EDGE_SHARE = 0.1
# Bursts of a recording: more would make its description slow to open. 25 s of a TDD carrier of
# two bursts in 5 ms
MAX_BURSTS = 10_000


@dataclass(frozen=True)
class Burst:
    """Samples [start, stop) of the data; edges in Hz, absolute."""

    start: int
    stop: int
    low_hz: float
    high_hz: float


@dataclass(frozen=True)
class Pauses:
    """Of an emission that is not on all the time.

    ``active_s``: seconds on the air. ``bursts``: by start; none where there are too many.
    """

    active_s: float
    bursts: tuple[Burst, ...]


def find_pauses(
    frames: Iterable[tuple[np.ndarray, FrameGeometry]],
    emissions: Iterable[dict],
    classes: tuple[str, ...],
    max_bursts: int = MAX_BURSTS,
) -> dict[int, Pauses]:
    """The pauses of those emissions that have any, by their place among ``emissions``.

    Args:
        frames: masks, uint8 (rows, cols), in order.
        emissions: by start, keys as in messages.
        classes: names in mask order. In frames without an emission's own class in its band, each
            class but noise counts.
        max_bursts: of all emissions together; those that end first have theirs.
    """
    waiting = enumerate(emissions)
    upcoming = next(waiting, None)
    running: list[_Track] = []
    found: dict[int, Pauses] = {}
    left = max_bursts

    def close(tracks: list[_Track]) -> None:
        nonlocal left
        for track in tracks:
            pauses = track.finish(left)
            if pauses is not None:
                found[track.index] = pauses
                left -= len(pauses.bursts)

    for mask, geometry in frames:
        end = geometry.sample_offset + len(mask) * geometry.row_samples
        while upcoming is not None and upcoming[1][keys.START_OFFSET] < end:
            running.append(_Track(*upcoming, classes))
            upcoming = next(waiting, None)
        for track in running:
            track.add(mask, geometry, left)
        close([track for track in running if track.stop <= end])
        running = [track for track in running if track.stop > end]
    close(running)
    return found


@dataclass
class _OpenBurst:
    """A burst that may go on: in ``counts[c]`` of ``rows`` rows column ``first + c`` was on."""

    start: int
    stop: int
    geometry: FrameGeometry
    first: int
    rows: int
    counts: np.ndarray


class _Track:
    """One emission's rows, frame by frame."""

    def __init__(self, index: int, emission: dict, classes: tuple[str, ...]):
        self.index = index
        self.start, self.stop = int(emission[keys.START_OFFSET]), int(emission[keys.END_OFFSET])
        center, width = emission[keys.CENTER_FREQUENCY], emission[keys.BANDWIDTH]
        self._low, self._high = center - width / 2, center + width / 2
        label = emission[keys.LABEL]
        self._class = classes.index(label) if label in classes else None
        self._bursts: list[Burst] = []
        self._too_many = False
        self._open: _OpenBurst | None = None
        self._on_s = 0.0
        self._on_samples = 0

    def add(self, mask: np.ndarray, geometry: FrameGeometry, left: int) -> None:
        """Take a frame's mask; up to ``left`` bursts are kept."""
        step, offset = geometry.row_samples, geometry.sample_offset
        # rows whose middles lie in the emission
        first = max(-((offset + step // 2 - self.start) // step), 0)
        last = min(-((offset + step // 2 - self.stop) // step), len(mask))
        columns = self._columns(geometry)
        if first >= last or columns.start >= columns.stop:
            return
        part = mask[first:last, columns]
        on = part == self._class
        if not on.any():
            # unknown as a whole, or judged to be something else in this frame alone
            on = part != NOISE_CLASS
        needed = max(ON_SHARE * on.shape[1], 1)
        rows = np.flatnonzero(np.count_nonzero(on, axis=1) >= needed)
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > LEAST_PAUSE_ROWS) + 1):
            if not len(run):
                continue
            start, stop = (offset + (first + int(row)) * step for row in (run[0], run[-1] + 1))
            counts = np.count_nonzero(on[run], axis=0)
            if not self._goes_on(start, geometry):
                self._close(left)
                self._open = _OpenBurst(start, stop, geometry, columns.start, 0, 0 * counts)
            self._open.stop = stop
            self._open.rows += len(run)
            self._open.counts += counts

    def _columns(self, geometry: FrameGeometry) -> slice:
        """The columns whose middles lie in the band, the nearest one of a narrower band; empty
        where the receiver was elsewhere."""
        middle, width = geometry.cols // 2, geometry.bin_width
        low = (self._low - geometry.center_frequency) / width + middle
        high = (self._high - geometry.center_frequency) / width + middle
        first, last = math.ceil(low), math.floor(high) + 1
        if first >= last:
            first = round((low + high) / 2)
            last = first + 1
        return slice(max(first, 0), max(min(last, geometry.cols), 0))

    def _goes_on(self, start: int, geometry: FrameGeometry) -> bool:
        """Whether rows from sample ``start`` on belong to the open burst."""
        burst = self._open
        return (
            burst is not None
            and start - burst.stop < LEAST_PAUSE_ROWS * geometry.row_samples
            and burst.geometry.center_frequency == geometry.center_frequency
        )

    def _close(self, left: int) -> None:
        burst, self._open = self._open, None
        if burst is None:
            return
        start, stop = max(burst.start, self.start), min(burst.stop, self.stop)
        self._on_samples += stop - start
        self._on_s += (stop - start) / burst.geometry.sample_rate
        if not self._too_many:
            self._bursts.append(Burst(start, stop, *self._edges(burst)))
        if len(self._bursts) > left:
            # kept no longer: memory must not grow with the recording
            self._too_many, self._bursts = True, []

    def _edges(self, burst: _OpenBurst) -> tuple[float, float]:
        """(lowest, highest Hz): the emission's, which are the mean of many frames, but where the
        burst is clearly narrower."""
        low, high = self._low, self._high
        used = np.flatnonzero(2 * burst.counts >= burst.rows)
        most = EDGE_SHARE * len(burst.counts)
        if len(used) and used[0] > most:
            low = burst.geometry.edge_frequency(burst.first + int(used[0]))
        if len(used) and len(burst.counts) - 1 - used[-1] > most:
            high = burst.geometry.edge_frequency(burst.first + int(used[-1]) + 1)
        return low, high

    def finish(self, left: int) -> Pauses | None:
        """What was found; None where there was no pause, or nothing at all."""
        self._close(left)
        if not 0 < self._on_samples < CONTINUOUS_SHARE * (self.stop - self.start):
            return None
        return Pauses(self._on_s, tuple(self._bursts) if len(self._bursts) <= left else ())
