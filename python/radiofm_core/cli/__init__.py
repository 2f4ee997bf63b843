# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``radiofm`` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        # Imported here, so that Ctrl-C while this takes its half second ends in one line too
        from .command import run
    except KeyboardInterrupt:
        print("radiofm: error: stopped", file=sys.stderr)
        return 130
    return run(arguments)
