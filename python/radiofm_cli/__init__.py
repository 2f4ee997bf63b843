# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``radiofm`` command."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    stops: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: stops.append(number))
    # Takes half a second. Ctrl-C waits for its end: an import may swallow what a signal raises
    from .command import run

    signal.signal(signal.SIGINT, before)
    if stops:
        print("radiofm: error: stopped", file=sys.stderr)
        return 130
    return run(arguments)
