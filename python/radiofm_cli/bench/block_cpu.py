# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running flowgraph costs: CPU time by block, and samples meanwhile."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from gnuradio import gr

_TASKS = Path("/proc/self/task")
# Until the buffers are full and the threads go their way (s)
_SETTLE_S = 0.1


@dataclass(frozen=True)
class Load:
    """What was measured between two moments of a flowgraph that went on before and after.

    Args:
        samples: that the source gave out.
        seconds: of wall-clock time.
        source_cpu_s: CPU time of the source's thread.
        blocks_cpu_s: CPU time of the other blocks' threads.
    """

    samples: int
    seconds: float
    source_cpu_s: float
    blocks_cpu_s: float

    @property
    def msps(self) -> float:
        """Millions of samples a second."""
        return self.samples / self.seconds / 1e6

    @property
    def cpu_s_per_gs(self) -> float:
        """CPU time for 10^9 samples in seconds, source included."""
        return 1e9 * (self.source_cpu_s + self.blocks_cpu_s) / self.samples

    @property
    def blocks_cpu_s_per_gs(self) -> float:
        """The same without the source."""
        return 1e9 * self.blocks_cpu_s / self.samples


def measure(source, *chain, seconds: float) -> Load:
    """Run ``source`` -> ``chain`` for ``seconds``, with each block on a thread of its own.

    The scheduler's work for a block is on that thread, and counts as the block's.
    """
    top = gr.top_block()
    top.connect(source, *chain)
    others = set(os.listdir(_TASKS))
    top.start()
    try:
        time.sleep(_SETTLE_S)
        threads = set(os.listdir(_TASKS)) - others
        sources = {task for task in threads if _name(task).startswith(source.name()[:12])}
        begin, first = time.perf_counter(), source.nitems_written(0)
        before = {task: _cpu_s(task) for task in threads}
        time.sleep(seconds)
        samples = source.nitems_written(0) - first
        spent = {task: _cpu_s(task) - before[task] for task in threads}
        wall = time.perf_counter() - begin
    finally:
        top.stop()
        top.wait()
    of_source = sum(spent[task] for task in sources)
    return Load(samples, wall, of_source, sum(spent.values()) - of_source)


def _name(task: str) -> str:
    """GNU Radio calls a block's thread by the block's name, the kernel keeps 15 letters."""
    return (_TASKS / task / "comm").read_text().strip()


def _cpu_s(task: str) -> float:
    """CPU time of a thread of this process, by the clock that pthread_getcpuclockid(3) gives."""
    return time.clock_gettime((~int(task) << 3) | 6)
