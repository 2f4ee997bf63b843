# SPDX-License-Identifier: GPL-3.0-or-later
"""What the blocks around a model have in common: its threads, the overload policy, status, log."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pmt

from radiofm_core import keys
from radiofm_core.errors import BundleError, UsageError, one_line
from radiofm_core.fields import whole_parameter

from ..pmts.messages import symbol, to_pmt
from .inference_stats import InferenceStats, StatusReporter
from .inference_workers import InferenceWorkers, Job

OVERLOAD_POLICIES = ("wait", "drop")
# How long stop() waits for the model call in flight before it leaves it behind (s)
STOP_GRACE_S = 0.3
# How much nicer (see setpriority(2)) a model's threads are than the flowgraph's where it may drop
NICER = 5
# More threads than these are not started unless they are asked for
MOST_THREADS = 8


class BlockInference:
    """A block's model calls on threads of their own, and what is counted, logged and told of them.

    On a CPU each thread computes another call, on one core: calls of several cores each would
    spend their time waiting for each other, all the more beside the flowgraph's threads.

    Args:
        block: the GNU Radio block, with a method ``publish(port, message)``.
        item: what goes through the model, in one word for the log: ``frame``, ``window``.
        compute, publish: called on the threads: see :class:`InferenceWorkers`.
        device: where the model is: ``cpu``, ``cuda`` or ``cuda:N``.
        threads: model calls at a time on a CPU; 0: one for each core, at most MOST_THREADS.
        max_batch: most items in one model call.
        overload: ``wait`` or ``drop``.
        on_idle: called on one of the threads whenever nothing is left to do.
        own_failures: what ``status`` tells of messages that the block could not even read.

    Raises:
        UsageError: a parameter outside its range.
    """

    def __init__(
        self,
        block,
        item: str,
        compute: Callable[[list[Job]], object],
        publish: Callable[[list[Job], object, Callable[[], bool]], None],
        device: str,
        threads: int,
        max_batch: int,
        overload: str,
        on_idle: Callable[[], None] | None = None,
        own_failures: Callable[[], dict] = dict,
    ):
        if overload not in OVERLOAD_POLICIES:
            raise UsageError(
                f"overload: expected {' or '.join(OVERLOAD_POLICIES)}, got {overload!r}"
            )
        self.is_lossless = overload == "wait"
        self.max_batch = whole_parameter("max_batch", max_batch, 1)
        is_on_cpu = device == "cpu"
        threads = whole_parameter("threads", threads, 0) or usual_threads()
        self.threads = threads if is_on_cpu else 1
        self._set_up_thread = None
        if is_on_cpu:
            self._set_up_thread = use_one_core if self.is_lossless else use_what_is_left
        self._block = block
        self._item = item
        self._own_failures = own_failures
        self.stats = InferenceStats()
        self.workers = InferenceWorkers(
            compute,
            publish,
            self.max_batch,
            self.fail,
            self.threads,
            self._set_up_thread,
            on_idle,
        )
        self._reporter = StatusReporter(
            self.publish_status, lambda text: self._block.logger.error(text)
        )

    def start(self) -> None:
        """Begin a run: empty queue, counters at zero."""
        self.stats.reset()
        self.workers.start()
        self._reporter.start()

    def stop(self) -> None:
        """End the run within STOP_GRACE_S, whatever the model does."""
        self._reporter.stop()
        self.workers.stop(STOP_GRACE_S)
        if self.stats.failed > 1:
            self._block.logger.warn(f"{self.stats.failed} {self._item}s had no result in this run")

    def fail(self, reason: str) -> None:
        """An item has no result; counted, and logged if that is news."""
        if self.stats.fail(reason):
            self._block.logger.error(f"a {self._item} has no result: {reason}")

    def status(self, restart: bool = False) -> dict:
        """The fields of a ``status`` message, now; ``restart``: see InferenceStats.snapshot."""
        own = self._own_failures()
        found = self.stats.snapshot(self.workers.depth, restart)
        failed = sum(each.get(keys.FAILED, 0) for each in (own, found))
        return own | found | ({keys.FAILED: failed} if failed else {})

    def is_connected(self, port: str) -> bool:
        """Whether anyone takes the messages of an output port."""
        return not pmt.is_null(self._block.message_subscribers(symbol(port)))

    def publish_status(self) -> None:
        """Send a ``status`` message."""
        if self.is_connected(keys.PORT_STATUS):
            self._block.publish(keys.PORT_STATUS, to_pmt(self.status(restart=True)))

    def warm_up(self, path, call: Callable[[], object]) -> None:
        """Two calls with an empty item: TorchScript's first are slow, and a bad model shows here.

        Raises:
            BundleError: ``call`` raises; it names ``path``.
        """
        try:
            with ThreadPoolExecutor(1, initializer=self._set_up_thread) as one:
                for _ in range(2):
                    one.submit(call).result()
        except Exception as error:
            raise BundleError(
                f"{path}: the model fails on an empty {self._item} ({one_line(error)}); "
                "export it again"
            ) from error


def usual_threads() -> int:
    """Model calls at a time on a CPU, where no number is given."""
    return min(len(os.sched_getaffinity(0)), MOST_THREADS)


def use_one_core() -> None:
    """Let PyTorch compute with one core on the calling thread."""
    import torch

    # PyTorch keeps this number per calling thread: other blocks' models keep theirs
    torch.set_num_threads(1)


def use_what_is_left() -> None:
    """The same, behind the threads that receive and draw: where a model is too slow, frames are
    dropped all the same, but no samples, and a picture stays smooth."""
    use_one_core()
    # a thread's own on Linux; other systems keep it for processes
    if sys.platform == "linux":
        own = threading.get_native_id()
        usual = os.getpriority(os.PRIO_PROCESS, own)
        os.setpriority(os.PRIO_PROCESS, own, min(usual + NICER, 19))
