# SPDX-License-Identifier: GPL-3.0-or-later
"""A short version of ``soak.py``, and that it sees what goes wrong."""

import sys

import pytest
import soak

SECONDS = 30.0
# PyTorch prepares its kernels for one size of a batch after the other; a frame that is never freed
# takes 0.25 MB
MOST_GROWTH_MB = 60.0

# Says what a soak says, with one field changed from the third line on; at last it waits
TELL = """
import json, sys, time
held = []
for count in range(1, {lines} + 1):
    report = dict(frames=count, lost=0, p99_ms=1.0, emissions=0, windows=0, lost_windows=0,
                  runs=0, threads=5, files=5, problem="")
    if count > 2:
        {change}
    print(json.dumps(report), flush=True)
    time.sleep(0.1)
{then}
"""


def told(change: str, then: str) -> soak.Watch:
    """What comes of watching a process that only tells."""
    code = TELL.format(change=change, then=then, lines=20)
    # as long as it tells, or until it has been silent for long enough
    seconds, hang_s = (60.0, 1.0) if "sleep" in then else (1.5, 60.0)
    return soak.watch(seconds, (sys.executable, "-c", code), hang_s=hang_s, line_every_s=0.1)


def test_full_load_loses_nothing_and_memory_stays():
    seen = soak.watch(SECONDS, line_every_s=10.0, most_growth_mb=MOST_GROWTH_MB)
    assert seen.failure == ""
    assert seen.stop_s < 1.0
    last = seen.reports[-1]
    # a busy machine drops most of the frames, and with them emissions' ends
    assert last["frames"] > 50 and last["emissions"] > 3 and last["windows"] > 30


@pytest.mark.parametrize(
    ("change", "then", "failure"),
    [
        ("report.update(lost=1)", "", "lost: 1 of 3"),
        ("report.update(lost_windows=2)", "", "lost windows: 2"),
        ("report.update(problem='no more')", "", "a block reports: no more"),
        ("report.update(threads=5 + 10 * count)", "sys.stdin.read()", "threads grew from"),
        ("held.append(bytearray(b'x' * 10_000_000))", "sys.stdin.read()", "memory grew by"),
        ("report.update(frames=2)", "time.sleep(60)", "hangs: no frame for"),
        ("sys.exit(3)", "", "ended by itself, with 3"),
        ("pass", "sys.stdin.read(); sys.exit(4)", "ended with 4"),
        ("pass", "sys.stdin.read()", ""),
    ],
)
def test_what_goes_wrong_is_seen_and_named(change, then, failure):
    found = told(change, then).failure
    assert found.startswith(failure) if failure else found == ""
