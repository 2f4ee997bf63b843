# SPDX-License-Identifier: GPL-3.0-or-later
"""`radiofm segment` over folders: what is done already is skipped, the rest done, a table made."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from radiofm_core.archive.claim import claim
from radiofm_core.archive.places import Place, find_places
from radiofm_core.archive.record import STARTED, Record, clear_away_records, read_record
from radiofm_core.archive.table_files import FORMATS, check_format, usual_format, write_tables
from radiofm_core.bundle import BundleInfo, bundled_models
from radiofm_core.checksum import file_sha256
from radiofm_core.errors import InputError, RadiofmError, UsageError, printable
from radiofm_core.outputs.files import prepare_folder
from radiofm_core.outputs.paths import RESULT_KINDS
from radiofm_core.spectrum.recordings import is_pipe

from ..console import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, Stopped, StopRequest, report_error
from ..segmentation import Segmentation, SegmentOptions
from .cluster import check_workers, connected, segment_on_cluster
from .options import NO_TABLE
from .report import Report, count_of
from .task import Job, segment_place, settings_of


def segment_archive(
    options: argparse.Namespace, segment: SegmentOptions, info: BundleInfo, stop: StopRequest
) -> int:
    """Segment what is not done yet; returns the exit code.

    Raises:
        RadiofmError: nothing could be begun, or what met one recording would meet all.
    """
    formats = _table_formats(options.table)
    out = prepare_folder(Path(options.out)).resolve()
    # the table is made of them
    outputs = tuple(kind for kind in RESULT_KINDS if kind in (*segment.outputs, "jsonl"))
    # workers may be in another folder; a bundled model they have themselves
    model = segment.model if info.path in bundled_models() else str(info.path.absolute())
    segment = replace(segment, outputs=outputs, model=model)
    with _client(options) as client, claim(out) as run:
        clear_away_records(out)
        faults: list[Path] = []
        places = _places(options, out, faults)
        settings = settings_of(segment, file_sha256(info.path))
        job = Job(out, segment, info.name, settings, run)
        todo, skipped = _to_do(job, places)
        if client is not None:
            check_workers(client, job, _inputs(options))
        counted = count_of(len(places), "recording")
        print(f"{counted}: {skipped} done before, {len(todo)} to do", flush=True)
        report = Report(todo, skipped)
        if client is not None:
            ended = segment_on_cluster(client, job, todo, report, stop)
        else:
            ended = _segment_here(job, todo, info, report, stop)
        code = _follow(ended, report, stop)
        # a signal is noted: what was done is told in any case
        stop.armed = True
        is_whole = _conclude(out, formats, report, stop)
    return code or max(report.exit_code, EXIT_USAGE if faults or not is_whole else EXIT_DONE)


def _client(options: argparse.Namespace) -> AbstractContextManager:
    """A Dask client, or None."""
    return connected(options.dask, options.dask_tls) if options.dask else nullcontext()


def _follow(ended: Iterator[tuple[Place, Record]], report: Report, stop: StopRequest) -> int:
    """Do all that is to be done; the exit code of what ended it early, else 0."""
    try:
        for place, record in ended:
            report.ended(place, record)
            if stop.requested:
                break
    except RadiofmError as error:
        report.error(error)
        return error.exit_code
    except Stopped:
        return EXIT_INTERRUPTED
    finally:
        report.close()
    return EXIT_INTERRUPTED if stop.requested else EXIT_DONE


def _segment_here(
    job: Job, todo: list[Place], info: BundleInfo, report: Report, stop: StopRequest
) -> Iterator[tuple[Place, Record]]:
    """One recording after the other: the model uses all cores for each."""
    segmentation = Segmentation(info, job.options, stop)
    for place in todo:
        yield place, segment_place(job, place, segmentation, report.display(place), stop)


def _inputs(options: argparse.Namespace) -> list[Path]:
    return [Path(text).absolute() for text in options.inputs]


def _places(options: argparse.Namespace, out: Path, faults: list[Path]) -> list[Place]:
    def tell(path: Path, why: str, is_fault: bool) -> None:
        if is_fault:
            faults.append(path)
            report_error(f"{path} {why}")
        else:
            print(printable(f"left out: {path} {why}"))

    for pipe in filter(is_pipe, options.inputs):
        raise UsageError(f"{pipe}: samples from a pipe cannot be resumed; segment them alone")
    places = find_places(_inputs(options), out, tell, options.datatype is not None)
    if not places and not faults:
        raise InputError(
            f"no recording in {', '.join(options.inputs)}; give a folder of SigMF recordings, or "
            "--datatype for raw files"
        )
    return places


def _to_do(job: Job, places: list[Place]) -> tuple[list[Place], int]:
    """(those without current results, how many have them). Those come last that were begun and
    never came to an end: should they end the program again, the others are done."""
    first, last = [], []
    for place in places:
        record = read_record(job.out, place.name)
        is_current = record is not None and record.is_current(
            job.out, place.stem, job.settings, job.options.outputs
        )
        if is_current and not job.options.overwrite:
            continue
        began = record is not None and record.state == STARTED
        (last if began else first).append(place)
    return [*first, *last], len(places) - len(first) - len(last)


def _conclude(out: Path, formats: tuple[str, ...], report: Report, stop: StopRequest) -> bool:
    """Write the tables and print the summary; whether the tables are whole."""
    problems: list[object] = []
    tables: list[Path] = []
    try:
        tables = write_tables(out, formats, problems.append)
    except RadiofmError as error:
        problems.append(error)
    for text in problems:
        report_error(text)
    for line in report.summary(stop.requested, tables):
        print(line)
    return not problems


def _table_formats(chosen: str | None) -> tuple[str, ...]:
    if chosen == NO_TABLE:
        return ()
    formats = FORMATS if chosen == "both" else (chosen or usual_format(),)
    for each in formats:
        check_format(each)
    return tuple(formats)
