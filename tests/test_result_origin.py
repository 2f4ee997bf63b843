# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of one input are not replaced by those of another that only shares its name."""

import json
import os
import shutil
import subprocess

import pytest
from csi_walk import STILL, WALKING, scene, write_npz
from level_model import make_level_bundle, two_carriers, write_recording
from motion_model import make_motion_bundle
from radiofm_command import assert_one_line_error, leftovers

from radiofm_cli.command import run
from radiofm_core.outputs.origin import NOTE, origin_note, origin_of

RAW = ("--sample-rate", "1.92M", "--datatype", "cf32_le")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


@pytest.fixture
def radiofm(tmp_path, capsys):
    """Run a command with results in ``out``, in this process: it starts many times here."""

    def call(*words):
        code = run([*map(str, words), "--out", str(tmp_path / "out")])
        return subprocess.CompletedProcess(words, code, *capsys.readouterr())

    return call


@pytest.fixture
def segment(radiofm, model):
    """Run ``radiofm segment``."""
    return lambda *words: radiofm("segment", *words, "--model", model)


def contents(folder) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in leftovers(folder)}


def same_name(tmp_path, name="a"):
    """Two different recordings of one name."""
    for folder, seed in (("x", 1), ("y", 2)):
        (tmp_path / folder).mkdir()
        write_recording(tmp_path / folder / name, two_carriers(0.03, seed))
    return tmp_path / "x" / f"{name}.sigmf-meta", tmp_path / "y" / f"{name}.sigmf-meta"


def test_raw_files_of_one_stem_are_two_inputs(tmp_path, segment):
    for name in ("a.bin", "a.dat"):
        two_carriers(0.03).tofile(tmp_path / name)
    done = segment(tmp_path / "a.bin", tmp_path / "a.dat", *RAW)
    assert_one_line_error(done, "a.bin", "a.dat", "would both write")
    assert leftovers(tmp_path / "out") == []


def test_a_pair_and_a_raw_file_of_its_stem_are_two_inputs(tmp_path, segment):
    first = write_recording(tmp_path / "a", two_carriers(0.03))
    two_carriers(0.03).tofile(tmp_path / "a.bin")
    assert_one_line_error(segment(first, tmp_path / "a.bin", *RAW), "would both write")


def test_a_pair_is_one_input_by_each_of_its_names(tmp_path, segment):
    meta = write_recording(tmp_path / "a.1", two_carriers(0.03))
    other = write_recording(tmp_path / "a.2", two_carriers(0.03))
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    again = (meta.with_suffix(".sigmf-data"), tmp_path / "a.1", link / "a.1.sigmf-meta")
    done = segment(meta, *again, other.with_suffix(""))
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("a.")] == [
        "a.1",
        "a.2",
    ]


def test_a_later_run_does_not_replace_another_recordings_results(tmp_path, segment):
    first, second = same_name(tmp_path)
    assert segment(first).returncode == 0
    before = contents(tmp_path / "out")
    third = write_recording(tmp_path / "b", two_carriers(0.03))
    done = segment(second, third)
    assert_one_line_error(done, "out/a.png", "x/a.sigmf-data", "y/a.sigmf-data", "--overwrite")
    after = contents(tmp_path / "out")
    assert {name: after[name] for name in before} == before and "b.jsonl" in after
    assert segment(first).returncode == 0
    assert segment(second, "--overwrite").returncode == 0
    assert (tmp_path / "out/a.sigmf-data").resolve() == second.with_suffix(".sigmf-data")
    assert_one_line_error(segment(first), "y/a.sigmf-data")


def test_results_and_recording_may_be_moved_together(tmp_path, segment):
    home = tmp_path / "home"
    home.mkdir()
    # a line end, and what ASCII does not hold
    name = "a\nβ"
    write_recording(home / name, two_carriers(0.03))
    (home / "out").mkdir()
    (tmp_path / "out").symlink_to(home / "out")
    assert segment(home / name).returncode == 0
    (tmp_path / "out").unlink()
    home.rename(tmp_path / "moved")
    (tmp_path / "out").symlink_to(tmp_path / "moved" / "out")
    done = segment(tmp_path / "moved" / name)
    assert done.returncode == 0, done.stderr


def test_files_that_do_not_say_what_they_are_of_are_left_alone(tmp_path, segment):
    meta, _ = same_name(tmp_path)
    out = tmp_path / "out"
    for name in ("a.png", "a.mask.npz", "a.sigmf-data"):
        out.mkdir()
        (out / name).write_text("mine")
        assert_one_line_error(segment(meta), name, "x/a.sigmf-data", "--overwrite")
        assert contents(out) == {name: b"mine"}
        shutil.rmtree(out)


def test_results_whose_picture_was_thrown_away_may_be_replaced(tmp_path, segment):
    first, second = same_name(tmp_path)
    assert segment(first).returncode == 0
    (tmp_path / "out/a.png").unlink()
    assert_one_line_error(segment(second), "a.sigmf-meta is there", "--overwrite")
    assert segment(first).returncode == 0


@pytest.mark.parametrize("command", ["segment", "activity"])
def test_a_run_that_ended_between_two_files_names_does_not_bar_the_next(
    tmp_path, radiofm, model, monkeypatch, command
):
    if command == "segment":
        path = write_recording(tmp_path / "a", two_carriers(0.03))
    else:
        path = write_npz(tmp_path / "a.npz", scene((STILL, 4.0)))
        model = make_motion_bundle(tmp_path / "motion.pt")
    calls = []

    def replace_once(source, target, replace=os.replace):
        calls.append(target)
        if len(calls) > 1:
            raise OSError("ended")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("radiofm_core.outputs.files.os.replace", replace_once)
        assert_one_line_error(radiofm(command, path, "--model", model), "ended")
    assert len(calls) == 2
    done = radiofm(command, path, "--model", model)
    assert done.returncode == 0, done.stderr


def test_activity_keeps_to_the_same_rules(tmp_path, radiofm):
    model = make_motion_bundle(tmp_path / "motion.pt")
    files = []
    for number, folder in enumerate(("x", "y")):
        (tmp_path / folder).mkdir()
        packets = scene((STILL, 4.0), (WALKING if number else STILL, 4.0))
        files.append(write_npz(tmp_path / folder / "a.npz", packets))
    out = tmp_path / "out"

    def activity(*words):
        return radiofm("activity", *words, "--model", model)

    assert_one_line_error(activity(*files), "would both write")
    done = activity(files[0], tmp_path / "x" / ".." / "x" / "a.npz")
    assert done.returncode == 0 and done.stdout.count("written to") == 1, done.stderr
    before = contents(out)
    assert_one_line_error(activity(files[1]), "out/a.png", "y/a.npz", "--overwrite")
    assert contents(out) == before
    assert activity(files[0]).returncode == 0
    assert activity(files[1], "--overwrite").returncode == 0
    assert contents(out)["a.jsonl"] != before["a.jsonl"]


def test_a_damaged_picture_says_nothing(tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + bytes(4)

    def told(*chunks: bytes):
        picture = tmp_path / "p.png"
        picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
        return origin_of(picture)

    note = NOTE.encode() + b"\0" + origin_note(tmp_path, tmp_path / "in put").encode()
    good = chunk(b"tEXt", note)
    assert told(chunk(b"tEXt", b"Software\0x"), good) == tmp_path.resolve() / "in put"
    assert told(good[:-20]) is None and told() is None and told(b"\xff" * 40) is None
    assert told(chunk(b"IDAT", b""), good) is None
    for text in (b"", b"3", b"{", b"\xff", b"[" * 50_000, json.dumps("a\0b").encode()):
        assert told(chunk(b"tEXt", NOTE.encode() + b"\0" + text)) is None
    assert origin_of(tmp_path / "none.png") is None
