# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm activity`` as a user runs it: lines, picture, terminal, bad input, Ctrl-C."""

import json
import signal

import numpy as np
import pytest
import torch
from csi_files import SENDER
from csi_room import Receiver, Room
from csi_walk import STILL, WALKING, scene, write_npz, write_pcap
from level_model import make_level_bundle
from motion_model import CLASSES, MotionClassifier, make_motion_bundle
from radiofm_command import (
    assert_one_line_error,
    leftovers,
    radiofm,
    read_one_line,
    stopped_radiofm,
)
from torch import nn

from radiofm_cli.command import run
from radiofm_core import bundle
from radiofm_core.csi.reader import CsiReader, open_csi
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import BundleError, InputError
from training.engine.bundle_file import export_bundle

KEYS = (
    "start_time duration label confidence probabilities motion_db motion_probability packet_rate "
    "lost_packets source"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_motion_bundle(tmp_path_factory.mktemp("models") / "motion.pt")


@pytest.fixture
def activity(tmp_path, model):
    """Run on files; (the finished command, its folder of results)."""

    def start(*arguments, **options):
        out = tmp_path / "out"
        done = radiofm("activity", "--out", out, "--model", model, *arguments, **options)
        return done, out

    return start


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_results_are_whole_when_nobody_reads_the_output(tmp_path, model):
    path = write_npz(tmp_path / "walk.npz", scene((STILL, 6.0)))
    out = tmp_path / "out"
    done = read_one_line("activity", path, "--out", out, "--model", model, lines=0)
    assert (done.returncode, done.stderr) == (141, "")
    assert leftovers(out) == ["walk.jsonl", "walk.png"]


def assert_tiles(lines, start_s, end_s):
    """Each line begins where the one before ended, from the first packet to the last."""
    assert lines[0]["start_time"] == pytest.approx(start_s, abs=1e-6)
    ends = [line["start_time"] + line["duration"] for line in lines]
    assert np.allclose(ends[:-1], [line["start_time"] for line in lines[1:]], atol=2e-6)
    # a rest of less than a row has no line
    assert end_s - 0.01 < ends[-1] < end_s + 1e-6


@pytest.fixture(scope="module")
def walked(tmp_path_factory, model):
    """(the finished command, its results, the packets): still, walking, still."""
    folder = tmp_path_factory.mktemp("walk")
    packets = scene((STILL, 6.0), (WALKING, 8.0), (STILL, 6.3))
    path = write_npz(folder / "walk.npz", packets)
    out = folder / "results" / "out"
    return radiofm("activity", path, "--out", out, "--model", model), out, packets


def test_two_results(walked):
    from PIL import Image

    done, out, _ = walked
    assert done.returncode == 0 and done.stderr == ""
    assert leftovers(out) == ["walk.jsonl", "walk.png"]
    with Image.open(out / "walk.png") as image:
        assert image.format == "PNG" and image.width == 1680


def test_lines_tile_the_file_and_follow_the_person(walked):
    _, out, packets = walked
    lines = lines_of(out / "walk.jsonl")
    assert all(" ".join(line) == KEYS for line in lines)
    assert_tiles(lines, packets[0].time_ns * 1e-9, packets[-1].time_ns * 1e-9)
    for line in lines:
        middle = line["start_time"] + line["duration"] / 2
        # windows of two seconds see a change up to a second ahead and behind
        if abs(middle - 6) > 1 and abs(middle - 14) > 1:
            walking = 6 < middle < 14
            assert line["label"] == ("MOVING" if walking else "STILL"), line
            assert (line["motion_db"] > 12) == walking, line
        assert 70 < line["packet_rate"] < 100 and line["source"] == ""
        assert line["confidence"] == max(line["probabilities"].values()) == 0.9


def test_terminal_tells_the_file_and_the_runs(walked):
    lines = walked[0].stdout.splitlines()
    assert lines[0].startswith("walk: NumPy archive, ") and "1 antenna × 56 sub" in lines[0]
    assert [line.split()[0] for line in lines[2:5]] == ["STILL", "MOVING", "STILL"]
    assert lines[2].split()[1:3] == ["0.0", "s"] and lines[4].split()[3] == "20.3"
    assert lines[5].endswith("walk.jsonl, walk.png") and "\x1b" not in walked[0].stdout


@pytest.mark.parametrize("duration_s", [0.3, 0.5, 1.3, 2.0])
def test_short_files_are_covered_too(tmp_path, activity, duration_s):
    packets = scene((WALKING, duration_s))
    done, out = activity(write_npz(tmp_path / "short.npz", packets))
    assert done.returncode == 0, done.stderr
    lines = lines_of(out / "short.jsonl")
    assert_tiles(lines, packets[0].time_ns * 1e-9, packets[-1].time_ns * 1e-9)
    assert {line["label"] for line in lines} == {"MOVING"}


def test_times_since_1970_are_kept(tmp_path, activity):
    packets = scene((WALKING, 3.0))
    times = np.array([p.time_ns for p in packets]) * 1e-9 + 1_750_000_000
    _, out = activity(write_npz(tmp_path / "dated.npz", packets, time_s=times))
    assert_tiles(lines_of(out / "dated.jsonl"), times[0], times[-1])


def test_two_files_in_one_run_and_a_bad_one_between(tmp_path, activity):
    one = write_npz(tmp_path / "one.npz", scene((STILL, 3.0)))
    two = write_pcap(tmp_path / "two.pcap", 3.0, WALKING)
    (tmp_path / "bad.csv").write_text("what,ever\n1,2\n")
    done, out = activity(one, tmp_path / "bad.csv", two)
    assert_one_line_error(done, "bad.csv", "unknown format")
    assert leftovers(out) == ["one.jsonl", "one.png", "two.jsonl", "two.png"]
    assert {line["source"] for line in lines_of(out / "two.jsonl")} == {SENDER}
    assert {line["label"] for line in lines_of(out / "one.jsonl")} == {"STILL"}
    assert {line["label"] for line in lines_of(out / "two.jsonl")} == {"MOVING"}


def test_min_confidence_and_smoothing(tmp_path, activity):
    path = write_npz(tmp_path / "x.npz", scene((STILL, 4.0), (WALKING, 4.0)))
    _, out = activity(path, "--min-confidence", "0.95")
    assert {line["label"] for line in lines_of(out / "x.jsonl")} == {"unknown"}
    _, out = activity(path, "--smoothing", "3")
    shares = {round(line["probabilities"]["MOVING"], 2) for line in lines_of(out / "x.jsonl")}
    # 0.1 and 0.9 in windows of three
    assert {0.1, 0.37, 0.63, 0.9} == shares


def test_one_sender_of_a_file(tmp_path, activity):
    path = write_pcap(tmp_path / "x.pcap", 2.5, STILL)
    done, _ = activity(path, "--mac", SENDER.upper().replace(":", "-"))
    assert done.returncode == 0, done.stderr
    done, _ = activity(path, "--mac", "00:00:00:00:00:01")
    assert_one_line_error(done, "00:00:00:00:00:01", SENDER)
    assert_one_line_error(activity(path, "--mac", "mine")[0], "mine", "MAC")


def test_what_was_left_out_is_told(tmp_path, activity):
    packets = scene((STILL, 12.0))
    csi = np.stack([p.csi.T for p in packets])
    csi[100] = np.nan
    csi[200:203] = 0
    times = np.array([p.time_ns for p in packets]) * 1e-9
    times[300] -= 0.5
    times[600:] += 0.7
    done, out = activity(write_npz(tmp_path / "x.npz", packets, csi=csi, time_s=times))
    assert done.returncode == 0, done.stderr
    (left_out,) = (line for line in done.stdout.splitlines() if "skipped" in line)
    for words in ("3 × all-zero CSI", "1 × CSI not finite", "1 × out of order", "1 step back"):
        assert words in left_out
    (refused,) = (line for line in done.stdout.splitlines() if "rejected" in line)
    assert "× more than 0.5 s without a packet" in refused
    lines = lines_of(out / "x.jsonl")
    gap_s = times[600] - 0.35
    assert not any(abs(line["start_time"] + 0.25 - gap_s) < 0.3 for line in lines)


def test_a_clock_set_back_goes_on(tmp_path, activity):
    packets = scene((STILL, 8.0))
    times = np.array([p.time_ns for p in packets]) * 1e-9
    times[len(times) // 2 :] -= times[len(times) // 2]
    done, out = activity(write_npz(tmp_path / "x.npz", packets, time_s=times))
    assert done.returncode == 0, done.stderr
    assert (
        "1 step back in time" in done.stdout and "1 × after the clock was set back" in done.stdout
    )
    starts = [line["start_time"] for line in lines_of(out / "x.jsonl")]
    assert np.sum(np.diff(starts) < 0) == 1


def bad_files(folder):
    still = scene((STILL, 4.0))
    slow = Receiver(rate_hz=5.0).packets(Room(), 6.0)
    gaps = [p for p in scene((STILL, 6.0)) if p.time_ns * 1e-9 % 1.0 > 0.6]
    csi = np.stack([p.csi.T for p in still])
    back = -np.arange(len(still)) / 100.0
    objects = np.array([{"a": 1}], dtype=object)
    np.save(folder / "one.npy", csi)
    (folder / "noise.bin").write_bytes(bytes(range(7, 207)))
    (folder / "cut.pcap").write_bytes(
        write_pcap(folder / "whole.pcap", 0.1, STILL).read_bytes()[:60]
    )
    return {
        "noise.bin": ("unknown format",),
        "one.npy": ("numpy.savez",),
        "cut.pcap": ("cut.pcap",),
        write_npz(folder / "pickled.npz", still, csi=objects).name: ("pickled",),
        write_npz(folder / "slow.npz", slow).name: ("fewer than 8 packets/s", "ping"),
        write_npz(folder / "gaps.npz", gaps).name: ("more than 0.5 s without a packet",),
        write_npz(folder / "nan.npz", still, csi=csi * np.nan).name: ("not finite",),
        write_npz(folder / "zero.npz", still, csi=csi * 0).name: ("is zero",),
        write_npz(folder / "back.npz", still, time_s=back).name: ("time stamps jump back",),
        write_npz(folder / "moment.npz", still[:10]).name: ("0.25 s",),
        write_npz(folder / "narrow.npz", still, csi=csi[:, :20], subcarriers=np.arange(20)).name: (
            "subcarriers",
        ),
        "absent.csv": ("does not exist",),
    }


def test_input_that_cannot_be_used_is_one_line_each(tmp_path, activity):
    wanted = bad_files(tmp_path)
    done, out = activity(*(tmp_path / name for name in wanted))
    assert done.returncode == 2 and done.stdout == "" and leftovers(out) == []
    lines = done.stderr.splitlines()
    assert len(lines) == len(wanted), done.stderr
    for line, (name, words) in zip(lines, wanted.items(), strict=True):
        assert line.startswith("radiofm: error: ") and name in line, line
        assert all(word in line for word in words), line


def test_two_inputs_of_one_stem_are_refused(tmp_path, activity):
    (tmp_path / "b").mkdir()
    paths = [tmp_path / "x.npz", tmp_path / "b" / "x.csv"]
    done, out = activity(*paths)
    assert_one_line_error(done, *map(str, paths), "x.jsonl")
    assert leftovers(out) == []


def test_a_model_of_another_task(tmp_path, activity):
    path = write_npz(tmp_path / "x.npz", scene((STILL, 3.0)))
    other = make_level_bundle(tmp_path / "other.pt")
    done, _ = activity(path, "--model", other)
    assert_one_line_error(done, "'spectrogram-segmentation'", "'csi-activity'")


class _StillOnly(nn.Module):
    """Answers still windows, and raises on batches with another."""

    def __init__(self):
        super().__init__()
        self.motion = MotionClassifier()

    def forward(self, values: torch.Tensor, antennas: int) -> torch.Tensor:
        shares = self.motion(values, antennas)
        if bool((shares[:, 1] > 0.5).any()):
            raise RuntimeError("it moves")
        return shares


def test_windows_on_which_the_model_fails_are_told_and_the_others_written(tmp_path, activity):
    info = ("still", {}, "none", {}, bundle.TASK_ACTIVITY, CLASSES)
    model = export_bundle(tmp_path / "still.pt", _StillOnly(), CsiSpec(), *info)
    path = write_npz(tmp_path / "x.npz", scene((STILL, 6.0), (WALKING, 6.0)))
    done, out = activity(path, "--model", model)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "x.npz" in line and "of 24 windows not classified" in line and "it moves" in line
    lines = lines_of(out / "x.jsonl")
    assert {found["label"] for found in lines} == {"STILL"} and 9 <= len(lines) <= 12
    assert lines[-1]["incomplete"] is True


def test_without_a_default_model_one_is_to_be_named(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "MODELS_DIR", tmp_path)
    with pytest.raises(BundleError, match="no default model for 'csi-activity' is bundled"):
        bundle.find_model("default", bundle.TASK_ACTIVITY)


@pytest.mark.parametrize("option", [("--smoothing", "0"), ("--device", "abacus")])
def test_options_out_of_range(tmp_path, activity, option):
    done, out = activity(write_npz(tmp_path / "x.npz", scene((STILL, 3.0))), *option)
    assert_one_line_error(done, option[1])
    assert leftovers(out) == []


def test_a_folder_that_cannot_be_written(tmp_path, model):
    path = write_npz(tmp_path / "x.npz", scene((STILL, 3.0)))
    done = radiofm("activity", path, "--out", path, "--model", model)
    assert_one_line_error(done, "cannot be written", "--out")
    (tmp_path / "out" / "x.png").mkdir(parents=True)
    done = radiofm("activity", path, "--out", tmp_path / "out", "--model", model)
    assert_one_line_error(done, "is a folder", "--out")


def test_a_full_disk_leaves_nothing(tmp_path, activity):
    path = write_npz(tmp_path / "x.npz", scene((STILL, 5.0)))
    # the limit on a file's size does what a full disk does: a write fails half-way
    done, out = activity(path, limit_file_size=10_000)
    assert_one_line_error(done, "cannot be written", "--out")
    assert leftovers(out) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_in_mid_run_writes_what_was_found_so_far(tmp_path, model, number):
    some = scene((STILL, 20.0), loss=0.0)
    csi = np.tile(np.stack([np.abs(p.csi.T) for p in some]), (15, 1, 1))
    times = np.arange(len(csi)) / 100
    np.savez(tmp_path / "long.npz", amplitude=csi, time_s=times)
    out = tmp_path / "out"
    done = stopped_radiofm(
        "radiofm_core.outputs.activity_results:ActivityResults.add",
        number,
        *("activity", tmp_path / "long.npz", "--out", out, "--model", model),
        count=5,
    )
    assert done.returncode == 130 and done.stderr == ""
    assert "stopped" in done.stdout and "incomplete" in done.stdout
    assert leftovers(out) == ["long.jsonl", "long.png"]
    lines = lines_of(out / "long.jsonl")
    assert len(lines) >= 5
    assert ["incomplete" in line for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1]["start_time"] < times[-1] - 1
    assert lines[0]["start_time"] == 0


@pytest.mark.parametrize(
    "place",
    [
        "radiofm_cli.command",
        "radiofm_cli.commands.activity:open_csi",
        "torch",
        "radiofm_core.outputs.activity_results:ActivityResults.__init__",
    ],
)
def test_stop_before_the_first_answer_leaves_nothing(tmp_path, model, place):
    path = write_npz(tmp_path / "x.npz", scene((STILL, 60.0)))
    out = tmp_path / "out"
    arguments = ("activity", path, "--out", out, "--model", model)
    done = stopped_radiofm(place, signal.SIGINT, *arguments)
    assert done.returncode == 130 and done.stdout == ""
    assert done.stderr == "radiofm: error: stopped\n"
    assert leftovers(out) == []


def test_every_format_runs_or_is_refused_in_one_line(shared_data, activity):
    for path in sorted((shared_data / "csi/formats").iterdir()):
        done, out = activity(path)
        if done.returncode == 0:
            lines = lines_of(out / f"{path.stem}.jsonl")
            assert lines and (out / f"{path.stem}.png").stat().st_size > 10_000
        else:
            assert_one_line_error(done, path.name)
    assert "ath_csi_1.jsonl" in leftovers(out)


def test_damage_on_the_way_keeps_what_came_before_it(tmp_path, model, monkeypatch, capsys):
    path = write_npz(tmp_path / "x.npz", scene((STILL, 6.0)))

    class Damaged(CsiReader):
        def __iter__(self):
            yield from super().__iter__()
            raise InputError(f"{self.path}: cannot be read (Input/output error)")

    whole = open_csi(path)
    whole.__class__ = Damaged
    monkeypatch.setattr("radiofm_cli.commands.activity.open_csi", lambda *_: whole)
    out = tmp_path / "out"
    code = run(["activity", str(path), "--out", str(out), "--model", str(model)])
    printed = capsys.readouterr()
    assert code == 2 and "Input/output error" in printed.err and "are written" in printed.err
    assert "stopped" not in printed.out and leftovers(out) == ["x.jsonl", "x.png"]
    lines = lines_of(out / "x.jsonl")
    assert len(lines) == 12 and lines[-1]["incomplete"] is True
