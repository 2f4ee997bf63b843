# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that nobody catches, in one line on the console instead of a traceback.

GNU Radio Companion's programs catch nothing: what a block says of a wrong parameter would be the
last of some 25 lines. In a Qt program a wrong value that is typed while it runs would end it; with
a hook, PyQt5 goes on after the line.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
from collections.abc import Callable, Iterator
from types import TracebackType

from radiofm_core.errors import RadiofmError, reason_of

from .elsewhere import WHERE, missing

# Set to anything, it shows the traceback, too
DEBUG = "RADIOFM_DEBUG"
# Lines of a generated program: one that makes a block of ours or calls a block's setter, and one
# that opens a receiver
_OWN_BLOCK = re.compile(r"self\.(\w+)(?:\s*=\s*radiofm\.\w+\(|\.set_\w+\()")
_RECEIVER = re.compile(r"self\.(\w+)\s*=\s*(?:soapy\.source|uhd\.usrp_source|osmosdr\.source)\(")


def show_in_one_line() -> None:
    """From now on; an exception that is none of these goes to the hook that is there."""
    if not hasattr(sys.excepthook, "shows_radiofm_errors"):
        sys.excepthook = _hook_before(sys.excepthook)


def error_line(error: BaseException, traceback: TracebackType | None) -> str:
    """What to show in place of the traceback: ``error: BLOCK: TEXT``, BLOCK as its flowgraph calls
    it; empty of an error that is neither ours nor of a receiver or a module that is not there."""
    if isinstance(error, RadiofmError):
        name = _first_block(_OWN_BLOCK, traceback)
        return f"error: {name}: {error}" if name else f"error: {error}"
    if isinstance(error, ModuleNotFoundError) and error.name in WHERE:
        return f"error: {missing(error.name)}"
    is_receivers = isinstance(error, RuntimeError | ValueError | KeyError)
    if is_receivers and (name := _first_block(_RECEIVER, traceback)):
        return f"error: {name}: {no_receiver(error)}"
    return ""


def no_receiver(error: BaseException) -> str:
    """Why a receiver's block could not be made, and what to do."""
    return (
        f"the receiver cannot be opened ({reason_of(error)}); check that it is plugged in and its "
        "driver installed: `SoapySDRUtil --find` or `uhd_find_devices` lists the receivers"
    )


def _hook_before(earlier: Callable) -> Callable:
    def show(kind, error, traceback) -> None:
        line = "" if os.environ.get(DEBUG) else error_line(error, traceback)
        if line:
            print(line, file=sys.stderr, flush=True)
        else:
            earlier(kind, error, traceback)

    show.shows_radiofm_errors = True
    return show


def _first_block(use: re.Pattern, traceback: TracebackType | None) -> str:
    """The name in the outermost line that ``use`` fits, or nothing."""
    return next((found[1] for line in _lines(traceback) if (found := use.search(line))), "")


def _lines(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        frame = traceback.tb_frame
        yield linecache.getline(frame.f_code.co_filename, traceback.tb_lineno, frame.f_globals)
        traceback = traceback.tb_next
