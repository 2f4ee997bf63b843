# SPDX-License-Identifier: GPL-3.0-or-later
"""The last minute of a spectrum as rows of equal duration: level and class of each bin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..spectrum.detections import FrameGeometry

# A level is one byte: dB = LEAST_DB + LEVEL_STEP_DB x level
LEAST_DB, LEVEL_STEP_DB = -160.0, 0.64
# The class of a bin for which there was no mask (yet)
UNSEEN = 255
# The history that a full ring has at least, and its rows: of 5 to 10 ms then
HISTORY_S = 60.0
ROWS = 12_000
_NO_ROW = np.iinfo(np.int64).min


def level_of(power_db):
    """The level (uint8) of a power in dB (a number or an array)."""
    steps = np.asarray(power_db, np.float32) * np.float32(1 / LEVEL_STEP_DB)
    steps += np.float32(0.5 - LEAST_DB / LEVEL_STEP_DB)
    # fmax: of not a number the other one
    return np.fmin(np.fmax(steps, np.float32(0)), np.float32(255)).astype(np.uint8)


def rank_of(classes: np.ndarray) -> np.ndarray:
    """The ranks of classes (uint8): of those that share a place the highest shows. Signals are
    above noise, and noise is above what was not looked at."""
    return classes + np.uint8(1)  # from 255 to 0


def class_of(ranks: np.ndarray) -> np.ndarray:
    """The inverse of :func:`rank_of`."""
    return ranks - np.uint8(1)


@dataclass(frozen=True)
class Rows:
    """Some rows of a waterfall: copies, oldest first.

    ``numbers`` (n): row k begins at k x the row's duration, in seconds of the source's clock.
    ``levels``, ``classes`` (n, cols) uint8; ``centers``, ``rates`` (n): Hz, S/s, of the tuning.
    """

    numbers: np.ndarray
    levels: np.ndarray
    classes: np.ndarray
    centers: np.ndarray
    rates: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)


class Waterfall:
    """A ring of rows. Not locked: :class:`.spectrum_state.SpectrumState` is.

    A row holds the peak power of all rows of frames whose middle lies within it, and for each bin
    a class of signal that was there, so that the shortest burst shows.

    The rows are as short as a frame's at first, so that a recording of some milliseconds is seen in
    full detail. When they fill the ring before it holds ``history``, pairs of them become one.
    """

    def __init__(
        self, cols: int, row_duration: float, history: float = HISTORY_S, size: int = ROWS
    ):
        """``row_duration``, at first, and ``history`` in seconds; raises UsageError for no row."""
        if not (0 < row_duration < math.inf and 0 < history < math.inf and cols >= 1 and size >= 2):
            raise UsageError(
                f"expected rows and a history longer than 0 s, got {row_duration!r} and {history!r}"
            )
        self.row_duration = row_duration
        self.cols = cols
        self._history = history
        self._numbers = np.full(size, _NO_ROW)
        self._levels = np.zeros((size, cols), np.uint8)
        self._classes = np.full((size, cols), UNSEEN, np.uint8)
        self._centers = np.zeros(size)
        self._rates = np.zeros(size)
        # when a row's levels and its classes changed last
        self._changes = np.zeros((2, size), np.int64)
        self._version = 0
        self._newest: int | None = None
        self._oldest: int | None = None

    @property
    def size(self) -> int:
        """Rows that it keeps."""
        return len(self._numbers)

    @property
    def newest(self) -> int | None:
        """The number of the newest row, or None without any."""
        return self._newest

    @property
    def oldest(self) -> int | None:
        """The number of the oldest row that may be there, or None without any."""
        if self._newest is None:
            return None
        return max(self._oldest, self._newest - self.size + 1)

    @property
    def end(self) -> float:
        """Seconds at which the newest row ends; minus infinity without any."""
        return -math.inf if self._newest is None else (self._newest + 1) * self.row_duration

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._version

    def clear(self) -> None:
        """Forget all rows."""
        self._numbers[:] = _NO_ROW
        self._newest = None
        self._version += 1

    def add_power(self, power_db: np.ndarray, geometry: FrameGeometry) -> None:
        """Take a frame's power: dB, (rows, cols). A clock that was set back begins anew."""
        numbers, firsts = self._groups(len(power_db), geometry)
        if self._newest is not None and numbers[0] < self._newest - self.size // 2:
            self.clear()
        while self._is_outgrown(numbers):
            self._coarsen()
            numbers, firsts = self._groups(len(power_db), geometry)
        levels = np.maximum.reduceat(level_of(power_db), firsts, axis=0)
        places = numbers % self.size
        # what a frame before it has of its first row
        same = self._numbers[places] == numbers
        same &= self._centers[places] == geometry.center_frequency
        same &= self._rates[places] == geometry.sample_rate
        levels[same] = np.maximum(levels[same], self._levels[places[same]])
        self._numbers[places] = numbers
        self._levels[places] = levels
        self._classes[places[~same]] = UNSEEN
        self._centers[places] = geometry.center_frequency
        self._rates[places] = geometry.sample_rate
        self._mark(0, places)
        self._mark(1, places[~same])
        if self._newest is None:
            self._oldest = self._newest = int(numbers[0])
        self._newest = max(self._newest, int(numbers[-1]))

    def add_mask(self, mask: np.ndarray, geometry: FrameGeometry) -> None:
        """Take a frame's mask: class indexes, (rows, cols). Rows that are gone are left out."""
        numbers, firsts = self._groups(len(mask), geometry)
        places = numbers % self.size
        there = self._numbers[places] == numbers
        if not there.any():
            return
        ranks = np.maximum.reduceat(rank_of(mask), firsts, axis=0)[there]
        places = places[there]
        self._classes[places] = class_of(np.maximum(ranks, rank_of(self._classes[places])))
        self._mark(1, places)

    def rows(self, first: int, count: int) -> Rows:
        """Those of the rows ``first`` to ``first + count - 1`` that are there."""
        if self._newest is None or count < 1:
            return self._rows_at(np.zeros(0, np.int64))
        wanted = np.arange(max(first, self.oldest), min(first + count, self._newest + 1))
        places = wanted % self.size
        return self._rows_at(places[self._numbers[places] == wanted])

    def rows_of(self, numbers: np.ndarray) -> Rows:
        """Those of the rows with these numbers, ascending, that are there."""
        if self._newest is None:
            return self._rows_at(np.zeros(0, np.int64))
        places = numbers % self.size
        return self._rows_at(places[self._numbers[places] == numbers])

    def changed_numbers(self, version: int) -> np.ndarray:
        """Numbers of the rows that changed after ``version``, in no order; 0 gives all."""
        changed = (self._changes[0] > version) | (self._changes[1] > version)
        return self._numbers[changed & (self._numbers != _NO_ROW)]

    def first_change(self, version: int) -> int | None:
        """The number of the oldest row that changed after ``version``, or None for no change."""
        changed = (self._changes > version).any(axis=0) & (self._numbers != _NO_ROW)
        return int(self._numbers[changed].min()) if changed.any() else None

    def _is_outgrown(self, numbers: np.ndarray) -> bool:
        oldest = numbers[0] if self._newest is None else self._oldest
        full = numbers[-1] - oldest >= self.size
        return bool(full) and self.size * self.row_duration < self._history

    def _coarsen(self) -> None:
        """Make one row of each two."""
        self.row_duration *= 2
        self._version += 1
        if self._newest is None:
            return
        places = np.flatnonzero(self._numbers != _NO_ROW)
        old = self._rows_at(places[np.argsort(self._numbers[places])])
        numbers = old.numbers // 2
        firsts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        lasts = np.append(firsts[1:], len(numbers)) - 1
        self._numbers[:] = _NO_ROW
        self._classes[:] = UNSEEN
        places = numbers[firsts] % self.size
        self._numbers[places] = numbers[firsts]
        self._levels[places] = np.maximum(old.levels[firsts], old.levels[lasts])
        ranks = np.maximum(rank_of(old.classes[firsts]), rank_of(old.classes[lasts]))
        self._classes[places] = class_of(ranks)
        self._centers[places] = old.centers[lasts]
        self._rates[places] = old.rates[lasts]
        self._changes[:, places] = self._version
        self._newest //= 2
        self._oldest //= 2

    def _rows_at(self, places: np.ndarray) -> Rows:
        return Rows(
            self._numbers[places],
            self._levels[places],
            self._classes[places],
            self._centers[places],
            self._rates[places],
        )

    def _mark(self, what: int, places: np.ndarray) -> None:
        self._version += 1
        self._changes[what, places] = self._version

    def _groups(self, rows: int, geometry: FrameGeometry) -> tuple[np.ndarray, np.ndarray]:
        """(numbers of the waterfall's rows, the first of a frame's rows in each); of a frame that
        is longer than the history its end."""
        middles = (np.arange(rows) + 0.5) * geometry.row_duration
        seconds, fraction = geometry.rx_time
        # in two parts: a time since 1970 in one double leaves no room for the rows
        whole = math.floor(seconds / self.row_duration)
        rest = seconds - whole * self.row_duration + fraction
        numbers = whole + np.floor((rest + middles) / self.row_duration).astype(np.int64)
        firsts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))[-self.size :]
        return numbers[firsts], firsts
