# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies: their files, runs that are stopped and gone on with, records, the report."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from training_runs import SPEC, make_frames, small_recipe

import training.engine.callbacks
from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.encoder.adapt import count_parameters
from training.engine import runs
from training.engine.batches import Batches
from training.engine.tables import spread
from training.segmentation.build import build_model
from training.segmentation.classes import DEFAULT
from training.segmentation.data import generated
from training.segmentation.data.parts import frame_set
from training.segmentation.data.sources import FramesConfig
from training.segmentation.data.store import LOWEST_DB, STEP_DB, FrameSet
from training.segmentation.study import reached
from training.study.__main__ import perform
from training.study.perform import pretraining_of, shared_out
from training.study.plan import read_study, recipe_fields
from training.study.records import add_record, kept_records, read_records
from training.study.report import report
from training.tasks import read_recipe
from training.waveforms.scene import SceneMaker

ROOT = Path(__file__).parents[1]
STUDIES = sorted((ROOT / "training/studies").glob("*.yaml"))
DEBUG = ROOT / "training/studies/debug.yaml"


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)  # studies name recipes from there


def study_file(folder: Path, **fields) -> Path:
    """The debug study, with ``fields`` in place of its own and its results in ``folder``."""
    own = {
        "base": str(DEBUG),
        "folder": str(folder / "runs"),
        "records": str(folder / "records.jsonl"),
        "report": str(folder / "RESULTS.md"),
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(own | fields))
    return path


def command(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "training.study", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.stem)
def test_every_study_parses(path):
    study = read_study(path)
    assert study.name == path.stem and f"--study training/studies/{path.name}" in path.read_text()
    used = {name for group in study.groups for name in group.variants}
    assert used == set(study.variants)
    assert {share for group in study.groups for share in group.labels} == set(study.labels)


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_the_larger_model_has_four_times_the_parameters(name):
    study = read_study(ROOT / f"training/studies/{name}.yaml")
    assert len(study.seeds) == 3
    with torch.device("meta"):
        counts = {
            run.variant: count_parameters(build_model(run.recipe), run.recipe.finetune)["all"]
            for run in study.runs
        }
    assert counts["scratch-large"] >= 4 * counts["pretrained"] == 4 * counts["scratch"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"seed": 1}, "unknown key 'seed'"),
        ({"seeds": []}, "seeds"),
        ({"groups": [{"title": "x", "variants": ["none"], "labels": [1]}]}, "'none'.*pretrained"),
        ({"groups": [{"title": "x", "variants": ["scratch"], "labels": [0.5]}]}, "0.5.*0.25"),
        ({"variants": {"scratch": {"pretrian": None}}}, "scratch-labels25-seed1.*'pretrian'"),
        ({"variants": {"a/b": {}}}, "'a/b'"),
        ({"labels": {0.25: {"finetune": {"batch": 16}}}}, "8 labelled frames.*batch of 16"),
        ({"reach": "much"}, "reach.*'much'"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_wrong_study_is_refused_naming_the_key(tmp_path, fields, named):
    with pytest.raises(UsageError, match=named):
        read_study(study_file(tmp_path, **fields))


def test_an_unknown_key_is_one_line_and_exit_2(tmp_path):
    done = command("--study", study_file(tmp_path, sedes=[1]))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "'sedes'" in done.stderr


class Stopped(Exception):
    """As if the process had been killed."""


def test_a_stopped_study_goes_on(tmp_path):
    groups = [{"title": "Labels", "variants": ["scratch", "pretrained"], "labels": [0.25, 1]}]
    path = study_file(tmp_path, seeds=[1], groups=groups, overrides={"benchmark": None})
    study = read_study(path)
    assert [run.name for run in study.runs] == [
        "scratch-labels25-seed1",
        "scratch-labels100-seed1",
        "pretrained-labels25-seed1",
        "pretrained-labels100-seed1",
    ]
    made = Batches.__iter__

    def some(self):
        for i, batch in enumerate(made(self)):
            if i == 3:  # a step more than the first run has
                raise Stopped
            yield batch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.engine.callbacks, "SAVE_EVERY_S", -1.0)
        patch.setattr(Batches, "__iter__", some)
        with pytest.raises(Stopped):
            perform(study, study.runs)
    [first] = read_records(study.records_path)
    assert first["run"] == "scratch-labels25-seed1" and first["labelled_frames"] == 8
    second = study.runs[1].recipe
    assert runs.resume_file(second.checkpoint("finetune")).exists()

    done = command("--study", path)
    assert done.returncode == 0, done.stderr
    records = read_records(study.records_path)
    assert [r["run"] for r in records] == [run.name for run in study.runs]
    assert records[0] == first
    assert [[point[:2] for point in r["curve"]] for r in records] == [
        [["finetune", 2]],
        [["finetune", 2], ["finetune", 4]],
    ] * 2
    for record in records:
        stages = {"finetune"} | ({"pretrain"} if record["variant"] == "pretrained" else set())
        assert record["seconds"].keys() == stages and record["scores"]["benchmark"] is None
        assert record["curve"][-1][3] == pytest.approx(
            record["scores"]["validation"]["mean_iou"], abs=0.02
        )  # in training fp32, in the scores the precision that is fast
        assert "PyTorch" in record["machine"] and record["git_revision"]
    # One pre-training for both label shares
    [shared] = study.run_folder.glob("pretraining-*")
    for run in study.runs[2:]:
        assert run.recipe.checkpoint("pretrain").resolve().parent == shared.resolve()
    assert not list(tmp_path.rglob("*.resume.ckpt")) and not list(tmp_path.rglob("*.part"))

    text = study.report_path.read_text()
    assert "4 of 4 runs are recorded" in text and text.endswith("## Missing runs\n\nNone.\n")
    study.report_path.unlink()
    stamp = study.records_path.stat().st_mtime_ns
    assert command("--study", path, "--report").returncode == 0
    assert study.report_path.read_text() == text
    assert study.records_path.stat().st_mtime_ns == stamp


def made_record(study, run, score: float, curve=()) -> dict:
    """As a run with that validation mIoU would leave it."""
    iou = dict.fromkeys(("noise", "lte", "nr", "other"), score)
    validation = {"pixel_accuracy": score, "mean_iou": score, "iou": iou}
    return json.loads(
        json.dumps(
            {
                "run": run.name,
                "variant": run.variant,
                "label_share": run.label_share,
                "seed": run.seed,
                "recipe": recipe_fields(run.recipe),
                "parameters": {"all": 1234, "learning": 1200},
                "scores": {"validation": validation, "benchmark": None},
                "seconds": {"pretrain": 10.0, "finetune": 20.0},
                "curve": list(curve),
                "git_revision": "abc",
                "code_revision": "def",
                "machine": "a made machine",
            }
        )
    )


def test_the_report_has_mean_spread_and_differences_by_seed(tmp_path):
    groups = [{"title": "Pre-training", "variants": ["scratch", "pretrained"], "labels": [1]}]
    path = study_file(tmp_path, seeds=[1, 2, 3], groups=groups, reach=0.5)
    study = read_study(path)
    scores = {
        ("scratch", 1): 0.4, ("scratch", 2): 0.5, ("scratch", 3): 0.6,
        ("pretrained", 1): 0.5, ("pretrained", 2): 0.45,
    }  # fmt: skip
    for run in study.runs:
        score = scores.get((run.variant, run.seed))
        if score is not None:
            curve = [["finetune", 2, 7.0, score - 0.1], ["finetune", 4, 11.0, score]]
            add_record(study.records_path, made_record(study, run, score, curve))
    text = report(study, kept_records(study), path)
    assert "| scratch | 100 % | 3 | 0.500 (0.400 to 0.600) | reference |" in text
    # Of the seeds that both have: +0.1 and -0.05
    assert "| pretrained | 100 % | 2 | 0.475 (0.450 to 0.500) | +0.025 (-0.050 to +0.100)" in text
    assert "| 2 of 3 | 3 (2 to 4) | 9 (7 to 11) |" in text  # the third seed at its first look
    assert "5 of 6 runs are recorded" in text and "a made machine" in text
    assert "below the paper's size" in text and "1,234" in text
    assert text.endswith("## Missing runs\n\n- pretrained-labels100-seed3\n")


def test_the_time_to_a_score_goes_on_over_the_cycles():
    curve = [["finetune", 5, 50.0, 0.3], ["finetune", 10, 90.0, 0.4], ["refine", 2, 30.0, 0.6]]
    assert reached({"curve": curve}, 0.35) == (10, 90.0)
    assert reached({"curve": curve}, 0.6) == (12, 120.0)
    assert reached({"curve": curve}, 0.7) is None


def test_a_spread_is_mean_least_and_most():
    assert spread([0.2, 0.4, 0.9]) == "0.500 (0.200 to 0.900)"
    assert spread([0.5]) == "0.500" and spread([]) == "–"


def test_records_of_another_recipe_and_torn_lines_are_refused(tmp_path):
    study = read_study(study_file(tmp_path))
    record = made_record(study, study.runs[0], 0.5)
    record["recipe"]["finetune"]["steps"] = 77
    add_record(study.records_path, record)
    with pytest.raises(InputError, match=r"finetune.steps 77, the study has 2"):
        kept_records(study)
    study.records_path.write_text('{"run": "x')
    with pytest.raises(InputError, match="line 1"):
        read_records(study.records_path)


def test_processes_share_the_runs_of_a_study(tmp_path):
    groups = [{"title": "Labels", "variants": ["scratch", "pretrained"], "labels": [0.25]}]
    own = {"seeds": [1, 2], "groups": groups, "overrides": {"benchmark": None}}
    together, alone = tmp_path / "together", tmp_path / "alone"
    found = {}
    launched = (
        *("torch.distributed.run", "--local-addr=127.0.0.1", "--rdzv-backend=c10d"),
        *("--rdzv-endpoint=127.0.0.1:0", "--nproc-per-node=2", "-m"),
    )
    for folder, words in ((together, launched), (alone, ())):
        folder.mkdir()
        path = study_file(folder, **own)
        done = subprocess.run(
            [sys.executable, "-m", *words, "training.study", "--study", path],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stderr
        study = read_study(path)
        records = read_records(study.records_path)
        assert len(records) == len(study.runs) == 4
        assert "4 of 4 runs are recorded" in study.report_path.read_text()
        found[folder] = {r["run"]: r["scores"]["validation"] for r in records}
        assert len(list(study.run_folder.glob("pretraining-*"))) == 2
        assert not list(folder.rglob("*.part")) and not list(folder.rglob(".seen-*"))
    assert found[together] == found[alone]


def test_runs_of_one_pretraining_stay_in_one_process(tmp_path):
    study = read_study(DEBUG)
    for count in (1, 2, 3, 20):
        parts = shared_out(study.runs, count)
        assert len(parts) == count
        assert sorted(run.name for part in parts for run in part) == sorted(
            run.name for run in study.runs
        )
        homes = [{pretraining_of(r.recipe) for r in part if r.recipe.pretrain} for part in parts]
        assert sum(len(home) for home in homes) == len(set().union(*homes)) == 4
        if count == 2:
            assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_runs_of_different_code_are_not_compared(tmp_path):
    study = read_study(study_file(tmp_path))
    for run, revision in zip(study.runs[:2], ("old", "new"), strict=True):
        add_record(study.records_path, made_record(study, run, 0.5) | {"code_revision": revision})
    with pytest.raises(InputError, match=f"{study.runs[1].name} was made by the code of new.* old"):
        kept_records(study)
    study.records_path.unlink()
    add_record(study.records_path, made_record(study, study.runs[0], 0.5))
    with pytest.raises(InputError, match="different code"):
        perform(study, study.runs)  # before it trains anything
    del (record := made_record(study, study.runs[0], 0.5))["code_revision"]
    study.records_path.write_text(json.dumps(record) + "\n")
    with pytest.raises(InputError, match="line 1"):
        read_records(study.records_path)


def test_a_report_without_records_is_one_line_and_exit_2(tmp_path):
    done = command("--study", study_file(tmp_path), "--report")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "no runs" in done.stderr


def test_labels_are_those_of_the_first_frames_and_pretraining_has_all(tmp_path, monkeypatch):
    recipe = replace(small_recipe(tmp_path), label_share=0.3)
    whole = make_frames(tmp_path / "frames", 16)
    monkeypatch.setattr(
        "training.segmentation.data.parts.prepare_part", lambda recipe, part: [tmp_path / "frames"]
    )
    some = frame_set(recipe, "train")
    assert len(some) == 5 and np.array_equal(some.levels[:], whole.levels[:5])
    assert len(frame_set(recipe, "pretrain")) == len(frame_set(recipe, "validation")) == 16
    full = replace(recipe, label_share=1.0)
    assert recipe.facts("pretrain") == full.facts("pretrain")
    assert recipe.facts("finetune") != full.facts("finetune")


@pytest.mark.parametrize("share", [0, 1.5])
def test_a_label_share_is_a_part_of_one(tmp_path, share):
    with pytest.raises(UsageError, match=f"label_share is {share}"):
        replace(small_recipe(tmp_path), label_share=share)


def test_prepared_frames_hold_every_channel_of_the_spec(tmp_path):
    spec = SpectrogramSpec(channels=("mean", "peak"))
    few = FramesConfig(frames=2, first_seed=500, rows=32)
    folder = generated.prepare(tmp_path, few, spec, 1)
    level, truth, _, _ = FrameSet(folder, spec, DEFAULT).augmented(
        np.arange(2), np.random.default_rng(1)
    )
    assert level.shape[1:2] == (2,) and level.shape[2:] == truth.shape[1:]
    level = FrameSet(folder, spec, DEFAULT).batch(np.arange(2)).level
    wanted = SceneMaker(spec, rows=32).frame(501).level_db.numpy()
    wanted = np.clip(wanted - np.median(wanted[0]), LOWEST_DB, LOWEST_DB + 255 * STEP_DB)
    assert np.abs(level[1].numpy() - wanted).max() <= STEP_DB
    assert generated.prepare(tmp_path, few, SPEC, 1) != folder


def test_files_give_no_peak_channel(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(
        f"base: {ROOT / 'training/recipes/own_recordings.yaml'}\nspec: {{channels: [mean, peak]}}\n"
    )
    with pytest.raises(UsageError, match=r"recordings.*mean, peak"):
        read_recipe(path)


def test_a_model_that_is_not_told_the_resolution_does_not_depend_on_it():
    frames = torch.randn(1, 1, 32, 256) * 10
    slow, fast = torch.tensor([[15e3, 150e-6]]), torch.tensor([[240e3, 20e-6]])
    torch.manual_seed(1)
    recipe = small_recipe(Path())
    told = build_model(recipe).eval()
    untold_sizes = replace(recipe.model, told_resolution=False)
    untold = build_model(replace(recipe, model=untold_sizes)).eval()
    untold.load_state_dict(told.state_dict())
    assert not torch.equal(told.logits(frames, slow), told.logits(frames, fast))
    scripted = torch.jit.script(untold)
    assert torch.equal(scripted(frames, slow)[1], scripted(frames, fast)[1])
    assert torch.equal(untold.logits(frames, slow), untold.logits(frames, fast))
