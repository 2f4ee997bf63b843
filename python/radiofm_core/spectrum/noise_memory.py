# SPDX-License-Identifier: GPL-3.0-or-later
"""What a few rows at the end of a stream hold is compared with the frame before: they show a model
too little of the noise to know a receiver's floor from an emission."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .detections import FrameGeometry

# A frame of fewer rows than this share of those before it is short
SHORT_SHARE = 0.5
# A column shows its noise where so much of it is of no emission
NOISE_SHARE = 0.9
# ... and a band where so many of its columns do
KNOWN_SHARE = 0.8
# An emission rises above the noise of before by this much (dB), or it is that noise
LEAST_RISE_DB = 1.0


@dataclass(frozen=True)
class FrameLevels:
    """Mean levels (dB) of a frame: ``of_noise`` (cols,), NaN where a column does not show its
    noise; ``of_groups``, for each emission the first column of its band, the one past the last, and
    the level within it while it is on; ``rows`` of the frame."""

    of_noise: np.ndarray
    of_groups: list[tuple[int, int, float]]
    rows: int

    @classmethod
    def measure(cls, group_of: np.ndarray, groups: int, power_db: np.ndarray) -> FrameLevels:
        """From the group of each pixel (-1: none) and its power, (rows, cols) each."""
        free = group_of < 0
        level = power_db.mean(axis=0)
        of_noise = np.where(free.mean(axis=0) >= NOISE_SHARE, level, np.nan)
        of_groups = []
        for group in range(groups):
            own = group_of == group
            rows, cols = own.any(1), np.flatnonzero(own.any(0))
            low, high = int(cols[0]), int(cols[-1]) + 1
            of_groups.append((low, high, float(power_db[rows, low:high].mean())))
        return cls(of_noise, of_groups, len(power_db))


class NoiseMemory:
    """Remembers the noise of the frame before, of the same stream."""

    def __init__(self):
        self.forget()

    def forget(self) -> None:
        """As at the start of a recording."""
        self._levels: FrameLevels | None = None
        self._geometry: FrameGeometry | None = None

    def add(self, levels: FrameLevels, geometry: FrameGeometry) -> list[bool]:
        """Take a frame; return for each of its emissions whether it is the noise of the frame
        before: only of a short frame that follows on at once."""
        before, last = self._levels, self._geometry
        self._levels, self._geometry = levels, geometry
        if before is None or last is None or levels.rows >= SHORT_SHARE * before.rows:
            return [False] * len(levels.of_groups)
        follows = (
            geometry.sample_offset == last.sample_offset + before.rows * last.row_samples
            and geometry.row_samples == last.row_samples
            and geometry.sample_rate == last.sample_rate
            and geometry.center_frequency == last.center_frequency
        )
        return [
            follows and _is_noise(before.of_noise[low:high], level)
            for low, high, level in levels.of_groups
        ]


def _is_noise(noise_db: np.ndarray, level_db: float) -> bool:
    known = np.isfinite(noise_db)
    if known.mean() < KNOWN_SHARE:
        return False
    return level_db - float(noise_db[known].mean()) < LEAST_RISE_DB
