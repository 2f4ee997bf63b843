# SPDX-License-Identifier: GPL-3.0-or-later
"""A message's fields as a line of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

# For what has no decimals of its own
_USUAL_DECIMALS = 9


def json_line(fields: Mapping, decimals: Mapping[str, int | None]) -> str:
    """A line without its end; NaN and Inf become null.

    Args:
        fields: the message.
        decimals: by key, how many are kept: more would pretend a precision that nothing has. The
            order of these keys is the line's; other keys follow.
    """
    ordered = [key for key in decimals if key in fields]
    ordered += [key for key in fields if key not in decimals]
    rounded = {key: _rounded(fields[key], decimals.get(key)) for key in ordered}
    return json.dumps(rounded, separators=(", ", ": "))


def _rounded(value, decimals: int | None):
    if isinstance(value, Mapping):
        return {key: _rounded(each, decimals) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each, decimals) for each in value]
    if isinstance(value, float):
        kept = _USUAL_DECIMALS if decimals is None else decimals
        return round(value, kept) if math.isfinite(value) else None
    return value
