# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording of any length reduced to the pixels of a picture, with memory that stays flat."""

from __future__ import annotations

import math

import numpy as np

from ..spectrum.detections import NOISE_CLASS, FrameGeometry

MAX_CELLS = 1600
# In a cell of many rows a class shows when it fills this much of it
MIN_SHARE = 0.2


class Overview:
    """Mean power and class counts of up to ``MAX_CELLS`` stretches of time.

    ``num_samples`` (the recording's length) sets how many rows one cell takes.
    """

    def __init__(self, num_samples: int, cols: int, num_classes: int):
        self._num_samples = num_samples
        self._cols = cols
        self._cell_samples = 0
        self._power = np.zeros((0, cols))
        self._power_rows = np.zeros(0, dtype=np.int64)
        self._counts = np.zeros((0, num_classes, cols), dtype=np.int32)
        self._centers = np.zeros(0)

    @property
    def cells(self) -> int:
        """Stretches of time, from the recording's first sample on."""
        return len(self._power_rows)

    @property
    def cell_samples(self) -> int:
        """Samples in each of them."""
        return self._cell_samples

    def _start(self, row_samples: int) -> None:
        rows = max(self._num_samples // row_samples, 1)
        self._cell_samples = math.ceil(rows / MAX_CELLS) * row_samples
        # Rounded up: the last cell may be cut short, frames after a cut start between rows
        cells = math.ceil(self._num_samples / self._cell_samples)
        num_classes = self._counts.shape[1]
        self._power = np.zeros((cells, self._cols))
        self._power_rows = np.zeros(cells, dtype=np.int64)
        self._counts = np.zeros((cells, num_classes, self._cols), dtype=np.int32)
        self._centers = np.full(cells, np.nan)

    def _cells_of(self, rows: int, geometry: FrameGeometry) -> np.ndarray:
        """The cell of each of a frame's rows: that of the row's middle."""
        if not self._cell_samples:
            self._start(geometry.row_samples)
        middles = geometry.sample_offset + np.arange(rows) * geometry.row_samples
        cells = (middles + geometry.row_samples // 2) // self._cell_samples
        return np.minimum(cells, self.cells - 1)

    def add_power(self, power_db: np.ndarray, geometry: FrameGeometry) -> None:
        """Take a frame's mean power: dB, (rows, cols)."""
        cells = self._cells_of(len(power_db), geometry)
        self._centers[cells] = geometry.center_frequency
        self._power_rows += np.bincount(cells, minlength=self.cells)
        firsts = np.flatnonzero(np.diff(cells, prepend=-1))
        linear = np.exp(power_db * (math.log(10.0) / 10.0))
        self._power[cells[firsts]] += np.add.reduceat(linear, firsts, axis=0)

    def add_mask(self, mask: np.ndarray, geometry: FrameGeometry) -> None:
        """Take a frame's mask: class indexes, (rows, cols)."""
        cells = self._cells_of(len(mask), geometry)
        firsts = np.flatnonzero(np.diff(cells, prepend=-1))
        for index in range(self._counts.shape[1]):
            hits = np.add.reduceat((mask == index).astype(np.int32), firsts, axis=0)
            self._counts[cells[firsts], index] += hits

    def power_db(self) -> np.ndarray:
        """Mean power in dB, (cells, cols); NaN where there was no frame."""
        rows = self._power_rows[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(rows > 0, 10.0 * np.log10(self._power / np.maximum(rows, 1)), np.nan)

    def classes(self) -> np.ndarray:
        """The class that shows in each pixel: uint8 (cells, cols)."""
        if self._counts.shape[0] == 0:
            return np.zeros((0, self._cols), dtype=np.uint8)
        total = self._counts.sum(axis=1)
        signal = self._counts.copy()
        signal[:, NOISE_CLASS] = 0
        best = signal.argmax(axis=1)
        share = np.take_along_axis(signal, best[:, None], axis=1)[:, 0]
        enough = (share > 0) & (share >= MIN_SHARE * total)
        return np.where(enough, best, NOISE_CLASS).astype(np.uint8)

    def stretches(self) -> list[tuple[int, int, float]]:
        """(first cell, end cell, centre frequency in Hz) of each tuning, empty cells left out."""
        found: list[tuple[int, int, float]] = []
        for cell, center in enumerate(self._centers):
            if np.isnan(center):
                continue
            if found and found[-1][1] == cell and found[-1][2] == center:
                found[-1] = (found[-1][0], cell + 1, center)
            else:
                found.append((cell, cell + 1, float(center)))
        return found
