# SPDX-License-Identifier: GPL-3.0-or-later
"""Many recordings without running any: which there are, which are done, what the tables hold."""

import csv
import json
import os
import sys
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from radiofm_core.archive import table_files
from radiofm_core.archive.claim import claim, sees_run
from radiofm_core.archive.places import find_places
from radiofm_core.archive.record import (
    DONE,
    FAILED,
    STARTED,
    Record,
    file_states,
    read_record,
    read_records,
    record_path,
    write_record,
)
from radiofm_core.archive.table_files import check_format, usual_format, write_tables
from radiofm_core.errors import InputError, OutputError, UsageError
from radiofm_core.outputs.files import output_errors
from radiofm_core.spectrum.recordings import open_recording

SETTINGS = {"model_sha256": "abc", "min_confidence": 0.5}
EMISSION = {
    "burst_id": 0,
    "label": "lte",
    "confidence": 0.9,
    "center_frequency": 1.8e9,
    "bandwidth": 2e6,
    "start_time": 1.7e9 + 0.25,
    "duration": 0.5,
    "start_offset": 480_000,
    "end_offset": 1_440_000,
    "snr_db": 20.0,
    "pwr_db": -30.0,
    "active_time": 0.5,
    "bursts": 3,
    "subcarrier_spacing": 15e3,
    "evidence": [
        {"lag": 66.7e-6, "coherence": 0.2, "floor": 0.01, "meaning": "symbols of 15 kHz"},
        {"lag": 0.01, "coherence": 0.5, "floor": 0.01, "meaning": "repeats with LTE's frame"},
    ],
}


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def find(*inputs: Path, out: Path, any_raw: bool = False):
    """(places, the names that were left out, those of them that are faults)."""
    told = []
    places = find_places(inputs, out, lambda *told_of: told.append(told_of), any_raw)
    return (
        places,
        [path.name for path, _, _ in told],
        [path.name for path, _, is_fault in told if is_fault],
    )


def test_a_folder_is_searched_with_all_below_it_and_results_lie_alike(tmp_path):
    rec = tmp_path / "rec"
    touch(rec, "b.sigmf-meta", "b.sigmf-data", "day 1/a.sigmf-meta", "day 1/x/c.cf32", "notes.txt")
    touch(rec, ".hidden/a.sigmf-meta", ".part.sigmf-meta", "day 1/._a.sigmf-meta")
    places, left, _ = find(rec, out=tmp_path / "out")
    assert [(place.name, place.stem) for place in places] == [
        ("b.sigmf-meta", "b"),
        ("day 1/a.sigmf-meta", "day 1/a"),
        ("day 1/x/c.cf32", "day 1/x/c"),
    ]
    assert places[0].path == rec / "b.sigmf-meta" and places[0].size == 1 and left == []


def test_results_are_no_recordings(tmp_path):
    touch(tmp_path, "a.sigmf-meta", "out/b.sigmf-meta", "old/c.sigmf-meta", "old/.radiofm/lock")
    touch(tmp_path, "named/d.sigmf-meta", "named/d.mask.npz")
    places, left, faults = find(tmp_path, out=tmp_path / "out")
    assert [place.name for place in places] == ["a.sigmf-meta"]
    assert left == ["old"] and faults == []


def test_results_into_the_folder_of_recordings_itself_are_refused(tmp_path):
    touch(tmp_path, "a.sigmf-meta")
    with pytest.raises(UsageError, match="is the folder of the recordings"):
        find(tmp_path, out=tmp_path / "x" / "..")


def test_links_to_folders_are_told_and_not_followed(tmp_path):
    touch(tmp_path, "rec/a.sigmf-meta", "elsewhere/b.sigmf-meta")
    (tmp_path / "rec/out of it").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "rec/round").symlink_to(tmp_path / "rec")
    places, left, _ = find(tmp_path / "rec", out=tmp_path / "out")
    assert [place.name for place in places] == ["a.sigmf-meta"]
    assert left == ["out of it", "round"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_a_fault(tmp_path):
    touch(tmp_path, "rec/a.sigmf-meta", "rec/shut/b.sigmf-meta")
    (tmp_path / "rec/shut").chmod(0)
    places, _, faults = find(tmp_path / "rec", out=tmp_path / "out")
    (tmp_path / "rec/shut").chmod(0o700)
    assert len(places) == 1 and faults == ["shut"]


def test_recordings_that_differ_in_their_suffix_alone_keep_their_results_apart(tmp_path):
    touch(tmp_path, "rec/x.wav", "rec/x.cs16", "rec/y.cu8.gz", "rec/z.sigmf-meta")
    places, _, _ = find(tmp_path / "rec", out=tmp_path / "out")
    stems = {place.name: place.stem for place in places}
    assert stems == {
        "x.wav": "x.wav",
        "x.cs16": "x.cs16",
        "y.cu8.gz": "y",
        "z.sigmf-meta": "z",
    }


def test_two_folders_with_the_same_names_are_refused_before_anything_is_done(tmp_path):
    touch(tmp_path, "one/a.sigmf-meta", "two/a.sigmf-meta")
    with pytest.raises(UsageError, match=r"one/a.*two/a.*two folders"):
        find(tmp_path / "one", tmp_path / "two", out=tmp_path / "out")


def test_a_pair_is_one_recording_however_it_is_named(tmp_path):
    touch(tmp_path, "a.sigmf-meta", "a.sigmf-data")
    named = [tmp_path / name for name in ("a", "a.sigmf-data", "a.sigmf-meta")]
    places, _, _ = find(*named, tmp_path, out=tmp_path / "out")
    assert [place.name for place in places] == ["a.sigmf-meta"]


def write_tar(path: Path, *names: str) -> None:
    with tarfile.open(path, "w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))


def test_recordings_of_an_archive_are_recordings_of_their_own(tmp_path):
    write_tar(tmp_path / "two.sigmf", "a.sigmf-meta", "a.sigmf-data", "b/c.sigmf-meta")
    write_tar(tmp_path / "one.sigmf", "a.sigmf-meta", "a.sigmf-data")
    write_tar(tmp_path / "evil.sigmf", "../a.sigmf-meta", "../a.sigmf-data", "b.sigmf-meta")
    places, _, _ = find(tmp_path, out=tmp_path / "out")
    assert {place.name: place.stem for place in places} == {
        "evil.sigmf": "evil",  # told when it is opened
        "one.sigmf": "one",
        "two.sigmf/a": "two.sigmf/a",
        "two.sigmf/b/c": "two.sigmf/b/c",
    }
    with pytest.raises(InputError, match=r"evil\.sigmf.*\.\./a"):
        open_recording(places[0].path)


def test_a_folder_that_is_gone_is_named(tmp_path):
    places, _, _ = find(tmp_path / "gone", out=tmp_path / "out")
    assert places[0].path == tmp_path / "gone"  # told when it is opened
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be read .*check its rights"):
        list(find_in_file(tmp_path / "file"))


def find_in_file(path: Path):
    from radiofm_core.archive.places import _search

    return _search(path, Path("/nowhere"), lambda *_: None, False)


@pytest.fixture
def done(tmp_path) -> tuple[Path, Record]:
    """(folder of results, the record in it) of a recording that is done."""
    touch(tmp_path, "rec/sub/a.sigmf-meta", "rec/sub/a.sigmf-data", "out/sub/a.jsonl")
    out = tmp_path / "out"
    files = [tmp_path / "rec/sub/a.sigmf-meta", tmp_path / "rec/sub/a.sigmf-data"]
    facts = {"model": "level", "sample_rate": 1.92e6, "start_time": 1.7e9, "duration": 1.0}
    facts |= {"samples": 1_920_000, "frames": 50, "emissions": 1, "finished": 1.8e9}
    record = Record(
        "sub/a.sigmf-meta",
        "sub/a",
        file_states(out.resolve(), files),
        SETTINGS,
        DONE,
        ("jsonl",),
        facts=facts,
    )
    write_record(out, record)
    (out / "sub/a.jsonl").write_text(json.dumps(EMISSION) + "\n")
    return out, record


def is_current(out: Path, stem="sub/a", settings=SETTINGS, outputs=("jsonl",)) -> bool:
    record = read_record(out, "sub/a.sigmf-meta")
    return record is not None and record.is_current(out, stem, settings, outputs)


def test_a_record_reads_as_it_was_written(done):
    out, record = done
    assert read_record(out, "sub/a.sigmf-meta") == record
    assert list(read_records(out)) == [record]
    assert is_current(out)


def test_results_and_recordings_can_be_moved_together(done, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("rec", "out"):
        (tmp_path / name).rename(moved / name)
    assert is_current(moved / "out")


def rewrite(path: Path) -> None:
    path.write_bytes(b"longer")


@pytest.mark.parametrize(
    ("change", "ask"),
    [
        (lambda folder: rewrite(folder / "rec/sub/a.sigmf-data"), {}),
        (lambda folder: os.utime(folder / "rec/sub/a.sigmf-meta", (1, 1)), {}),
        (lambda folder: (folder / "rec/sub/a.sigmf-data").unlink(), {}),
        (lambda folder: (folder / "out/sub/a.jsonl").unlink(), {}),
        (lambda folder: None, {"settings": {**SETTINGS, "model_sha256": "other"}}),
        (lambda folder: None, {"settings": {**SETTINGS, "sample_rate": 2e6}}),
        (lambda folder: None, {"outputs": ("jsonl", "picture")}),
        (lambda folder: None, {"stem": "sub/a.sigmf-meta"}),
    ],
)
def test_what_changed_is_done_anew(done, tmp_path, change, ask):
    assert is_current(done[0])
    change(tmp_path)
    assert not is_current(done[0], **ask)


@pytest.mark.parametrize("state", [STARTED, FAILED])
def test_only_what_came_to_its_end_is_done(done, state):
    out, record = done
    write_record(out, record.with_state(state, "why"))
    assert not is_current(out)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "null",
        lambda text: "[" * 100_000,
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: text.replace('"sub/a"', '"../../a"'),
        lambda text: text.replace('"sub/a"', "7"),
        lambda text: text.replace('"size"', '"length"'),
        lambda text: text.replace('"files": [', '"files": [7, '),
        lambda text: text.replace('"facts": {', '"facts": [], "x": {'),
    ],
)
def test_a_damaged_record_is_none(done, damage):
    out, _ = done
    path = record_path(out, "sub/a.sigmf-meta")
    path.write_text(damage(path.read_text()))
    assert read_record(out, "sub/a.sigmf-meta") is None
    assert list(read_records(out)) == []


def test_a_name_in_no_encoding_is_kept(tmp_path):
    name = os.fsdecode(b"r\xe9c.sigmf-meta")
    write_record(tmp_path, Record(name, "rec", (), {}, FAILED, reason="x"))
    assert next(read_records(tmp_path)).recording == name
    write_tables(tmp_path, ["csv", "parquet"], pytest.fail)
    assert "r\\udce9c" in (tmp_path / "recordings.csv").read_text()


def test_one_run_at_a_time(tmp_path):
    with claim(tmp_path) as run:
        assert sees_run(tmp_path, run)
        with (
            pytest.raises(UsageError, match=rf"another run.*process {os.getpid()} "),
            claim(tmp_path),
        ):
            pass
    assert not sees_run(tmp_path, "another")
    with claim(tmp_path) as again:
        assert again != run


def rows(path: Path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_tables_hold_what_records_and_lines_say(done):
    out, record = done
    failed = replace(record, recording="bad.wav", results="bad", outputs=(), facts={})
    write_record(out, failed.with_state(FAILED, "no RIFF, in \u201cbad\u201d"))
    paths = write_tables(out, ["csv", "parquet"], pytest.fail)
    assert [path.name for path in paths] == [
        *("recordings.csv", "emissions.csv"),
        *("recordings.parquet", "emissions.parquet"),
    ]
    bad, good = rows(paths[0])
    assert (bad["state"], bad["reason"], bad["duration"]) == (
        FAILED,
        "no RIFF, in \u201cbad\u201d",
        "",
    )
    assert (good["recording"], good["state"], good["samples"]) == (
        *("sub/a.sigmf-meta", DONE),
        "1920000",
    )
    assert good["start_time"] == "2023-11-14T22:13:20.000000Z"
    (emission,) = rows(paths[1])
    assert emission["start_time"] == "2023-11-14T22:13:20.250000Z"
    assert emission["end_time"] == "2023-11-14T22:13:20.750000Z"
    assert float(emission["lower_edge"]) == 1.799e9 and float(emission["upper_edge"]) == 1.801e9
    assert float(emission["start_seconds"]) == 0.25
    assert emission["evidence"] == "symbols of 15 kHz, repeats with LTE's frame"
    assert emission["model"] == "level"


def test_parquet_has_typed_columns(done):
    parquet = pytest.importorskip("pyarrow.parquet")
    out, _ = done
    _, path = write_tables(out, ["parquet"], pytest.fail)
    found = parquet.read_table(path)
    (row,) = found.to_pylist()
    assert row["start_time"] == datetime.fromtimestamp(1.7e9 + 0.25, UTC)
    assert row["subcarrier_spacing"] == 15e3 and row["bursts"] == 3
    assert str(found.schema.field("start_time").type) == "timestamp[us, tz=UTC]"
    assert str(found.schema.field("label").type) == "string"


def test_a_recording_without_a_date_has_no_times_but_seconds(done):
    out, record = done
    write_record(out, replace(record, facts={**record.facts, "start_time": None}))
    write_tables(out, ["csv"], pytest.fail)
    (row,) = rows(out / "emissions.csv")
    assert row["start_time"] == row["end_time"] == "" and float(row["start_seconds"]) == 0.25


@pytest.mark.parametrize("text", ["{", "7\n", '{"label": "lte"}\n', '{"start_time": null}\n'])
def test_damaged_lines_are_told_and_the_rest_is_taken(done, text):
    out, _ = done
    with (out / "sub/a.jsonl").open("a") as file:
        file.write(text)
    told = []
    write_tables(out, ["csv"], told.append)
    assert len(rows(out / "emissions.csv")) == 1
    assert len(told) == 1 and "sub/a.jsonl: line 2 is no emission" in told[0]


def test_lines_that_are_gone_are_told(done):
    out, _ = done
    (out / "sub/a.jsonl").unlink()
    told = []
    write_tables(out, ["csv"], told.append)
    assert rows(out / "emissions.csv") == [] and "sub/a.jsonl: cannot be read" in told[0]


def test_many_emissions_are_more_than_one_group_of_rows(done, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    out, _ = done
    monkeypatch.setattr(table_files, "_ROWS_AT_ONCE", 4)
    (out / "sub/a.jsonl").write_text((json.dumps(EMISSION) + "\n") * 10)
    write_tables(out, ["parquet"], pytest.fail)
    file = parquet.ParquetFile(out / "emissions.parquet")
    assert file.metadata.num_rows == 10 and file.num_row_groups == 3


def test_without_pyarrow_there_is_csv(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert usual_format() == "csv"
    check_format("csv")
    with pytest.raises(UsageError, match=r"requirements-parquet\.txt.*--table csv"):
        check_format("parquet")


def test_a_table_that_cannot_be_written_leaves_the_old_one(done, monkeypatch):
    out, _ = done
    write_tables(out, ["csv"], pytest.fail)
    old = (out / "emissions.csv").read_bytes()

    def full(table, file):
        file.write(b"half")
        with output_errors(out):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(table_files, "write_csv", full)
    with pytest.raises(OutputError, match="No space left"):
        write_tables(out, ["csv"], pytest.fail)
    assert (out / "emissions.csv").read_bytes() == old
    assert not list(out.glob(".*.part"))


def test_what_goes_wrong_in_a_run_is_not_called_a_fault_of_the_folder(tmp_path):
    with pytest.raises(ConnectionError, match="closed"), claim(tmp_path):
        raise ConnectionError("closed")
    # and it is free again
    with claim(tmp_path) as run:
        assert sees_run(tmp_path, run)
