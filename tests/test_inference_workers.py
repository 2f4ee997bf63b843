# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that compute several batches at a time and publish them in the order they came."""

import threading
import time

import pytest
from gnuradio.radiofm.runtime.inference_workers import InferenceWorkers, Job

WAIT_S = 60.0


class Log:
    """Computes by looking up how long each payload takes, and notes what is published."""

    def __init__(self, seconds=None, raising=()):
        self.seconds = seconds or {}
        self.raising = raising
        self.published = []
        self.batches = []
        self.errors = []
        self.idle = threading.Event()
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def compute(self, jobs):
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.batches.append([job.payload for job in jobs])
        time.sleep(max(self.seconds.get(job.payload, 0.0) for job in jobs))
        with self.lock:
            self.at_once -= 1
        if any(job.payload in self.raising for job in jobs):
            raise RuntimeError(f"no {jobs[0].payload}")
        return [job.payload * 10 for job in jobs]

    def publish(self, jobs, answers, is_live):
        if answers is None:
            self.published.append(jobs[0].problem)
        elif is_live():
            self.published += answers

    def workers(self, threads, max_batch=1):
        return InferenceWorkers(
            self.compute, self.publish, max_batch, self.errors.append, threads, None, self.idle.set
        )


def run(log, jobs, threads, max_batch=1):
    """Submit all jobs and wait until they are published; whether they were in time."""
    workers = log.workers(threads, max_batch)
    workers.start()
    for job in jobs:
        workers.submit(job)
    are_done = workers.wait_below(1, WAIT_S)
    assert log.idle.wait(WAIT_S) and workers.depth == 0
    workers.stop(WAIT_S)
    return are_done


@pytest.mark.parametrize("threads, max_batch", [(1, 1), (1, 4), (2, 1), (4, 1), (4, 3)])
def test_answers_come_in_the_order_of_the_jobs(threads, max_batch):
    # every third takes long, so that later ones are ready before it
    log = Log({n: 0.03 if n % 3 == 0 else 0.0 for n in range(40)})
    jobs = [Job(n) for n in range(40)]
    jobs[7] = Job(None, problem="broken")
    assert run(log, jobs, threads, max_batch)
    assert log.published == ["broken" if n == 7 else n * 10 for n in range(40)]
    assert log.most_at_once <= threads
    assert max(map(len, log.batches)) <= max_batch


def test_several_are_computed_at_a_time():
    log, all_at_once = Log(), threading.Barrier(4)
    compute = log.compute

    def compute_together(jobs):
        all_at_once.wait(WAIT_S)  # breaks where fewer than four are ever at it
        return compute(jobs)

    log.compute = compute_together
    assert run(log, [Job(n) for n in range(8)], 4)
    assert log.errors == [] and len(log.published) == 8


def test_what_waits_is_shared_among_the_threads():
    log = Log({0: 0.2, 1: 0.2})
    run(log, [Job(n) for n in range(10)], 2, max_batch=8)
    # the first two go alone; then neither thread takes all that waits
    assert max(map(len, log.batches)) <= 5


def test_a_call_that_raises_takes_no_other_with_it():
    log = Log(raising=(3, 4))
    assert run(log, [Job(n) for n in range(10)], 3)
    assert log.published == [n * 10 for n in range(10) if n not in (3, 4)]
    assert sorted(log.errors) == ["no 3", "no 4"]


def test_each_job_of_a_batch_that_fails_is_counted():
    log, held, begun = Log(raising=range(1, 100)), threading.Event(), threading.Event()
    compute = log.compute

    def compute_when_all_wait(jobs):
        begun.set()
        assert held.wait(WAIT_S)
        return compute(jobs)

    log.compute = compute_when_all_wait
    workers = log.workers(1, max_batch=8)
    workers.start()
    workers.submit(Job(0))
    assert begun.wait(WAIT_S)
    for n in range(1, 17):
        workers.submit(Job(n))
    held.set()
    assert workers.wait_below(1, WAIT_S)
    workers.stop(WAIT_S)
    assert max(map(len, log.batches)) == 8
    assert log.published == [0] and len(log.errors) == 16


def test_waiting_for_room_ends_with_it_or_with_the_time():
    log, held = Log(dict.fromkeys(range(3), 0.2)), threading.Event()
    compute = log.compute

    def compute_when_told(jobs):
        assert held.wait(WAIT_S)
        return compute(jobs)

    log.compute = compute_when_told
    workers = log.workers(1)
    workers.start()
    for n in range(3):
        workers.submit(Job(n))
    assert not workers.wait_below(1, 0.01)
    held.set()
    assert workers.wait_below(3, WAIT_S) and workers.depth < 3
    assert workers.wait_below(1, WAIT_S) and log.published == [0, 10, 20]
    workers.stop(WAIT_S)


def test_a_long_call_holds_up_the_later_ones_and_no_more_of_them_than_a_few():
    held = threading.Event()
    log = Log()

    def compute(jobs):
        if jobs[0].payload == 0:
            assert held.wait(WAIT_S)
        return Log.compute(log, jobs)

    log.compute = compute
    workers = log.workers(2)
    workers.start()
    for n in range(100):
        workers.submit(Job(n))
    time.sleep(0.3)
    assert log.published == []
    assert len(log.batches) < 4  # two for each thread, the first of them among these
    assert workers.depth == 100
    held.set()
    assert log.idle.wait(WAIT_S)
    workers.stop(WAIT_S)
    assert log.published == [n * 10 for n in range(100)]


def test_stopping_in_mid_call_publishes_nothing_more():
    log, held, begun = Log(), threading.Event(), threading.Event()
    compute = log.compute

    def compute_when_told(jobs):
        begun.set()
        assert held.wait(WAIT_S)
        return compute(jobs)

    log.compute = compute_when_told
    workers = log.workers(3)
    workers.start()
    threads = workers._run.threads
    for n in range(10):
        workers.submit(Job(n))
    assert begun.wait(WAIT_S)
    begin = time.monotonic()
    workers.stop(0.05)
    assert time.monotonic() - begin < WAIT_S / 2
    held.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert log.published == [] and workers.depth == 0
    assert 1 <= len(log.batches) <= 3  # those in mid-call, and no other
    assert workers.submit(Job(1)) == 1  # told that it is thrown out


def test_it_can_be_stopped_from_its_own_threads():
    log = Log()
    ended = threading.Event()
    workers = None

    def publish(jobs, answers, is_live):
        workers.stop(WAIT_S)
        ended.set()

    log.publish = publish
    workers = log.workers(2)
    workers.start()
    workers.submit(Job(1))
    assert ended.wait(WAIT_S / 2)


def test_a_run_begins_anew_after_a_stop():
    log = Log()
    workers = log.workers(2)
    for _ in range(3):
        workers.start()
        workers.submit(Job(1))
        assert log.idle.wait(WAIT_S)
        log.idle.clear()
        workers.stop(WAIT_S)
    assert log.published == [10, 10, 10]
