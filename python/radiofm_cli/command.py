# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments and exit codes of ``radiofm``; each command is a module beside this one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from radiofm_core.errors import RadiofmError
from radiofm_core.version import __version__

from .commands import (
    activity,
    bench,
    doctor,
    events,
    keys,
    models,
    segment,
    sensor,
    serve,
    table,
    view,
    watch,
)
from .config_file import parse_arguments
from .console import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_NO_READER,
    EXIT_USAGE,
    Stopped,
    close_output,
    flush_output,
    report_error,
)

EPILOG = (
    "exit codes: 0 done; 1 failed; 2 wrong usage or input (one line says which); "
    "130 stopped by Ctrl-C, results so far are written; 141 ended early, nobody reads the output"
)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str):
        text = " ".join(message.split())
        self.exit(EXIT_USAGE, f"{self.prog}: error: {text}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = _Parser(
        prog="radiofm",
        description="Detect LTE, NR and other signals in recordings and live spectrum, and "
        "classify human activity from Wi-Fi CSI.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"radiofm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (
        segment,
        table,
        watch,
        view,
        activity,
        sensor,
        serve,
        keys,
        events,
        models,
        doctor,
        bench,
    ):
        name = module.__name__.rpartition(".")[2]
        command = commands.add_parser(
            name, help=module.HELP, description=module.DESCRIPTION, epilog=EPILOG
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises but SystemExit from argparse."""
    try:
        try:
            return _run(arguments)
        finally:
            flush_output()
    except BrokenPipeError:
        # The reader of our output has gone (`radiofm watch | head`), which is no fault of ours
        close_output()
        return EXIT_NO_READER


def _run(arguments: Sequence[str] | None) -> int:
    try:
        given = sys.argv[1:] if arguments is None else arguments
        options = parse_arguments(build_parser(), given)
        return EXIT_DONE if options is None else options.run(options)
    except RadiofmError as error:
        report_error(error)
        return error.exit_code
    except (KeyboardInterrupt, Stopped):
        report_error("stopped")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        raise
    except MemoryError:
        report_error("out of memory; close other programs or lower --threads")
        return EXIT_FAILED
    except Exception as error:
        if os.environ.get("RADIOFM_DEBUG"):
            raise
        text = " ".join(str(error).split())
        report_error(
            f"unexpected {type(error).__name__}: {text}; please report it with the traceback "
            "that RADIOFM_DEBUG=1 prints"
        )
        return EXIT_FAILED
