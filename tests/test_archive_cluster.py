# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm segment FOLDER --dask``: two workers, of which one is killed at work, over TLS."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from level_model import make_level_bundle, two_carriers, write_recording
from radiofm_command import assert_one_line_error, radiofm, start_radiofm

from radiofm_core.archive.record import FAILED, STARTED, read_records

pytest.importorskip("distributed")
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

COUNT = 5
DURATION = 0.3
TIMEOUT_S = 480


def wait_for(ready, what: str):
    """What ``ready()`` gives once it is true."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        if found := ready():
            return found
        time.sleep(0.002)
    pytest.fail(f"no {what} after {TIMEOUT_S} s")


def make_certificate(folder: Path, name: str) -> list[str]:
    """Files of an authority, its own certificate and the key."""
    files = [str(folder / f"{name}.{kind}") for kind in ("cert", "key")]
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=radiofm"
    subprocess.run(
        ["openssl", *made.split(), "-out", files[0], "-keyout", files[1]],
        check=True,
        capture_output=True,
    )
    return [files[0], *files]


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("archive")
    for seed in range(COUNT):
        below = folder / "rec" / f"day{seed % 2}"
        below.mkdir(parents=True, exist_ok=True)
        write_recording(below / f"r{seed}", two_carriers(DURATION, seed))
    (folder / "rec/bad.sigmf-meta").write_text("{")
    return {
        "rec": folder / "rec",
        "model": make_level_bundle(folder / "level.pt"),
        "tls": make_certificate(folder, "own"),
        "foreign": make_certificate(folder, "foreign"),
        "folder": folder,
    }


@pytest.fixture(scope="module")
def cluster(archive):
    """(the scheduler file, the processes of the scheduler and two workers); they hear on the
    loopback interface alone."""
    file = archive["folder"] / "scheduler.json"
    authority, certificate, key = archive["tls"]
    tls = ["--tls-ca-file", authority, "--tls-cert", certificate, "--tls-key", key]
    common = [*tls, "--protocol", "tls", "--host", "127.0.0.1", "--scheduler-file", str(file)]
    common += ["--dashboard-address", "127.0.0.1:0"]
    log = (archive["folder"] / "dask.log").open("w")

    def start(*words: str) -> subprocess.Popen:
        # PyTorch computes on one core in tests: see conftest.py
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words, *common], stdout=log, stderr=log
        )

    processes = [start("scheduler", "--port", "0")]
    try:
        wait_for(lambda: file.exists() and file.read_text(), "scheduler")
        for number in range(2):
            place = str(archive["folder"] / f"worker{number}")
            options = ["--nthreads", "1", "--no-nanny", "--local-directory", place]
            processes.append(start("worker", *options))
        yield file, processes
    finally:
        for process in processes[::-1]:
            process.kill()
            process.wait()
        log.close()


def command(archive, out: Path, *more) -> list:
    few = ("--outputs", "jsonl,mask", "--table", "csv")
    return ["segment", archive["rec"], "--out", out, "--model", archive["model"], *few, *more]


def stop_at_work(out: Path, workers: list[subprocess.Popen], running: subprocess.Popen) -> int:
    """Halt a worker in the middle of its second recording or a later one; its process number."""
    known = {process.pid for process in workers}

    def halted() -> int:
        assert running.poll() is None, running.communicate()
        records = list(read_records(out))
        ended = {r.facts["process"] for r in records if r.state != STARTED}
        for record in records:
            worker = record.facts["process"]
            if record.state == STARTED and worker in ended & known:
                os.kill(worker, signal.SIGSTOP)
                now = next(r for r in read_records(out) if r.recording == record.recording)
                if now == record:
                    return worker
                os.kill(worker, signal.SIGCONT)
        return 0

    return wait_for(halted, "worker at work")


def test_all_results_though_a_worker_is_killed_equal_to_one_machines(archive, cluster, tmp_path):
    file, (_, *workers) = cluster
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    running = start_radiofm(
        *command(archive, shared, "--dask", file, "--dask-tls", *archive["tls"])
    )
    os.kill(stop_at_work(shared, workers, running), signal.SIGKILL)
    out, errors = running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == 2, errors
    assert f"{COUNT} done, 0 skipped (done before), 1 failed" in out
    assert errors.count("\n") == 1 and "bad.sigmf-meta is not valid JSON" in errors
    # one was begun twice, and by the other worker in the end
    records = [record for record in read_records(shared) if record.recording != "bad.sigmf-meta"]
    assert sorted(record.attempts for record in records) == [1] * (COUNT - 1) + [2]

    assert radiofm(*command(archive, alone)).returncode == 2
    paths = sorted(path.relative_to(alone) for path in alone.rglob("*.jsonl"))
    assert len(paths) == COUNT
    assert paths == sorted(path.relative_to(shared) for path in shared.rglob("*.jsonl"))
    for path in paths:
        assert_same_results(alone / path, shared / path)
    # and there is nothing left to do, here or there
    again = radiofm(*command(archive, shared))
    assert f"{COUNT} skipped" in again.stdout


def assert_same_results(one: Path, other: Path) -> None:
    masks = [np.load(path.with_suffix(".mask.npz")) for path in (one, other)]
    assert sorted(masks[0]) == sorted(masks[1])
    assert all(np.array_equal(masks[0][name], masks[1][name]) for name in masks[0])
    texts = [path.read_text() for path in (one, other)]
    assert texts[0] == texts[1] != ""


def test_a_scheduler_that_knows_another_authority_is_told(archive, cluster, tmp_path):
    file, _ = cluster
    done = radiofm(*command(archive, tmp_path, "--dask", file, "--dask-tls", *archive["foreign"]))
    assert_one_line_error(done, "no Dask scheduler answers", "--dask-tls", code=1)


def signal_all(processes: list[subprocess.Popen], number: signal.Signals) -> None:
    for process in processes:
        process.send_signal(number)


def test_a_scheduler_that_goes_away_ends_the_run_and_nothing_is_lost(archive, cluster, tmp_path):
    file, (scheduler, *workers) = cluster
    running = start_radiofm(
        *command(archive, tmp_path / "out", "--dask", file, "--dask-tls", *archive["tls"])
    )

    def is_at_work() -> bool:
        assert running.poll() is None, running.communicate()
        if not any(record.state == STARTED for record in read_records(tmp_path / "out")):
            return False
        # halted, none of them is through with all before the scheduler is gone
        signal_all(workers, signal.SIGSTOP)
        if any(record.state == STARTED for record in read_records(tmp_path / "out")):
            return True
        signal_all(workers, signal.SIGCONT)
        return False

    wait_for(is_at_work, "worker at work")
    scheduler.kill()
    out, errors = running.communicate(timeout=TIMEOUT_S)
    signal_all(workers, signal.SIGCONT)
    assert running.returncode == 1 and "Traceback" not in errors, out + errors
    assert "the Dask scheduler is gone" in errors and "not done" in out
    failed = [r.recording for r in read_records(tmp_path / "out") if r.state == FAILED]
    assert failed in ([], ["bad.sigmf-meta"])


def test_workers_without_the_folder_of_results_are_refused(archive, tmp_path):
    from radiofm_cli.archive.task import Job, settings_of
    from radiofm_cli.archive.worker import why_unfit
    from radiofm_cli.segmentation import SegmentOptions

    options = SegmentOptions(model=str(archive["model"]))
    job = Job(tmp_path, options, "level", settings_of(options, "another"), "run")
    assert "must be shared" in why_unfit(job, ())
    (tmp_path / ".radiofm").mkdir()
    (tmp_path / ".radiofm/run").write_text("run")
    assert "is another one" in why_unfit(job, ())
