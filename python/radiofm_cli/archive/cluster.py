# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings on the workers of a Dask cluster. The hosts share the folders of recordings and of
results: what travels over the network is a recording's path, and what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import time
from collections.abc import Iterable, Iterator
from concurrent import futures
from dataclasses import replace
from pathlib import Path

from radiofm_core.archive.places import Place
from radiofm_core.archive.record import FAILED, Record, read_record, write_record
from radiofm_core.errors import RadiofmError, UsageError, reason_of
from radiofm_core.installation import how_to_install

from ..console import EXIT_FAILED, StopRequest
from .report import Report
from .task import EXIT_CODE, Job, meets_all
from .worker import segment_on_worker, why_unfit

# Recordings that the scheduler knows of at a time
MOST_SUBMITTED = 2000
CONNECT_S = 10.0
POLL_S = 0.2
# Without workers for so long (s), that is told
WORKERLESS_S = 10.0
# A scheduler that does not answer for so long (s) is given up
SCHEDULER_GONE_S = 60.0
# A task that raises, on a worker that cannot do anything, is tried again elsewhere
RETRIES = 2


def segment_on_cluster(
    client, job: Job, todo: list[Place], report: Report, stop: StopRequest
) -> Iterator[tuple[Place, Record]]:
    """Segment recordings on the workers; gives them with their records as they end.

    A recording whose worker dies is done by another one. After a stop the workers finish the
    recordings that they are at.

    Args:
        client: from :func:`connected`.
        job: of all recordings.
        todo: the recordings.
        report: is told what to wait for.
        stop: whether to end early.

    Raises:
        RadiofmError: the scheduler is gone, or what met one recording would meet all.
    """
    stop.armed = True
    yield from _Run(client, job, report, stop).records(todo)


@contextlib.contextmanager
def connected(address: str, tls: tuple[str, str, str] | None) -> Iterator:
    """A Dask client until the block's end.

    Args:
        address: of the scheduler, or the path of its scheduler file.
        tls: PEM files of the authority, the certificate and the key; None: as Dask is configured.

    Raises:
        UsageError: Dask is not installed, a wrong address, certificates that are not there.
        RadiofmError: no scheduler answers.
    """
    try:
        import dask
        from distributed import Client, Security
    except ImportError as error:
        raise UsageError(
            f"--dask needs Dask ({reason_of(error)}); {how_to_install('distributed')}"
        ) from error
    # what it would say of lost workers and connections is told here
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
    options: dict = {"timeout": CONNECT_S, "name": "radiofm-segment"}
    options["scheduler_file" if "://" not in address else "address"] = address
    if "://" not in address and not Path(address).is_file():
        raise UsageError(
            f"--dask: expected an address such as tcp://host:8786 or the path of a scheduler "
            f"file, got {address!r}"
        )
    configured = dask.config.get("distributed.comm.tls.client.cert", None)
    if address.startswith("tls://") and tls is None and not configured:
        raise UsageError(f"--dask {address} needs certificates; give --dask-tls CA CERT KEY")
    if tls is not None:
        for path in tls:
            if not Path(path).is_file():
                raise UsageError(f"--dask-tls: {path} is no file; give CA, CERT and KEY as PEM")
        authority, certificate, key = tls
        options["security"] = Security(
            tls_ca_file=authority,
            tls_client_cert=certificate,
            tls_client_key=key,
            require_encryption=True,
        )
    try:
        client = Client(**options)
    except Exception as error:
        raise RadiofmError(
            f"no Dask scheduler answers at {address} ({reason_of(error)}); check that it runs, the "
            "address, and --dask-tls where it asks for TLS"
        ) from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):
            client.close(timeout=5)


def check_workers(client, job: Job, inputs: Iterable[Path]) -> None:
    """Raise RadiofmError for a worker that can do nothing, before it fails what it gets."""
    # a recording in an archive is no file
    there = tuple(next(p for p in (path, *path.parents) if p.exists()) for path in inputs)
    try:
        answers = client.run(why_unfit, job, there, on_error="return")
    except Exception as error:
        raise RadiofmError(f"the workers cannot be asked ({reason_of(error)})") from error
    for worker, answer in answers.items():
        if isinstance(answer, BaseException):
            answer = f"{type(answer).__name__}: {reason_of(answer)}; install gr-radiofm there, too"
        if answer:
            raise RadiofmError(f"worker {worker}: {answer}")


def _scheduler_is_gone() -> RadiofmError:
    return RadiofmError(
        "the Dask scheduler is gone or was restarted; what was done is kept: run the same command "
        "again when it is back"
    )


@contextlib.contextmanager
def _answers_of_the_scheduler() -> Iterator[None]:
    """It can go away while it is asked."""
    try:
        yield
    except (OSError, futures.CancelledError, asyncio.CancelledError) as error:
        raise _scheduler_is_gone() from error


class _Run:
    """The recordings that the scheduler knows of."""

    def __init__(self, client, job: Job, report: Report, stop: StopRequest):
        self._client = client
        self._job = job
        self._report = report
        self._stop = stop
        self._ended: queue.SimpleQueue = queue.SimpleQueue()
        self._submitted: dict[str, tuple[object, Place]] = {}
        self._quiet_since = self._reached = time.monotonic()
        self._is_told = False

    def records(self, todo: list[Place]) -> Iterator[tuple[Place, Record]]:
        waiting = iter(todo)
        try:
            while True:
                while len(self._submitted) < MOST_SUBMITTED:
                    place = next(waiting, None)
                    if place is None:
                        break
                    self._submit(place)
                if not self._submitted:
                    return
                key = self._next_ended()
                if self._stop.requested:
                    return
                if key in self._submitted:
                    future, place = self._submitted.pop(key)
                    yield place, self._record(future, place)
        finally:
            with contextlib.suppress(Exception):
                self._client.cancel([future for future, _ in self._submitted.values()])

    def _submit(self, place: Place) -> None:
        key = f"radiofm-{self._job.run}-{place.name}"
        future = self._client.submit(
            segment_on_worker, self._job, place, key=key, pure=False, retries=RETRIES
        )
        self._submitted[key] = (future, place)
        future.add_done_callback(lambda done: self._ended.put(done.key))

    def _next_ended(self) -> str | None:
        """The key of a task that has ended; None after a while, or for a stop."""
        try:
            key = self._ended.get(timeout=POLL_S)
            self._quiet_since = time.monotonic()
            return key
        except queue.Empty:
            pass
        now = time.monotonic()
        if self._client.status == "running":
            self._reached = now
        elif now - self._reached > SCHEDULER_GONE_S:
            raise _scheduler_is_gone()
        if now - self._quiet_since > WORKERLESS_S and self._client.status == "running":
            self._quiet_since = now
            with _answers_of_the_scheduler():
                there = bool(self._client.nthreads())
            if not there and not self._is_told:
                self._report.note("no worker is there: waiting for one (Ctrl-C ends this)")
            self._is_told = not there
        return None

    def _record(self, future, place: Place) -> Record:
        """What became of a recording; raises RadiofmError where the same would meet all."""
        with _answers_of_the_scheduler():
            if future.status == "finished":
                return future.result()
            if future.status != "error":  # lost, or cancelled by somebody else
                raise _scheduler_is_gone()
            error = future.exception()
        if isinstance(error, RadiofmError) and meets_all(error):
            raise error
        reason = reason_of(error)
        if type(error).__name__ == "KilledWorker":
            reason = "each worker that was at it died; `dask worker` logs why (out of memory?)"
        record = read_record(self._job.out, place.name) or Record(
            place.name, place.stem, (), self._job.settings, FAILED
        )
        failed = replace(record, outputs=()).with_state(
            FAILED, reason, finished=time.time(), **{EXIT_CODE: EXIT_FAILED}
        )
        write_record(self._job.out, failed)
        return failed
