# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours in a terminal."""

from __future__ import annotations

import os


def use_color(stream) -> bool:
    """Whether to colour what goes to ``stream``."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def colored(text: str, color: str) -> str:
    """``text`` in a colour ``#rrggbb`` for a terminal."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"\x1b[38;2;{red};{green};{blue}m{text}\x1b[0m"
