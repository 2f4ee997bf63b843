# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs that are stopped in the middle of a long model call, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).parent
_WHERE = f"import sys, time\nsys.path[:0] = [{str(TESTS)!r}, {str(TESTS.parent)!r}]\n"
# A call that outlives its process takes two minutes or more: a process that waited for it would not
# have ended by then
LONG_CALL_S, END_S = 150.0, 60.0
# A machine that is busy elsewhere may hold up a stop, but not each of so many
TRIES = 3


def stopped_in_mid_call(code: str) -> list[str]:
    """Run ``code``, which makes and starts a flowgraph named ``flow``, stops it when the model is
    in a call, prints "stopped", the seconds ``stop_s`` that this took and what it found, and ends
    with status 3.

    Checks that it stopped within a second and that its process ended well, whatever the model was
    at; returns the words after that time.
    """
    for _ in range(TRIES):
        stop_s, found = _stopped(code)
        if stop_s < 1.0:
            break
    assert stop_s < 1.0
    return found


def _stopped(code: str) -> tuple[float, list[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _WHERE + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    line = process.stdout.readline()
    begin = time.monotonic()
    rest = process.stdout.read()
    assert process.wait(60) == 3, line + rest
    word, stop_s, *found = line.split()
    assert word == "stopped", line + rest
    assert rest == ""
    assert time.monotonic() - begin < END_S
    return float(stop_s), found
