# SPDX-License-Identifier: GPL-3.0-or-later
"""The captures of a recording from what its file tells: in order, each with a time and a centre."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from .found import Segment
from .recording import Capture


def make_captures(
    segments: Sequence[Segment], rate: float, center_frequency: float | None
) -> tuple[Capture, ...]:
    """Captures in data order; one without a time or a frequency continues the one before it.

    Args:
        segments: in order; of those that start at one sample the last counts.
        rate: S/s.
        center_frequency: Hz, in place of the segments' own; None for those.
    """
    exact_rate = Fraction(rate)
    found: list[tuple[int, float, Fraction, int]] = []
    center, last, time = 0.0, 0, Fraction(0)
    for item in segments:
        time += (item.sample_start - last) / exact_rate
        last = item.sample_start
        if item.time is not None:
            time = item.time
        if item.center_frequency is not None:
            center = item.center_frequency
        header_bytes = item.header_bytes
        if found and found[-1][0] == last:
            header_bytes += found.pop()[3]
        used = center if center_frequency is None else center_frequency
        found.append((last, used, time, header_bytes))
    # Samples before the first capture: its frequency, its time counted backwards
    start, center, time, header_bytes = found[0]
    found[0] = (0, center, max(time - start / exact_rate, Fraction(0)), header_bytes)
    return tuple(_capture(*fields) for fields in found)


def _capture(start: int, center: float, time: Fraction, header_bytes: int) -> Capture:
    seconds = math.floor(time)
    # Just below a whole second a double could round up to 1.0
    fraction = min(float(time - seconds), math.nextafter(1.0, 0.0))
    return Capture(start, float(center), seconds, fraction, header_bytes)
