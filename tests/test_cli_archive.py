# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm segment FOLDER`` as a user runs it: again and again, killed, on a full disk."""

import csv
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from level_model import make_level_bundle, two_carriers, write_recording
from radiofm_command import assert_one_line_error, leftovers, radiofm, stopped_radiofm

from radiofm_core.archive.record import DONE, FAILED, STARTED, STOPPED, read_record

DURATION = 0.05
DATED = "2026-01-31T12:00:00Z"
NAMES = ["day0/a.sigmf-meta", "day1/b.sigmf-meta"]
FEW = ("--outputs", "jsonl,sigmf")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> Path:
    """A folder of two recordings, the first of which has a date."""
    folder = tmp_path_factory.mktemp("originals")
    for seed, name in enumerate(NAMES):
        path = folder / name
        path.parent.mkdir()
        meta = write_recording(path.with_suffix(""), two_carriers(DURATION, seed))
        if seed == 0:
            described = json.loads(meta.read_text())
            described["captures"][0]["core:datetime"] = DATED
            meta.write_text(json.dumps(described))
    return folder


@pytest.fixture
def recordings(originals, tmp_path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(originals, tmp_path / "rec"))


def states(out: Path) -> list[str]:
    records = [read_record(out, name) for name in NAMES]
    return [record.state if record else "" for record in records]


def lines(out: Path, name: str) -> list[dict]:
    path = (out / name).with_suffix(".jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def table(path: Path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_done_is_skipped_and_the_rest_is_done(recordings, tmp_path, model):
    bad = recordings / "day0/bad.sigmf-meta"
    bad.write_text("{")
    out = tmp_path / "out"
    command = ["segment", recordings, "--out", out, "--model", model, "--table", "csv", *FEW]
    first = radiofm(*command)
    # a recording that cannot be used is told, kept in mind and holds up none
    assert_one_line_error(first, "bad.sigmf-meta is not valid JSON")
    assert "3 recordings: 0 done before, 3 to do" in first.stdout
    assert "2 done, 0 skipped (done before), 1 failed" in first.stdout
    assert "100 ms of signal" in first.stdout and "× real time" in first.stdout
    assert leftovers(out / "day0") == ["a.jsonl", "a.sigmf-data", "a.sigmf-meta"]
    assert (out / "day1/b.sigmf-data").resolve() == recordings / "day1/b.sigmf-data"
    assert read_record(out, "day0/bad.sigmf-meta").state == FAILED
    found = {row["recording"]: row for row in table(out / "recordings.csv")}
    assert found["day0/bad.sigmf-meta"]["reason"] in first.stderr
    assert float(found[NAMES[0]]["duration"]) == DURATION
    emissions = table(out / "emissions.csv")
    assert len(emissions) == sum(len(lines(out, name)) for name in NAMES)
    dated = [row["start_time"] for row in emissions if row["recording"] == NAMES[0]]
    assert dated[0].startswith("2026-01-31T12:00:00.0")
    assert {row["start_time"] for row in emissions if row["recording"] == NAMES[1]} == {""}

    untouched = (out / "day0/a.jsonl").stat()
    shutil.copy(recordings / NAMES[0], bad)
    shutil.copy(recordings / "day0/a.sigmf-data", recordings / "day0/bad.sigmf-data")
    os.utime(recordings / "day1/b.sigmf-data", (1, 1))
    second = radiofm(*command)
    assert second.returncode == 0 and second.stderr == ""
    assert "3 recordings: 1 done before, 2 to do" in second.stdout
    assert "2 done, 1 skipped" in second.stdout
    assert (out / "day0/a.jsonl").stat() == untouched
    assert table(out / "recordings.csv")[1]["state"] == DONE

    # more is wanted than was written
    third = radiofm(*command[:-1], "jsonl,sigmf,mask")
    assert third.returncode == 0 and "3 done, 0 skipped" in third.stdout
    assert (out / "day1/b.mask.npz").exists()


@pytest.mark.parametrize(
    ("place", "number", "count", "state"),
    [
        # the results are written, the record is not
        ("radiofm_cli.archive.task:write_record", signal.SIGKILL, 2, STARTED),
        # some of the results have their names, others not
        ("radiofm_core.outputs.files:PendingFile.commit", signal.SIGKILL, 3, STARTED),
        ("radiofm_core.outputs.results:RecordingResults.add_mask", signal.SIGINT, 1, STOPPED),
        ("radiofm_cli.segmentation:open_recording", signal.SIGTERM, 1, STOPPED),
    ],
)
def test_what_ended_early_goes_on(originals, tmp_path, model, place, number, count, state):
    out = tmp_path / "out"
    command = ["segment", originals, "--out", out, "--model", model, "--table", "csv", *FEW]
    ended = stopped_radiofm(place, number, *command, count=count)
    assert states(out) == [state, ""]
    if number == signal.SIGKILL:
        assert ended.returncode == -signal.SIGKILL
    else:
        assert ended.returncode == 130 and "stopped: run the same command again" in ended.stdout
        assert "2 not done" in ended.stdout
    again = radiofm(*command)
    assert again.returncode == 0 and again.stderr == "", again.stderr
    assert "2 done, 0 skipped" in again.stdout and states(out) == [DONE, DONE]
    assert read_record(out, NAMES[0]).attempts == 2
    assert [len(lines(out, name)) > 0 for name in NAMES] == [True, True]
    assert not list(out.rglob("*.part"))
    # what ended the program once is done last
    if state == STARTED:
        told = [line.partition(":")[0] for line in again.stdout.splitlines()]
        assert told.index(NAMES[1]) < told.index(NAMES[0])


def test_a_full_disk_ends_the_run(originals, tmp_path, model):
    out = tmp_path / "out"
    command = ["segment", originals, "--out", out, "--model", model, "--table", "csv"]
    done = radiofm(*command, limit_file_size=20_000)
    assert_one_line_error(done, "cannot be written", "--out")
    assert states(out) == [FAILED, ""] and "1 not done" not in done.stderr
    assert "0 done, 0 skipped (done before), 0 failed, 2 not done" in done.stdout


def test_results_of_others_are_not_replaced(originals, tmp_path, model):
    out = tmp_path / "out"
    (out / "day0").mkdir(parents=True)
    (out / "day0/a.jsonl").write_text("mine")
    (out / "day1").symlink_to(tmp_path)
    command = ["segment", originals, "--out", out, "--model", model, "--table", "none", *FEW]
    done = radiofm(*command)
    assert done.returncode == 2 and (out / "day0/a.jsonl").read_text() == "mine"
    assert "a.jsonl is there and does not say that it is of" in done.stderr
    assert "leads outside of" in done.stderr and not (tmp_path / "b.jsonl").exists()
    assert states(out) == [FAILED, FAILED]
    (out / "day1").unlink()
    # nor the next time
    again = radiofm(*command)
    assert again.returncode == 2 and (out / "day0/a.jsonl").read_text() == "mine"
    assert states(out) == [FAILED, DONE]
    done = radiofm(*command, "--overwrite")
    assert done.returncode == 0 and states(out) == [DONE, DONE]


def test_named_files_are_resumed_on_request_and_the_table_is_made_anew(originals, tmp_path, model):
    out = tmp_path / "out"
    samples = two_carriers(DURATION).view(np.float32)
    (samples * 100 + 127.5).round().clip(0, 255).astype(np.uint8).tofile(tmp_path / "raw.bin")
    raw = ["--sample-rate", "1.92M", "--datatype", "cu8", "--table", "none", *FEW]
    command = ["segment", tmp_path / "raw.bin", "--resume", "--out", out, "--model", model, *raw]
    assert radiofm(*command).returncode == 0
    assert "1 recording: 1 done before, 0 to do" in radiofm(*command).stdout
    assert not (out / "emissions.csv").exists()
    made = radiofm("table", out, "--format", "csv")
    assert made.stdout.split() == [str(out / "recordings.csv"), str(out / "emissions.csv")]
    assert {row["recording"] for row in table(out / "emissions.csv")} == {"raw.bin"}
    assert_one_line_error(radiofm("table", tmp_path), "holds no results of a folder")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--outputs", "png"], ("expected some of picture, sigmf, jsonl, mask", "png")),
        (["--dask", "somewhere"], ("tcp://host:8786", "somewhere")),
        (["--dask", "tls://127.0.0.1:1"], ("needs certificates", "--dask-tls")),
    ],
)
def test_wrong_options_are_refused_in_one_line(originals, tmp_path, model, options, words):
    if "--dask" in options:
        pytest.importorskip("distributed")
    done = radiofm("segment", originals, "--out", tmp_path / "out", "--model", model, *options)
    assert_one_line_error(done, *words)


def test_a_folder_without_recordings_is_told(tmp_path, model):
    (tmp_path / "empty").mkdir()
    done = radiofm("segment", tmp_path / "empty", "--out", tmp_path / "out", "--model", model)
    assert_one_line_error(done, "no recording in", "empty")
