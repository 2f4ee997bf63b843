# SPDX-License-Identifier: GPL-3.0-or-later
"""One packet on the columns of a window, with its level and its shape over frequency."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Measured:
    """A packet on the spec's columns.

    ``values``: float32 (columns, channels); the first ``antennas`` channels are amplitudes.
    ``time_ns`` counts from the stream's first packet; ``lost``: packets missing before it.
    ``is_own``: received, not mirrored; ``says_nothing``: see :class:`.faults.Repeats`.
    ``level_db``: root sum of squares; ``shape``: float32 (columns * antennas,) of norm 1.
    """

    time_ns: int
    values: np.ndarray
    antennas: int
    lost: int = 0
    is_outlier: bool = False
    gain_steps: int = 0
    is_own: bool = True
    says_nothing: bool = False
    level_db: float = field(init=False)
    shape: np.ndarray = field(init=False)

    def __post_init__(self):
        amplitude = self.values[:, : self.antennas].reshape(-1)
        norm = max(norm_of(amplitude), 1e-30)
        self.level_db = 20 * float(np.log10(norm))
        self.shape = amplitude / norm

    def turn_from(self, other: Measured) -> float:
        """Distance of the shapes: the angle between them (radians) for small ones."""
        return norm_of(self.shape - other.shape)

    def amplify(self, gain_db: float) -> None:
        """Change the gain of what was measured; the values become a copy."""
        self.values = self.values.copy()
        self.values[:, : self.antennas] *= 10 ** (gain_db / 20)
        self.level_db += gain_db


def norm_of(vector: np.ndarray) -> float:
    """Root sum of squares of (n,)."""
    return float(np.sqrt(vector @ vector))
