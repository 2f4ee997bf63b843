# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers out of JSON and Python: which of them can be computed with."""

from __future__ import annotations

import math


def finite_number(value: object) -> float | None:
    """An int's or float's value; None of anything else, of NaN, and beyond a float's range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
