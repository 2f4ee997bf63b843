# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what a command is given to work on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import UsageError


def refuse_same_results(
    inputs: Iterable[str],
    result_of: Callable[[Path], Path],
    identity: Callable[[Path], Path] = lambda path: path,
) -> None:
    """Raise UsageError where two inputs would overwrite each other's results.

    Args:
        inputs: paths, as they were given.
        result_of: one of an input's results.
        identity: the same for inputs that are one and the same.
    """
    seen: dict[Path, str] = {}
    for text in inputs:
        path = Path(text)
        result = result_of(path)
        if result in seen and identity(Path(seen[result])) != identity(path):
            raise UsageError(
                f"{seen[result]} and {text} would both write {result}; write them into two folders"
            )
        seen[result] = text
