# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user has to know of a recording that was opened, and samples from a pipe."""

from __future__ import annotations

import os
import sys

from radiofm_core.spectrum.recordings import Recording, is_pipe, take_pipe

from .console import StopRequest


def tell_notes(recording: Recording) -> None:
    """What was taken from a header or a name, and what is wrong with the file, on standard
    error."""
    for line in recording.inferred:
        print(f"radiofm: {line}", file=sys.stderr, flush=True)
    for line in recording.warnings:
        print(f"radiofm: warning: {line}", file=sys.stderr, flush=True)


def receive(path: str | os.PathLike, stop: StopRequest) -> None:
    """Where a path is a pipe, take what comes through it, to its end or to Ctrl-C, which also ends
    the receiver's program that writes into it; a further Ctrl-C is another one."""
    if not is_pipe(path):
        return
    stop.armed = True
    try:
        take_pipe(path, lambda: stop.requested)
    finally:
        stop.armed = stop.requested = False
