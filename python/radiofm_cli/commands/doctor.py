# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm doctor``: whether this installation works, and what to do where it does not."""

from __future__ import annotations

import argparse

from ..checks import CHECKS, Outcome
from ..console import EXIT_DONE, EXIT_FAILED, stop_on_signal

HELP = "check this installation"
DESCRIPTION = "Check each part of this installation and say how to fix what does not work."
_MARKS = {Outcome.GOOD: "ok     ", Outcome.OPTIONAL: "missing", Outcome.BAD: "FAULT  "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This command has no options of its own."""


def run(options: argparse.Namespace) -> int:
    """Print a line for each check; fail if a needed part is at fault."""
    faults = 0
    with stop_on_signal() as stop:
        for name, check in CHECKS:
            with stop.held():
                outcome, text = check()
            faults += outcome is Outcome.BAD
            print(f"{_MARKS[outcome]}  {name:<14}  {text}", flush=True)
    if faults:
        print(f"{faults} fault{'s' if faults > 1 else ''} found")
        return EXIT_FAILED
    print("no faults found")
    return EXIT_DONE
