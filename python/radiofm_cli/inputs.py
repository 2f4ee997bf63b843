# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command is given to work on: checked, and worked through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from radiofm_core.errors import BundleError, OutputError, RadiofmError, UsageError

from .console import EXIT_DONE, EXIT_INTERRUPTED, StopRequest, report_error


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


def work_through(inputs: Iterable[str], work: Callable[[str], None], stop: StopRequest) -> int:
    """Do ``work`` on each input and return the exit code: one that fails is told, and does not
    keep the others from being done, unless they would meet the same."""
    worst = EXIT_DONE
    for path in inputs:
        try:
            work(path)
        except RadiofmError as error:
            report_error(error)
            worst = max(worst, error.exit_code)
            if isinstance(error, BundleError | UsageError | OutputError):
                return worst
        if stop.requested:
            return EXIT_INTERRUPTED
    return worst
