# SPDX-License-Identifier: GPL-3.0-or-later
"""An event as a line of JSON, as all that send JSON write it."""

from __future__ import annotations

import json
from collections.abc import Mapping


def event_json(event: Mapping) -> bytes:
    """UTF-8, without a line end."""
    return json.dumps(event, separators=(", ", ": "), allow_nan=False).encode()


def event_line(event: Mapping) -> bytes:
    """The same with its line end."""
    return event_json(event) + b"\n"
