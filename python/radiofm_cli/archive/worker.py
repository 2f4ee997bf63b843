# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs in the processes of Dask workers: recordings, with models that stay loaded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from radiofm_core.archive.claim import sees_run
from radiofm_core.archive.places import Place
from radiofm_core.archive.record import DONE, FAILED, Record, read_record
from radiofm_core.bundle import TASK_SEGMENTATION, read_bundle_info
from radiofm_core.checksum import file_sha256
from radiofm_core.errors import RadiofmError
from radiofm_core.version import __version__

from ..blocks import import_flowgraphs
from ..console import StopRequest
from ..segmentation import Segmentation
from .task import RUN, Job, segment_place


class _NoDisplay:
    """On a worker nobody looks."""

    def begin(self, duration: float) -> None:
        pass

    def seen(self, done_s: float) -> None:
        pass

    def show(self) -> None:
        pass


class _Segmentations:
    """Those of one job in this process: as many as recordings at a time, used again and again."""

    def __init__(self):
        self._lock = threading.Lock()
        self._run = ""
        self._idle: list[Segmentation] = []

    @contextmanager
    def one(self, job: Job) -> Iterator[Segmentation]:
        """One that nobody else uses."""
        with self._lock:
            if self._run != job.run:
                _check(job)
                self._run, self._idle = job.run, []
            segmentation = self._idle.pop() if self._idle else None
        if segmentation is None:
            info = read_bundle_info(job.options.model, TASK_SEGMENTATION)
            # a thread of a worker stands for a core
            options = replace(job.options, threads=job.options.threads or 1)
            segmentation = Segmentation(info, options, StopRequest())
        yield segmentation
        # not after an exception: nobody knows what state it is in
        with self._lock:
            if self._run == job.run:
                self._idle.append(segmentation)


_segmentations = _Segmentations()


def segment_on_worker(job: Job, place: Place) -> Record:
    """Segment one recording, and write its results and its record into the shared folder.

    One that this run has done is not done again: the answer was lost with the worker that had it.

    Raises RadiofmError: this worker can segment nothing; or nothing at all can be segmented.
    """
    before = read_record(job.out, place.name)
    if before is not None and before.facts.get(RUN) == job.run and before.state in (DONE, FAILED):
        return before
    with _segmentations.one(job) as segmentation:
        return segment_place(job, place, segmentation, _NoDisplay(), StopRequest())


def why_unfit(job: Job, inputs: tuple[Path, ...]) -> str:
    """Why this worker cannot do the job; empty where it can."""
    try:
        _check(job)
        for path in inputs:
            if not path.exists():
                return f"it does not see {path}: the recordings must be shared, under the same path"
        import_flowgraphs()
    except RadiofmError as error:
        return str(error)
    return ""


def _check(job: Job) -> None:
    if not sees_run(job.out, job.run):
        raise RadiofmError(
            f"it does not see {job.out}: the results must be shared, under the same path"
        )
    info = read_bundle_info(job.options.model, TASK_SEGMENTATION)
    if file_sha256(info.path) != job.settings["model_sha256"]:
        raise RadiofmError(
            f"its model {job.options.model} ({info.path}) is another one; install the same "
            f"gr-radiofm (here: {__version__}) or give --model FILE that all hosts share"
        )
