# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that run a model on batches of jobs, and that can always be left behind.

No GNU Radio in here. A model call cannot be interrupted, so stopping never waits for one: each
:meth:`InferenceWorkers.start` makes a run with its own queue and threads, and a run that was told
to stop publishes nothing more, however late its model returns.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from radiofm_core.errors import one_line

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
    """The queue, the counters and the threads between one start and its stop."""

    def __init__(self):
        self.jobs: deque[Job] = deque()
        self.changed = threading.Condition()
        self.in_flight = 0
        self.stopping = False
        self.threads: list[threading.Thread] = []
        self.ended: set[int] = set()
        # Batches are numbered as they are taken, and published by their numbers
        self.taken = 0
        self.published = 0
        self.answered: dict[int, tuple[list[Job], object]] = {}
        self.is_publishing = False

    def is_live(self) -> bool:
        return not self.stopping


class InferenceWorkers:
    """Feeds jobs, in batches, to a model on daemon threads, and publishes in the jobs' order.

    Args:
        compute: called as ``compute(jobs)`` with 1..max_batch jobs of one group, all with
            an empty ``problem``, on any of the threads, several at a time. Its answer goes to
            ``publish``; it should not raise.
        publish: called as ``publish(jobs, answer, is_live)``, one batch after the other, for a
            batch that was computed or a single job with a problem (answer None). It publishes
            while ``is_live()`` is true; it should not raise.
        max_batch: most jobs in one call.
        on_error: called with one line if ``compute`` or ``publish`` raises all the same: for each
            job of the batch that has no answer, or once for what was not all published.
        threads: how many batches are computed at a time.
        on_start: called on each new thread before its first job (thread-local set-up).
        on_idle: called on one of the threads when the last job that there was is published.
    """

    def __init__(
        self,
        compute: Callable[[list[Job]], object],
        publish: Callable[[list[Job], object, Callable[[], bool]], None],
        max_batch: int,
        on_error: Callable[[str], None],
        threads: int = 1,
        on_start: Callable[[], None] | None = None,
        on_idle: Callable[[], None] | None = None,
    ):
        self._compute = compute
        self._publish = publish
        self._max_batch = max_batch
        self._on_error = on_error
        self._threads = threads
        self._on_start = on_start
        self._on_idle = on_idle
        self._run: _Run | None = None

    def start(self) -> None:
        """Begin a run with an empty queue; a run that still goes on is stopped first."""
        self.stop(0.0)
        run = _Run()
        run.threads = [
            threading.Thread(
                target=self._loop, args=(run,), name=f"radiofm-infer{number}", daemon=True
            )
            for number in range(self._threads)
        ]
        self._run = run
        for thread in run.threads:
            thread.start()

    def stop(self, timeout: float) -> None:
        """End the run: wait ``timeout`` seconds for the calls in flight, then leave them behind."""
        run = self._run
        if run is None:
            return
        # No join() or current_thread(): on a thread of GNU Radio's they make Python keep a record
        # of it for ever
        others = {thread.ident for thread in run.threads} - {threading.get_ident()}
        with run.changed:
            run.stopping = True
            run.jobs.clear()
            run.answered.clear()
            run.changed.notify_all()
            self._run = None
            run.changed.wait_for(lambda: others <= run.ended, timeout)
            late = others - run.ended
        for thread in run.threads:
            if thread.ident in late:
                leave_behind(thread)

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

    def wait_below(self, depth: int, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until fewer than ``depth`` jobs are submitted and not
        finished; whether that is so."""
        run = self._run
        if run is None:
            return True
        with run.changed:
            return run.changed.wait_for(lambda: run.stopping or self.depth < depth, timeout)

    # On the threads

    def _loop(self, run: _Run) -> None:
        try:
            if self._on_start:
                self._guarded(self._on_start)
            while self._answer_next(run):
                self._publish_answered(run)
        finally:
            with run.changed:
                run.ended.add(threading.get_ident())
                run.changed.notify_all()

    def _answer_next(self, run: _Run) -> bool:
        """Take a batch and compute its answer; False once the run stops."""
        number, batch = self._next_batch(run)
        if not batch:
            return False
        has_failed, answer = False, None
        if not batch[0].problem:
            has_failed, answer = self._guarded(lambda: self._compute(batch), len(batch))
        with run.changed:
            run.answered[number] = (batch, None if has_failed else (answer,))
        return True

    def _next_batch(self, run: _Run) -> tuple[int, list[Job]]:
        """The next jobs of one group, and the batch's number; no jobs once the run stops."""
        # A batch that takes long holds up all later ones: no more of them than this are kept
        ahead = 2 * self._threads
        with run.changed:
            run.changed.wait_for(
                lambda: run.stopping or (run.jobs and run.taken - run.published < ahead)
            )
            # What waits is shared among the threads, and half of it stays, so that none of them
            # stands still while more jobs are made
            most = min(self._max_batch, -(-len(run.jobs) // (2 * self._threads)))
            batch: list[Job] = []
            while run.jobs and not run.stopping and len(batch) < most:
                job = run.jobs[0]
                if batch and (job.problem or batch[0].problem or job.group != batch[0].group):
                    break
                batch.append(run.jobs.popleft())
            run.in_flight += len(batch)
            number = run.taken
            run.taken += 1
        return number, batch

    def _publish_answered(self, run: _Run) -> None:
        """Publish all answers whose turn it is, unless another thread is at it: it will."""
        while True:
            with run.changed:
                if run.is_publishing or run.published not in run.answered:
                    return
                run.is_publishing = True
                batch, answer = run.answered.pop(run.published)
            if answer is not None:
                self._guarded(lambda b=batch, a=answer: self._publish(b, *a, run.is_live))
            with run.changed:
                run.is_publishing = False
                run.published += 1
                run.in_flight -= len(batch)
                run.changed.notify_all()
                is_idle = not run.jobs and not run.in_flight and not run.stopping
            if is_idle and self._on_idle:
                self._guarded(self._on_idle)

    def _guarded(self, call: Callable[[], object], jobs: int = 1) -> tuple[bool, object]:
        """Whether ``call`` raised, which is told ``jobs`` times, and what it returned."""
        try:
            return False, call()
        except Exception as error:  # the thread must outlive whatever a model or a user throws
            for _ in range(jobs):
                self._on_error(one_line(error))
            return True, None
