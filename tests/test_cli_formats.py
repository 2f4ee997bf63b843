# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of other programs on the command line: what was taken from them is told, pipes and
archives are segmented."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from level_model import RATE, make_level_bundle, two_carriers, write_recording
from radiofm_command import RADIOFM, radiofm
from recording_files import CENTER, auxi, stored, write_wav

SAMPLES = two_carriers(0.2)
RAW = ("--datatype", "sc16", "--sample-rate", f"{RATE:.0f}", "--center-frequency", "1.8G")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


def labels(path):
    return sorted(json.loads(line)["label"] for line in path.read_text().splitlines())


def test_what_was_taken_and_what_is_wrong_is_told(tmp_path, model):
    path = write_wav(tmp_path / "HDSDR_900000kHz.wav", SAMPLES, "ci16_le", auxi())
    os.truncate(path, path.stat().st_size - 5)
    done = radiofm("segment", path, "--out", tmp_path / "out", "--model", model)
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert lines[0].endswith(
        "ci16_le, 1.92 MS/s, 1800 MHz, 2016-01-01T23:19:14Z (from its WAV header)"
    )
    assert [line.startswith("radiofm: warning: ") for line in lines] == [False, True, True, True]
    assert labels(tmp_path / "out/HDSDR_900000kHz.jsonl") == ["lte", "nr"]
    meta = json.loads((tmp_path / "out/HDSDR_900000kHz.sigmf-meta").read_text())
    (capture,) = meta["captures"]
    assert capture["core:frequency"] == CENTER
    assert capture["core:datetime"] == "2016-01-01T23:19:14.000000000Z"
    # samples behind a header are no SigMF data
    assert meta["global"]["core:metadata_only"]
    assert not (tmp_path / "out/HDSDR_900000kHz.sigmf-data").exists()


def test_all_recordings_of_an_archive_are_segmented(tmp_path, model):
    (tmp_path / "in").mkdir()
    for name in "ab":
        write_recording(tmp_path / "in" / name, SAMPLES)
    shutil.make_archive(str(tmp_path / "x"), "tar", tmp_path / "in")
    (tmp_path / "x.tar").rename(tmp_path / "x.sigmf")
    done = radiofm("segment", tmp_path / "x.sigmf", "--out", tmp_path / "out", "--model", model)
    assert (done.returncode, done.stderr) == (0, "")
    for name in "ab":
        assert labels(tmp_path / f"out/x_{name}.jsonl") == ["lte", "nr"]
    # the same input again replaces its own results, another one does not
    again = radiofm("segment", tmp_path / "x.sigmf/a", "--out", tmp_path / "out", "--model", model)
    assert again.returncode == 0
    shutil.copy(tmp_path / "x.sigmf", tmp_path / "in/x.sigmf")
    other = tmp_path / "in/x.sigmf/a"
    refused = radiofm("segment", other, "--out", tmp_path / "out", "--model", model)
    assert refused.returncode == 2 and "x.sigmf/a.sigmf-meta, not of" in refused.stderr


def test_standard_input_is_segmented_to_its_end(tmp_path, model):
    done = subprocess.run(
        [*RADIOFM, "segment", "-", *RAW, "--out", tmp_path, "--model", model],
        input=stored(SAMPLES, "ci16_le") + b"x",
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (results,) = tmp_path.glob("stdin_*.jsonl")
    assert labels(results) == ["lte", "nr"]
    assert b"taken from - into a temporary file" in done.stderr
    assert b"its last 1 of" in done.stderr


def test_ctrl_c_ends_what_comes_and_that_is_segmented(tmp_path, model):
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [*RADIOFM, "segment", "-", *RAW, "--out", tmp_path, "--model", model],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )
    content = stored(SAMPLES, "ci16_le")
    process.stdin.write(content)
    process.stdin.flush()
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        held = list((tmp_path / "tmp").glob("radiofm-samples-*/stdin_*"))
        # what is not written yet is less than a buffer
        if held and held[0].stat().st_size > len(content) - 10_000:
            break
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    # the pipe stays open, as of a receiver that does not hear the signal
    try:
        process.wait(300)
    finally:
        process.kill()
        process.stdin.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.returncode == 0, errors
    (results,) = tmp_path.glob("stdin_*.jsonl")
    assert labels(results) == ["lte", "nr"]
    assert list((tmp_path / "tmp").glob("radiofm-samples-*")) == []


def test_watch_takes_samples_from_standard_input(model):
    done = subprocess.run(
        [*RADIOFM, "watch", "--source", "file=-", *RAW, "--json", "--model", model],
        input=stored(SAMPLES, "ci16_le"),
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event.get("label") for event in events} >= {"lte", "nr"}


def test_watch_says_what_a_pipe_lacks(model):
    done = radiofm("watch", "--source", "file=-", "--model", model)
    assert done.returncode == 2 and "standard input: the sample format is unknown" in done.stderr
