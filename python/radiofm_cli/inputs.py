# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command is given to work on: checked, and worked through."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

from radiofm_core.errors import BundleError, OutputError, RadiofmError, UsageError

from .console import EXIT_DONE, EXIT_INTERRUPTED, StopRequest, report_error


def add_output_options(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """``--out`` and ``--overwrite``."""
    parser.add_argument("--out", required=required, metavar="DIR", help="folder for the results")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace what another input of the same name left in DIR (default: refuse)",
    )


def distinct_inputs(
    inputs: Iterable[str], describe: Callable[[Path], tuple[Path, Path]]
) -> list[str]:
    """The inputs, each once.

    Args:
        inputs: paths, as they were given.
        describe: (the file that an input stands for, one of its results).

    Raises:
        UsageError: two inputs would overwrite each other's results.
    """
    seen: dict[Path, tuple[str, Path]] = {}
    kept = []
    for text in inputs:
        if not Path(text).name:  # no file: told when it is opened
            kept.append(text)
            continue
        file, result = describe(Path(text))
        first, other = seen.setdefault(result, (text, file.resolve()))
        if other != file.resolve():
            raise UsageError(
                f"{first} and {text} would both write {result}; write them into two folders"
            )
    return [*(text for text, _ in seen.values()), *kept]


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
