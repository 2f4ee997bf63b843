# SPDX-License-Identifier: GPL-3.0-or-later
"""A message's fields as JSON."""

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
    return json.dumps(json_fields(fields, decimals), separators=(", ", ": "))


def json_fields(fields: Mapping, decimals: Mapping[str, int | None]) -> dict:
    """The same as a dict of what JSON knows."""
    ordered = [key for key in decimals if key in fields]
    ordered += [key for key in fields if key not in decimals]
    return {key: _rounded(fields[key], decimals.get(key)) for key in ordered}


def _rounded(value, decimals: int | None):
    if isinstance(value, Mapping):
        return {key: _rounded(each, decimals) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each, decimals) for each in value]
    if isinstance(value, float):
        kept = _USUAL_DECIMALS if decimals is None else decimals
        return round(value, kept) if math.isfinite(value) else None
    return value
