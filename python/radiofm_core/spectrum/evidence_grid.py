# SPDX-License-Identifier: GPL-3.0-or-later
"""How evidence (:mod:`.evidence`) is taken at each sample rate, in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .spec import CELL_COLS, SpectrogramSpec

# Lags from here on: samples of before the frame count, and the clocks differ (s)
LONG_LAG_S = 1e-3
# Samples of a transform; from WIDE_RATE (S/s) on, 3.2 us are WIDE samples
WIDE_RATE, WIDE, NARROW = 20e6, 64, 32
# From which sample rate on (S/s) only every how manieth transform is compared: there are more
# samples than it takes to be sure
STRIDES = ((8e6, 2), (40e6, 4))
# What neighbouring bins of a Hann window have of their energy in common
BIN_OVERLAP = 4 / 9


@dataclass(frozen=True)
class EvidenceGrid:
    """How evidence is taken at one sample rate and row length.

    ``points`` of a transform, one every ``points / 2`` samples; of these every ``stride``-th is
    compared; ``cell_hops`` transforms begin in a cell.
    """

    points: int
    stride: int
    cell_hops: int
    sample_rate: float

    @classmethod
    def of(cls, spec: SpectrogramSpec, sample_rate: float, hops_per_row: int) -> EvidenceGrid:
        """For frames of ``hops_per_row`` at ``sample_rate`` (S/s)."""
        points = WIDE if sample_rate >= WIDE_RATE else NARROW
        stride = max((taken for least, taken in STRIDES if sample_rate >= least), default=1)
        samples = spec.row_multiple * spec.row_samples(hops_per_row)
        return cls(points, stride, samples // (points // 2), sample_rate)

    @property
    def hop(self) -> int:
        """Samples between two transforms."""
        return self.points // 2

    def is_judged(self, lag_s: float) -> bool:
        """Whether the lag is long enough that a transform does not meet itself."""
        return lag_s * self.sample_rate >= self.points

    def hops(self, lag_s: float) -> int:
        """Transforms between the two that are compared."""
        return math.floor(lag_s * self.sample_rate / self.hop + 0.5)

    def turns(self, lag_s: float) -> float:
        """Turns by bin that are missing to the lag: of bin k, k times this."""
        return (self.hops(lag_s) * self.hop - lag_s * self.sample_rate) / self.points

    @property
    def compared(self) -> int:
        """Transforms of a cell that are compared."""
        return self.cell_hops // self.stride

    @property
    def looks(self) -> float:
        """How many independent samples a cell's coherence is made of, about."""
        bins = self.points // CELL_COLS
        return self.compared * bins / (1 + BIN_OVERLAP * (bins > 1))


def memory_samples(spec: SpectrogramSpec, sample_rate: float) -> int:
    """Samples of before a frame that its evidence can use."""
    return math.ceil(max(spec.evidence_lags, default=0.0) * sample_rate) + 64
