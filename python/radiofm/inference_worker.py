# SPDX-License-Identifier: GPL-3.0-or-later
"""A thread that runs a model on batches of jobs, and that can always be left behind.

No GNU Radio in here. A model call cannot be interrupted, so stopping never waits for one: each
:meth:`InferenceWorker.start` makes a run with its own queue and thread, and a run that was told
to stop publishes nothing more, however late its model returns.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from .left_behind import leave_behind


@dataclass
class Job:
    """One frame on its way through the model."""

    payload: object
    # Only jobs of one group share a batch (same shape, same resolution)
    group: Hashable = None
    # Why the model must not see it; such a job only passes through, to keep the order
    problem: str = ""
    arrived: float = field(default_factory=time.monotonic)


class _Run:
    """The queue, the counters and the thread between one start and its stop."""

    def __init__(self):
        self.jobs: deque[Job] = deque()
        self.changed = threading.Condition()
        self.in_flight = 0
        self.finished = 0
        self.stopping = False
        self.ended = threading.Event()
        self.thread: threading.Thread | None = None

    def is_live(self) -> bool:
        return not self.stopping


class InferenceWorker:
    """Feeds jobs in order, in batches, to ``process`` on a daemon thread.

    Args:
        process: called as ``process(jobs, is_live)`` with 1..max_batch jobs of one group, all
            with an empty ``problem`` or a single one with a problem. It publishes the results
            while ``is_live()`` is true. It should not raise.
        max_batch: most jobs in one call.
        on_error: called with one line if ``process`` raises all the same.
        on_start: called on the new thread before its first job (thread-local set-up).
        on_idle: called on the thread when it has finished a batch and nothing waits.
    """

    def __init__(
        self,
        process: Callable[[list[Job], Callable[[], bool]], None],
        max_batch: int,
        on_error: Callable[[str], None],
        on_start: Callable[[], None] | None = None,
        on_idle: Callable[[], None] | None = None,
    ):
        self._process = process
        self._max_batch = max_batch
        self._on_error = on_error
        self._on_start = on_start
        self._on_idle = on_idle
        self._run: _Run | None = None

    def start(self) -> None:
        """Begin a run with an empty queue; a run that still goes on is stopped first."""
        self.stop(0.0)
        run = _Run()
        run.thread = threading.Thread(
            target=self._loop, args=(run,), name="radiofm-inference", daemon=True
        )
        self._run = run
        run.thread.start()

    def stop(self, timeout: float) -> None:
        """End the run: wait ``timeout`` seconds for the call in flight, then leave it behind."""
        run = self._run
        if run is None:
            return
        with run.changed:
            run.stopping = True
            run.jobs.clear()
            run.changed.notify_all()
        self._run = None
        # No join() or current_thread(): on a thread of GNU Radio's they make Python keep a record
        # of it for ever
        if run.thread.ident != threading.get_ident() and not run.ended.wait(timeout):
            leave_behind(run.thread)

    @property
    def depth(self) -> int:
        """Jobs submitted and not finished."""
        run = self._run
        return len(run.jobs) + run.in_flight if run else 0

    def submit(self, job: Job, capacity: int | None = None) -> int:
        """Queue a job, and throw out the oldest waiting ones beyond ``capacity`` (None: keep all).

        The oldest go, not the newest: what is shown live should be what is on the air now.

        Returns:
            How many were thrown out; the job itself is, when no run is on.
        """
        run = self._run
        if run is None:
            return 1
        with run.changed:
            run.jobs.append(job)
            excess = max(0, len(run.jobs) - capacity) if capacity is not None else 0
            for _ in range(excess):
                run.jobs.popleft()
            run.changed.notify_all()
        return excess

    def take_finished(self, timeout: float) -> int:
        """Jobs finished since the last call, in the order of submission.

        Waits up to ``timeout`` seconds for the first one; returns 0 after that.
        """
        run = self._run
        if run is None:
            return 0
        with run.changed:
            run.changed.wait_for(lambda: run.finished or run.stopping, timeout)
            finished, run.finished = run.finished, 0
        return finished

    def _loop(self, run: _Run) -> None:
        try:
            self._work(run)
        finally:
            run.ended.set()

    def _work(self, run: _Run) -> None:
        if self._on_start:
            self._guarded(self._on_start)
        while batch := self._next_batch(run):
            self._guarded(lambda batch=batch: self._process(batch, run.is_live))
            with run.changed:
                run.in_flight = 0
                run.finished += len(batch)
                run.changed.notify_all()
                is_idle = not run.jobs and not run.stopping
            if is_idle and self._on_idle:
                self._guarded(self._on_idle)

    def _next_batch(self, run: _Run) -> list[Job]:
        """The next jobs of one group; an empty list once the run stops."""
        with run.changed:
            run.changed.wait_for(lambda: run.jobs or run.stopping)
            batch: list[Job] = []
            while run.jobs and not run.stopping and len(batch) < self._max_batch:
                job = run.jobs[0]
                if batch and (job.problem or batch[0].problem or job.group != batch[0].group):
                    break
                batch.append(run.jobs.popleft())
            run.in_flight = len(batch)
        return batch

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # the thread must outlive whatever a model or a user throws
            self._on_error(one_line(error))


def one_line(error: BaseException) -> str:
    """An exception in one line of at most 200 characters.

    TorchScript's errors hold a traceback; their last line says what went wrong.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[-1] if lines and "Traceback of TorchScript" in str(error) else "".join(lines[:1])
    return (text or type(error).__name__)[:200]
