# SPDX-License-Identifier: GPL-3.0-or-later
"""Hours of full load: ``python -m tests.soak [HOURS]`` (an hour by default), or ``./dev soak``.

Runs ``tests.soak_flow`` and watches it from outside. Every minute a line: resident memory and how
much it grew, frames, lost frames, latency, windows of CSI. It fails, and says why, when a frame or
a window is lost, a block reports an error, memory, threads or open files grow, nothing moves for a
while, or the flowgraph does not stop at the end.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# `python -m tests.soak` finds its neighbours here, pytest by itself
sys.path.insert(0, str(Path(__file__).parent))
from long_run import ALLOCATOR, MOST_GROWTH_MB, growth_mb, resident_mb

COMMAND = (sys.executable, "-m", "tests.soak_flow")
# Until all is loaded and the first frame is through; and later without another one (s)
START_S = 180.0
HANG_S = 60.0
STOP_S = 10.0
# A model left behind and a status reporter that ends are threads for a moment
MOST_MORE = 12


@dataclass
class Watch:
    """What was seen of a soak; ``failure`` is why it failed, or ''."""

    memory_mb: list[float] = field(default_factory=list)
    reports: list[dict] = field(default_factory=list)
    failure: str = ""
    stop_s: float | None = None

    @property
    def fault(self) -> str:
        """What is wrong in what was reported so far, or ''."""
        last = self.reports[-1]
        if last["problem"]:
            return f"a block reports: {last['problem']}"
        for what in ("lost", "lost_windows"):
            if last[what]:
                return f"{what.replace('_', ' ')}: {last[what]} of {last['frames']} frames"
        for what in ("threads", "files"):
            counts = [report[what] for report in self.reports]
            settled = max(counts[: max(1, len(counts) // 4)])
            if min(counts[-5:]) > settled + MOST_MORE:
                return f"{what} grew from {settled} to {min(counts[-5:])}"
        return ""

    def growth_fault(self, most_growth_mb: float) -> str:
        """Whether memory grew by more, in words, or ''."""
        growth = growth_mb(self.memory_mb)
        if growth <= most_growth_mb:
            return ""
        return (
            f"memory grew by {growth:.0f} MB to {self.memory_mb[-1]:.0f} MB "
            f"(at most {most_growth_mb:.0f} is allowed)"
        )

    def line(self, seconds: float) -> str:
        """How far it is."""
        last = self.reports[-1]
        return (
            f"{seconds / 60:6.0f} min  memory {self.memory_mb[-1]:.0f} MB "
            f"({growth_mb(self.memory_mb):+.1f})  frames {last['frames']}, lost {last['lost']}, "
            f"p99 {last['p99_ms']:.0f} ms, emissions {last['emissions']}  CSI runs {last['runs']}, "
            f"windows {last['windows']}, lost {last['lost_windows']}"
        )


def watch(
    seconds: float,
    command: tuple[str, ...] = COMMAND,
    *,
    line_every_s: float = 60.0,
    start_s: float = START_S,
    hang_s: float = HANG_S,
    most_growth_mb: float = MOST_GROWTH_MB,
) -> Watch:
    """Soak for ``seconds`` after the first frame, or until something is wrong.

    Args:
        command: what to run, and a folder for its files after it: a line of JSON a second as
            :class:`tests.soak_flow.Report`, until its standard input is closed.
        line_every_s: seconds from one printed line to the next.
        start_s, hang_s: seconds within which the first frame must come, and another one later.
        most_growth_mb: of memory, see :func:`tests.long_run.growth_mb`.
    """
    seen = Watch()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [*command, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | ALLOCATOR,
        )
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            seen.failure = _follow(
                seen, process, lines, seconds, line_every_s, (start_s, hang_s), most_growth_mb
            )
            if not seen.failure:
                seen.failure = _stop(seen, process, lines)
        finally:
            process.kill()
            process.wait()
            reader.join()
    return seen


def _read(stream, lines: queue.Queue) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


def _follow(seen, process, lines, seconds, line_every_s, patience_s, most_growth_mb) -> str:
    begin, moved, frames = None, time.monotonic(), 0
    shown = 0
    while begin is None or time.monotonic() - begin < seconds:
        if time.monotonic() - moved > patience_s[begin is not None]:
            process.send_signal(signal.SIGABRT)  # it prints where it hangs
            process.wait(STOP_S)
            return f"hangs: no frame for {time.monotonic() - moved:.0f} s"
        try:
            line = lines.get(timeout=1.0)
        except queue.Empty:
            continue
        if not line:
            return f"ended by itself, with {process.wait(STOP_S)}"
        report = json.loads(line)
        if report["frames"] == frames:
            continue
        moved, frames = time.monotonic(), report["frames"]
        begin = begin or moved
        seen.reports.append(report)
        seen.memory_mb.append(resident_mb(process.pid))
        if seen.fault:
            return seen.fault
        if (moved - begin) // line_every_s > shown:
            shown = (moved - begin) // line_every_s
            print(seen.line(moved - begin), flush=True)
            if fault := seen.growth_fault(most_growth_mb):
                return fault
    return seen.growth_fault(most_growth_mb)


def _stop(seen: Watch, process, lines) -> str:
    process.stdin.close()
    try:
        code = process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        return f"did not end within {STOP_S:.0f} s"
    while line := lines.get():
        seen.stop_s = json.loads(line).get("stop_s", seen.stop_s)
    return f"ended with {code}" if code else ""


def main() -> int:
    """Soak and print; 1 if something is wrong."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(f"Full load for {hours:g} h; a line a minute", flush=True)
    seen = watch(hours * 3600)
    if seen.failure:
        print(f"FAILED: {seen.failure}")
        return 1
    print(seen.line(hours * 3600))
    print(f"passed; stopped in {seen.stop_s:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
