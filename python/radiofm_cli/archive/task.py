# SPDX-License-Identifier: GPL-3.0-or-later
"""One recording of many: segmented, and its record kept, here or on a worker."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from radiofm_core import keys
from radiofm_core.archive.places import Place
from radiofm_core.archive.record import (
    DONE,
    FAILED,
    STARTED,
    STOPPED,
    Record,
    file_states,
    read_record,
    write_record,
)
from radiofm_core.errors import BundleError, InputError, OutputError, RadiofmError, UsageError
from radiofm_core.outputs.origin import refuse_results_of_others
from radiofm_core.spectrum.recordings import Recording
from radiofm_core.version import __version__

from ..console import EXIT_FAILED, StopRequest
from ..segmentation import Display, Segmentation, SegmentOptions

# Of an OutputError: these are of one recording's names, others would meet all recordings
_OWN_ERRORS = (
    *(errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP),
    *(errno.EINVAL, errno.EILSEQ),
)
# Facts of a record beside those of the table
EXIT_CODE = "exit_code"
RUN = "run"
# what lies under the results' names is this recording's
OWNED = "owned"


class PartDisplay(Display, Protocol):
    """Shows how far one recording of many is."""

    def begin(self, duration: float) -> None:
        """Note the recording's length in seconds."""


@dataclass(frozen=True)
class Job:
    """What is the same for all recordings of a run.

    Attributes:
        out: the folder of results, resolved.
        options: how they are segmented.
        model: the model's name.
        settings: what results depend on besides the recording; see :func:`settings_of`.
        run: the run's identifier, see :mod:`radiofm_core.archive.claim`.
    """

    out: Path
    options: SegmentOptions
    model: str
    settings: dict
    run: str


def settings_of(options: SegmentOptions, checksum: str) -> dict:
    """What a recording's results depend on, as its record keeps it; ``checksum``: of the model."""
    names = (
        *("precision", "min_confidence", "sample_rate", "center_frequency", "datatype"),
        "frame_duration",
    )
    return {"model_sha256": checksum, **{name: getattr(options, name) for name in names}}


def segment_place(
    job: Job, place: Place, segmentation: Segmentation, display: PartDisplay, stop: StopRequest
) -> Record:
    """Segment a recording and write its results and its record; returns the record.

    What is wrong with a recording is told by its record.

    Raises:
        RadiofmError: what would meet all other recordings, too.
        Stopped: by a signal, before there was anything to write.
    """
    before = read_record(job.out, place.name)
    record = _begun(job, place, before)
    begun = time.monotonic()

    def end(state: str, reason: str = "", **facts) -> Record:
        spent = round(time.monotonic() - begun, 3)
        return record.with_state(state, reason, finished=time.time(), seconds=spent, **facts)

    def report(results) -> None:
        nonlocal record
        found = {
            keys.FRAMES: results.frames,
            "emissions": results.emissions,
            "labels": dict(results.labels()),
        }
        record = replace(record, outputs=tuple(results.paths), facts={**record.facts, **found})

    try:
        recording = segmentation.open(place.path)
        record = _opened(job, record, recording)
        folder, stem = _results_place(job.out, place)
        if not (record.facts[OWNED] or job.options.overwrite):
            refuse_results_of_others(folder, stem, recording.origin, job.options.outputs)
        record = replace(record, facts={**record.facts, OWNED: True})
        # before anything is replaced: should this be killed, it is not taken for done
        write_record(job.out, record)
        display.begin(recording.duration)
        segmentation.segment(recording, folder, display, report, stem, overwrite=True)
        ended = end(STOPPED if stop.requested else DONE)
        write_record(job.out, ended)
        return ended
    except RadiofmError as error:
        ended = end(FAILED, str(error), **{EXIT_CODE: error.exit_code})
        _write_anyhow(job.out, ended)
        if meets_all(error):
            raise
        return ended
    except Exception as error:
        reason = f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        ended = end(FAILED, reason, **{EXIT_CODE: EXIT_FAILED})
        _write_anyhow(job.out, ended)
        return ended
    except BaseException:  # a stop
        _write_anyhow(job.out, end(STOPPED))
        raise


def meets_all(error: RadiofmError) -> bool:
    """Whether other recordings would fail of the same: a broken model, a full disk."""
    if isinstance(error, OutputError):
        cause = error.__cause__
        return isinstance(cause, OSError) and cause.errno not in _OWN_ERRORS
    return isinstance(error, BundleError | UsageError)


def _begun(job: Job, place: Place, before: Record | None) -> Record:
    unfinished = before is not None and before.state != DONE
    return Record(
        recording=place.name,
        results=place.stem,
        files=(),  # not known before it is opened
        settings=job.settings,
        state=STARTED,
        attempts=before.attempts + 1 if unfinished else 1,
        facts={
            keys.MODEL: job.model,
            "host": socket.gethostname(),
            "process": os.getpid(),
            RUN: job.run,
            OWNED: before is not None
            and before.results == place.stem
            and before.facts.get(OWNED) is True,
            "radiofm": __version__,
        },
    )


def _opened(job: Job, record: Record, recording: Recording) -> Record:
    """The record with what the recording says of itself."""
    first = recording.captures[0]
    start = first.time_s + first.time_frac
    facts = {
        keys.START_TIME: start if start > 0 else None,
        keys.DURATION: recording.duration,
        keys.SAMPLE_RATE: recording.sample_rate,
        keys.CENTER_FREQUENCY: first.center_frequency,
        keys.SAMPLES: recording.num_samples,
        "inferred": list(recording.inferred),
        "warnings": list(recording.warnings),
    }
    files = file_states(job.out, recording.files)
    return replace(record, files=files, facts={**record.facts, **facts})


def _results_place(out: Path, place: Place) -> tuple[Path, str]:
    """(the folder, the stem) of a recording's results; refuses one that a link leads elsewhere."""
    path = out / place.stem
    if not path.parent.resolve().is_relative_to(out):
        raise InputError(
            f"{path.parent} leads outside of {out}, to {path.parent.resolve()}; remove that link"
        )
    return path.parent, path.name


def _write_anyhow(out: Path, record: Record) -> None:
    """Write a record where something else went wrong already."""
    with contextlib.suppress(OutputError):
        write_record(out, record)
