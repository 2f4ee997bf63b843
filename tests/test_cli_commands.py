# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm watch``, ``models`` and ``doctor`` as a user runs them."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from level_model import make_level_bundle, two_carriers, write_recording
from motion_model import make_motion_bundle
from radiofm_command import assert_one_line_error, radiofm, read_one_line, start_radiofm
from segmenter_flow import make_bundle as make_slow_bundle

from radiofm_cli import checks as doctor
from radiofm_cli.command import run
from radiofm_core import bundle
from radiofm_core.bundle import bundled_models
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.tasks import ACTIVITY, TASKS


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return write_recording(
        tmp_path_factory.mktemp("recordings") / "two", np.tile(two_carriers(0.3), 5)
    )


def test_watch_prints_each_event_as_json(recording, model):
    done = radiofm("watch", "--source", f"file={recording}", "--model", model, "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {e["label"] for e in events} == {"lte", "nr"}
    started = {e["burst_id"] for e in events if e["event"] == "start"}
    ended = {e["burst_id"] for e in events if e["event"] == "end"}
    assert started == ended
    assert done.stderr.startswith("radiofm: watching") and "dropped" in done.stderr


def test_watch_prints_starts_and_ends_for_people(recording, model):
    done = radiofm("watch", "--source", f"file={recording}", "--model", model, "--duration", "0.8s")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any("start" in line and "LTE" in line for line in lines)
    assert any("end" in line and "after" in line for line in lines)


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_watch_ends_quietly_when_nobody_reads_on(recording, model, arguments):
    done = read_one_line("watch", "--source", f"file={recording}", "--model", model, *arguments)
    assert done.returncode == 141
    assert len(done.stdout.splitlines()) == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and "watching" in lines[0], done.stderr


@pytest.mark.parametrize("arguments", [("models", "--json"), ("doctor",), ("--help",)])
def test_other_commands_end_quietly_when_nobody_reads_on(arguments):
    done = read_one_line(*arguments, lines=0)
    # argparse of newer Pythons takes no notice of a reader who is gone
    codes = {141, 0} if arguments == ("--help",) else {141}
    assert done.returncode in codes and done.stderr == ""


def test_errors_that_nobody_reads_keep_their_exit_code(tmp_path):
    done = read_one_line("models", tmp_path / "none.pt", lines=0, also_errors=True)
    assert done.returncode == 2


def test_watch_ends_by_ctrl_c(tmp_path, model):
    recording = write_recording(tmp_path / "x", np.tile(two_carriers(0.5), 40))
    running = start_radiofm("watch", "--source", f"file={recording}", "--model", model)
    # the first line says that it is watching
    assert "watching" in running.stderr.readline()
    time.sleep(1.5)
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 0 and "Traceback" not in errors
    assert time.monotonic() - began < 20
    assert "segmented" in errors


# of this model's spec, the longest frames last 41 ms
@pytest.mark.parametrize(("duration", "advice"), [("20ms", "--frame-duration 0.04"), ("30ms", "")])
def test_watch_tells_what_helps_where_the_model_is_too_slow(
    tmp_path, monkeypatch, capfd, duration, advice
):
    monkeypatch.setattr("radiofm_cli.watching.relief.STATUS_INTERVAL_S", 0.5)
    recording = write_recording(tmp_path / "x", np.tile(two_carriers(0.5), 6))
    slow = make_slow_bundle(tmp_path / "slow.pt", pause=0.3)
    watch = ["watch", "--source", f"file={recording}", "--model", slow, "--frame-duration"]
    assert run([*watch, duration]) == 0
    (line, *_) = [line for line in capfd.readouterr().err.splitlines() if "too slow" in line]
    assert advice in line
    assert ("--frame-duration" in line) == bool(advice)


def test_watch_takes_longer_frames_where_the_model_is_too_slow(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("radiofm_cli.watching.relief.STATUS_INTERVAL_S", 0.5)
    recording = write_recording(tmp_path / "x", np.tile(two_carriers(0.5), 12))
    slow = make_slow_bundle(tmp_path / "slow.pt", pause=0.1)
    assert run(["watch", "--source", f"file={recording}", "--model", slow]) == 0
    lines = [line for line in capfd.readouterr().err.splitlines() if "too slow" in line]
    assert [line.count("frames last 40 ms from now on") for line in lines[:2]] in ([1], [1, 0])


def test_models_tells_what_is_inside(model):
    done = radiofm("models", model)
    assert done.returncode == 0, done.stderr
    spec = SpectrogramSpec()
    for fact in (
        "level",
        "noise, lte, nr, wifi, other",
        spec.fingerprint,
        "122.88 MS/s",
        "fp32, bf16",
    ):
        assert fact in done.stdout
    (line,) = radiofm("models", model, "--json").stdout.splitlines()
    assert SpectrogramSpec.from_dict(json.loads(line)["spec"]) == spec


def test_models_shows_scores_as_a_table_and_of_a_benchmark_the_whole(tmp_path):
    whole = {
        ">= 10": {"pixel_accuracy": 0.75, "mean_iou": 0.625, "iou": {"noise": 1.0, "lte": 0.25}},
        "all": {"pixel_accuracy": 0.5, "mean_iou": 0.375, "iou": {"noise": 0.75, "lte": None}},
    }
    benchmark = {"name": "bench-0", "whole": whole, "mixed": {"-5": {"mean_iou": 0.125}}}
    validation = {"pixel_accuracy": 0.5, "mean_iou": 0.5, "iou": {"noise": 0.5, "lte": 0.5}}
    metrics = {"validation": validation, "frames": 3, "benchmark": benchmark}
    path = make_level_bundle(tmp_path / "level.pt", metrics=metrics)
    lines = [line.split() for line in radiofm("models", path).stdout.splitlines()]
    assert ["scores", "(classes:", "iou)", "accuracy", "mIoU", "noise", "lte"] in lines
    assert ["validation", "0.500", "0.500", "0.500", "0.500"] in lines
    assert ["bench-0,", "SNR", ">=", "10", "dB", "0.750", "0.625", "1.000", "0.250"] in lines
    assert ["bench-0", "0.500", "0.375", "0.750", "-"] in lines
    assert ["frames", "3"] in lines
    assert not any("0.125" in line for line in lines)
    assert json.loads(radiofm("models", path, "--json").stdout)["metrics"] == metrics


def test_models_shows_emissions_of_a_benchmark_in_a_table_of_their_own(tmp_path, capsys):
    emissions = {"f1": 0.75, "reported_each": 1.25, "unknown": None, "claims": {"share": 0.125}}
    found = {"pixel_accuracy": 0.5, "mean_iou": 0.25, "iou": {"lte": 0.5}}
    whole = {"all": found | {"verdict": {"mean_iou": 0.375}, "emissions": emissions}}
    metrics = {"validation": found, "benchmark": {"name": "bench-0", "whole": whole}}
    path = make_level_bundle(tmp_path / "level.pt", metrics=metrics)
    lines = [line.split() for line in told(capsys, path).splitlines()]
    heads = next(line for line in lines if line[:1] == ["emissions"])
    assert heads[:5] == ["emissions", "mIoU", "of", "verdicts", "F1"]
    row = lines[lines.index(heads) + 1]
    assert row == ["bench-0", "0.375", "0.750", "1.250", "-", "-", "-", "0.125"]
    # earlier benchmarks told of none
    del whole["all"]["emissions"]
    path = make_level_bundle(tmp_path / "level.pt", metrics=metrics)
    firsts = [line.split()[:1] for line in told(capsys, path).splitlines()]
    assert ["bench-0"] in firsts and ["emissions"] not in firsts


def told(capsys, path, *options) -> str:
    """What ``radiofm models`` prints of a bundle."""
    assert run(["models", str(path), *options]) == 0
    return capsys.readouterr().out


def test_models_shows_the_scores_of_each_precision_by_themselves(tmp_path, capsys):
    def scored(value):
        validation = {"pixel_accuracy": value, "mean_iou": value, "iou": {"lte": value}}
        benchmark = {"name": "bench-0", "whole": {"all": validation}}
        return {"validation": validation, "benchmark": benchmark, "frames": 3}

    metrics = {"fp32": scored(0.5), "bf16": scored(0.25), "calibration": {"temperature": 1.5}}
    path = make_level_bundle(tmp_path / "level.pt", metrics=metrics)
    text = told(capsys, path)
    lines = [line.split() for line in text[text.index("in fp32") :].splitlines() if line]
    names = ["fp32", "scores", "validation", "bench-0", "frames"]
    of_each = [lines[0][-1], *(line[0] for line in lines[1:5])]
    assert of_each == names and lines[5][-1] == "bf16"
    assert lines[2][1:] == lines[3][1:] == ["0.500"] * 3
    assert lines[7][1:] == lines[8][1:] == ["0.250"] * 3
    assert lines[10:] == [["calibration", "(temperature", "1.5)"]]
    assert json.loads(told(capsys, path, "--json"))["metrics"] == metrics


@pytest.mark.parametrize("odd", [None, "high", [1.0], {"lte": "high"}, {"x": [1.0]}, float("nan")])
def test_models_shows_what_is_sound_of_odd_scores(tmp_path, capsys, odd):
    scores = {"mean_iou": odd, "pixel_accuracy": 0.625, "iou": odd}
    benchmark = {"name": odd, "whole": {"all": scores, "5": odd}}
    metrics = {"fp32": {"validation": scores, "benchmark": benchmark}, "bf16": odd}
    path = make_level_bundle(tmp_path / "level.pt", metrics=metrics)
    assert "0.625" in told(capsys, path)


def test_models_tells_where_weights_came_from(tmp_path, capsys):
    path = make_level_bundle(tmp_path / "level.pt")
    text = told(capsys, path)
    assert "provenance" not in text
    source = {"weights": "https://example.org/vit", "steps": {"pretrained": 800}}
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "x.pt", "w") as new:
        (entry,) = (item for item in old.infolist() if item.filename.endswith("radiofm.json"))
        new.writestr(entry, json.dumps({**json.loads(old.read(entry)), "provenance": source}))
    lines = [line.split() for line in told(capsys, tmp_path / "x.pt").splitlines()]
    found = lines.index(["provenance"])
    assert lines[found + 1 : found + 3] == [
        ["weights", "https://example.org/vit"],
        ["steps", "pretrained", "800"],
    ]
    (line,) = told(capsys, tmp_path / "x.pt", "--json").splitlines()
    assert json.loads(line)["provenance"] == source


def test_models_tells_what_is_inside_a_model_for_csi(tmp_path):
    scores = {"accuracy": 0.875, "recall": {"STILL": 1.0, "MOVING": 0.75}, "confusion": [[1]]}
    metrics = {"validation": scores, "calibration": {"temperature": 1.5}}
    path = make_motion_bundle(tmp_path / "motion.pt", metrics=metrics)
    text = radiofm("models", path).stdout
    for fact in ("csi-activity", "STILL, MOVING", "200 rows x 53 columns", CsiSpec().fingerprint):
        assert fact in text
    lines = [line.split() for line in text.splitlines()]
    assert ["scores", "(classes:", "recall)", "accuracy", "STILL", "MOVING"] in lines
    assert ["validation", "0.875", "1.000", "0.750"] in lines
    assert ["calibration", "(temperature", "1.5)"] in lines
    assert json.loads(radiofm("models", path, "--json").stdout)["metrics"] == metrics


@pytest.mark.skipif(not bundled_models(), reason="no model is bundled yet (./dev weights)")
def test_models_marks_the_default():
    assert "segmenter-vit-tiny (default for spectrogram-segmentation)" in radiofm("models").stdout


def test_doctor_checks_a_model_for_csi_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "MODELS_DIR", tmp_path)
    outcome, text = doctor.check_model(ACTIVITY)
    assert outcome is doctor.Outcome.OPTIONAL and "--model" in text
    path = make_motion_bundle(tmp_path / "activity-vit-tiny.pt")
    outcome, text = doctor.check_model(ACTIVITY)
    assert outcome is doctor.Outcome.GOOD and "ms per window" in text
    path.write_bytes(path.read_bytes()[:2000])
    outcome, text = doctor.check_model(ACTIVITY)
    assert outcome is doctor.Outcome.BAD and "activity-vit-tiny.pt" in text


GNURADIO_FOR_ANOTHER_NUMPY = """
try:
    raise ImportError("numpy.core.multiarray failed to import")
except ImportError as error:
    raise ImportError("initialization failed") from error
"""


def test_doctor_tells_numpy_for_which_gnu_radio_was_not_built(tmp_path):
    assert doctor.check_numpy() == (doctor.Outcome.GOOD, np.__version__)
    (tmp_path / "gnuradio").mkdir()
    (tmp_path / "gnuradio/__init__.py").touch()
    text = "from radiofm_cli import checks; print(checks.check_numpy(), checks.check_gnuradio())"
    printed = []
    for content in (GNURADIO_FOR_ANOTHER_NUMPY, "raise ImportError('libgnuradio is missing')"):
        (tmp_path / "gnuradio/gr.py").write_text(content)
        done = subprocess.run(
            [sys.executable, "-c", text],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    assert f"{np.__version__}, but this GNU Radio was built for another" in printed[0]
    assert printed[0].count("'bad'") == 2 and "apt install gnuradio" not in printed[0]
    assert printed[1].count("'bad'") == 1 and "libgnuradio is missing" in printed[1]


def test_models_refuses_what_is_no_model(tmp_path):
    (tmp_path / "x.pt").write_bytes(b"nothing")
    assert_one_line_error(radiofm("models", tmp_path / "x.pt"), "x.pt")


@pytest.mark.skipif(not bundled_models(), reason="no model is bundled yet (./dev weights)")
def test_doctor_finds_this_installation_well():
    done = radiofm("doctor", fresh=True)
    models = [f"{task.command} model" for task in TASKS.values() if task.command]
    for part in ("NumPy", "PyTorch", "GNU Radio", "blocks", *models, "results"):
        assert part in done.stdout
    assert done.returncode == 0, done.stdout
    assert "no faults found" in done.stdout


def test_help_names_the_commands_and_exit_codes():
    text = radiofm("--help", fresh=True).stdout
    for word in (
        "segment",
        "watch",
        "activity",
        "models",
        "doctor",
        "bench",
        "130 stopped by Ctrl-C",
    ):
        assert word in " ".join(text.split())
    assert radiofm("--version").stdout.startswith("radiofm ")
