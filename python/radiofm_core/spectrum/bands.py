# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two bands are that of one emission, in frames and over frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Edges are the same when they differ by no more than this part of the wider band, or of the span
EDGE_TOLERANCE = 0.1
SPAN_TOLERANCE = 0.01
# What stands so far out of a wider band that it lies in (dB, by power per Hz) is no part of it:
# Bluetooth over Wi-Fi
STANDS_OUT_DB = 6.0


@dataclass(frozen=True)
class Band:
    """Edges in Hz; ``pwr_db`` the power in it while it is on."""

    low: float
    high: float
    pwr_db: float

    @property
    def width(self) -> float:
        """Hz."""
        return self.high - self.low

    @property
    def density_db(self) -> float:
        """Power per Hz."""
        return self.pwr_db - 10.0 * math.log10(max(self.width, 1.0))


def tolerance(a: Band, b: Band, sample_rate: float) -> float:
    """Hz by which the edges of one band may differ."""
    return max(EDGE_TOLERANCE * max(a.width, b.width), SPAN_TOLERANCE * sample_rate)


def common_share(a: Band, b: Band) -> float:
    """Share of the wider band that is common to both, 0 to 1."""
    common = min(a.high, b.high) - max(a.low, b.low)
    return max(common, 0.0) / max(a.width, b.width, 1e-30)


def is_within(a: Band, b: Band, sample_rate: float) -> bool:
    """Whether the narrower band lies in the wider one, or sticks out by the tolerance only."""
    common = min(a.high, b.high) - max(a.low, b.low)
    return common > 0 and common >= min(a.width, b.width) - tolerance(a, b, sample_rate)


def stands_out(a: Band, b: Band) -> bool:
    """Whether the narrower of two bands is clearly stronger, by power per Hz."""
    narrow, wide = (a, b) if a.width <= b.width else (b, a)
    return narrow.density_db - wide.density_db >= STANDS_OUT_DB
