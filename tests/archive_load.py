# SPDX-License-Identifier: GPL-3.0-or-later
"""What many recordings cost: those that are done, and those that are to be done, here or by Dask.

``.venv/bin/python -m tests.archive_load [--done 10000] [--recordings 40] [--seconds 1]``

Each line tells the time on the clock and of the processors, all processes of the case together.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from level_model import make_level_bundle, two_carriers, write_recording
from radiofm_command import RADIOFM

from radiofm_core.archive.record import file_states, read_record, write_record

FEW = ("--outputs", "jsonl,sigmf")


def processor_seconds() -> float:
    """Of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(case: str, *arguments) -> None:
    """Run ``radiofm`` and print what it took."""
    began, before = time.monotonic(), processor_seconds()
    command = [*RADIOFM, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    spent = time.monotonic() - began
    told = next((line for line in done.stdout.splitlines() if "real time" in line), "")
    used = processor_seconds() - before
    print(f"{case:38} {spent:7.1f} s, {used:7.1f} s of a core {told}", flush=True)


def write_many(folder: Path, count: int, duration: float) -> Path:
    """A folder of recordings that share their samples."""
    folder.mkdir()
    first = write_recording(folder / "r00000", two_carriers(duration))
    for number in range(1, count):
        stem = folder / f"r{number:05}"
        stem.with_suffix(".sigmf-meta").write_bytes(first.read_bytes())
        os.link(first.with_suffix(".sigmf-data"), stem.with_suffix(".sigmf-data"))
    return folder


def measure_done(folder: Path, count: int, model: str) -> None:
    """Runs over recordings that are done, with records like that of the first."""
    recordings, out = write_many(folder / "done", count, 0.05), folder / "out"
    first = recordings / "r00000.sigmf-meta"
    named = ["segment", first, "--resume", "--out", out, "--model", model, *FEW]
    subprocess.run([*RADIOFM, *map(str, named)], check=True, capture_output=True)
    record = read_record(out, first.name)
    lines = (out / "r00000.jsonl").read_bytes()
    description = out / "r00000.sigmf-meta"
    for path in sorted(recordings.glob("*.sigmf-meta"))[1:]:
        files = file_states(out.resolve(), [path, path.with_suffix(".sigmf-data")])
        write_record(out, replace(record, recording=path.name, results=path.stem, files=files))
        (out / f"{path.stem}.jsonl").write_bytes(lines)
        os.link(description, out / path.name)
    again = ["segment", recordings, "--out", out, "--model", model, *FEW]
    timed(f"{count} done, no table", *again, "--table", "none")
    for table_format in ("csv", "parquet"):
        timed(f"{count} done, {table_format}", *again, "--table", table_format)


@contextlib.contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[Path]:
    """A scheduler and workers of one thread each; gives the scheduler's file."""
    file = folder / "scheduler.json"
    common = ["--host", "127.0.0.1", "--scheduler-file", str(file)]
    common += ["--dashboard-address", "127.0.0.1:0"]
    words = [["scheduler", "--port", "0"]]
    words += [
        ["worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(folder / f"w{number}")]
        for number in range(workers)
    ]
    with (folder / "dask.log").open("w") as log:
        processes = []
        try:
            for each in words:
                command = [sys.executable, "-m", "dask", *each, *common]
                processes.append(subprocess.Popen(command, stdout=log, stderr=log))
                while not file.exists():
                    time.sleep(0.1)
            yield file
        finally:
            for process in processes[::-1]:
                process.terminate()
                process.wait()


def measure_work(folder: Path, count: int, duration: float, model: str) -> None:
    """Recordings on this machine alone, and by two workers on it."""
    recordings = write_many(folder / "work", count, duration)
    common = ["segment", recordings, "--model", model, "--table", "none", *FEW, "--out"]
    timed(f"{count} of {duration:g} s alone", *common, folder / "alone")
    began, before = time.monotonic(), processor_seconds()
    with dask_cluster(folder, 2) as file:
        timed(f"{count} of {duration:g} s, two workers", *common, folder / "two", "--dask", file)
        spent = time.monotonic() - began
    used = processor_seconds() - before
    print(f"{'  with the start of the cluster':38} {spent:7.1f} s, {used:7.1f} s of a core")


def main() -> None:
    """Measure in turn."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--done", type=int, default=10_000, help="recordings that are done")
    parser.add_argument("--recordings", type=int, default=40, help="that are to be done")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of each")
    parser.add_argument("--model", default="default", help="for those that are to be done")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        level = str(make_level_bundle(folder / "level.pt"))
        if options.done:
            measure_done(folder, options.done, level)
        if options.recordings:
            measure_work(folder, options.recordings, options.seconds, options.model)


if __name__ == "__main__":
    main()
