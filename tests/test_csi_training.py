# SPDX-License-Identifier: GPL-3.0-or-later
"""Training activity classifiers: recipes, objectives, and a whole run in miniature."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from csi_clips import SPEEDS, clip_of, moving_packets, write_recordings
from csi_training_runs import SPEC, STAGE, STEM, small_recipe

import training.engine.callbacks
from radiofm_core.bundle import TASK_ACTIVITY, read_bundle_info
from radiofm_core.csi.subcarriers import HT_20, HT_40, INTEL_5300_20
from radiofm_core.csi.windows import frame_packets
from radiofm_core.errors import InputError, UsageError
from radiofm_core.inference import load_bundle
from training.activity import scores as score
from training.activity import stages
from training.activity.data.augment import Augmentation
from training.activity.data.clips import Span, clip_of_one
from training.activity.data.sources import CsiConfig, SimulatedConfig
from training.activity.data.windows import scored_set, training_set
from training.activity.model import StemActivityClassifier
from training.activity.objective import Classification
from training.activity.recipe import Recipe
from training.engine import bundle_file, runs
from training.engine.batches import Batches
from training.engine.settings import FinetuneConfig
from training.tasks import read_recipe

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("csi") / "recordings"
    write_recordings(folder)
    return folder


RECIPES = Path(__file__).parents[1] / "training/recipes"


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


# ---- recipes

GOOD = """
task: csi-activity
name: own
seed: 1
data:
  train: {csi: my_recordings}
  pretrain: [{csi: my_recordings, labelled: false}, {simulated: 5, first_seed: 1}]
finetune: {steps: 5}
spec: {duration_s: 1.0, hop_s: 0.5}
"""


def test_a_recipe_of_activities_is_read_by_its_task(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(GOOD)
    recipe = read_recipe(path)
    assert isinstance(recipe, Recipe)
    assert recipe.spec.rows == 100 and recipe.finetune.steps == 5
    assert [s.kind for s in recipe.data.sources("pretrain")] == ["csi", "simulated"]
    assert recipe.data.sources("test") == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("sped: {}", "unknown key 'sped'"),
        ("folds: 1", "own: folds is 1"),
        ("folds: -2", "own: folds is -2"),
        ("label_share: 0", "own: label_share is 0"),
        ("label_share: 1.5", "own: label_share is 1.5"),
        ("task: csi-activities", "task: expected .*csi-activity, got 'csi-activities'"),
        ("model: {dim: 30}", "dim 30"),
        ("model: {dropout: 1.0}", "dropout is 1.0"),
        ("augment: {speedy: 2}", "'speedy'"),
        ("spec: {duration_s: 1.005}", "duration_s: .* got 1.005"),
        ("data: {train: {wifi: x}}", "stability.*simulated.*csi"),
        ("data: {test: {csi: x}}", "train"),
        ("data: {train: {simulated: 0, first_seed: 1}}", "0 rooms"),
        ("data: {train: {frames: 3, first_seed: 1}}", "expected one of the keys"),
    ],
)
def test_a_wrong_recipe_is_refused_naming_the_key(tmp_path, text, named):
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(GOOD) | yaml.safe_load(text)))
    with pytest.raises(UsageError, match=named) as error:
        read_recipe(path)
    assert "\n" not in str(error.value)


def test_the_papers_recipes_take_the_encoders_of_its_spectrograms():
    for size in "sml":
        frames = read_recipe(RECIPES / f"paper_vit_{size}_mask75.yaml")
        recipe = read_recipe(RECIPES / f"paper_csi_vit_{size}.yaml")
        scratch = read_recipe(RECIPES / f"paper_csi_scratch_{size}.yaml")
        assert recipe.start == str(frames.run_folder / f"{frames.name}.pt")
        for name in ("kind", "dim", "depth", "heads"):
            assert getattr(recipe.model, name) == getattr(frames.model, name)
        assert recipe.finetune.adapt == "frozen" and scratch.finetune.adapt == "full"
        assert scratch == replace(recipe, name=scratch.name, start=None, finetune=scratch.finetune)


@pytest.mark.parametrize("name", ["paper_csi_vit_s", "activity_ntu_fi", "activity_ut_har"])
def test_recipes_of_data_sets_fit_their_clips(name):
    recipe = read_recipe(RECIPES / f"{name}.yaml")
    kind = recipe.data.train.kind
    layout, rate, seconds = {"ntu_fi": (HT_40, 250, 4), "ut_har": (INTEL_5300_20, 250, 1)}[kind]
    amplitude = np.random.default_rng(0).uniform(1, 1.1, (seconds * rate, 3, len(layout)))
    clip = clip_of_one(0, "run", amplitude, layout, rate)
    windows = scored_set([clip], recipe.spec, ("run",))
    assert len(windows) == (3 if name == "activity_ntu_fi" else 1)
    edge = recipe.spec.frequencies_hz[-1] / 312.5e3
    assert edge == pytest.approx({"ntu_fi": 58, "ut_har": 26}[kind])
    assert len(training_set([clip], recipe.spec, ("run",))) >= 1


# ---- objectives


def test_rare_classes_weigh_more():
    second = 1_000_000_000
    spans = (Span(0, 8 * second, "A"), Span(8 * second, 10 * second, "B"))
    windows = training_set([clip_of(np.ones(1000), 100.0, spans)], SPEC, ("A", "B"))
    model = StemActivityClassifier(STEM, 2, SPEC)

    def weights(loss):
        config = FinetuneConfig(**STAGE, loss=loss)
        return Classification(model, windows, SPEC, Augmentation(), config).weights

    assert weights("plain").tolist() == [1, 1]
    a, b = weights("balanced").tolist()
    # by the inverse square root of their shares
    assert b / a == pytest.approx(2, rel=0.1) and a + b == pytest.approx(2)


def test_a_whole_clip_has_one_answer_of_all_its_windows(tmp_path, recordings):
    recipe = small_recipe(tmp_path, recordings)
    whole = [clip_of_one(0, n, np.ones((500, 56)), HT_20, 250.0) for n in ("RUN", "WALK")]
    apart = replace(whole[0], name="apart", scored_whole=False)
    windows = scored_set([whole[0], apart, whole[1]], SPEC, tuple(SPEEDS))
    counts = [3, 7, 3]
    shares = np.full((sum(counts), 3), 0.1)
    shares[:, 1] = 0.8
    # one window is sure enough to outweigh the two others
    shares[-3:] = [(0.3, 0.3, 0.4), (0.3, 0.3, 0.4), (0.98, 0.01, 0.01)]
    told = iter(torch.from_numpy(shares).float().split(64))
    found, right = score.answers(lambda values, antennas, received: next(told), windows, recipe)
    assert right.tolist() == [0] * 8 + [2]
    assert found[0] == pytest.approx([0.1, 0.8, 0.1], abs=1e-6)
    assert found[-1] == pytest.approx([0.5267, 0.2033, 0.27], abs=1e-4)


# ---- a whole run


@pytest.fixture(scope="module")
def exported(tmp_path_factory, recordings):
    recipe = small_recipe(tmp_path_factory.mktemp("run"), recordings)
    return recipe, stages.export(recipe)


def test_a_recipe_runs_to_a_bundle_that_classifies(exported):
    recipe, path = exported
    model = load_bundle(path, "cpu", "fp32", TASK_ACTIVITY)
    info = model.info
    assert info.class_names == tuple(SPEEDS) and info.spec == SPEC and info.name == "small"
    windows = list(frame_packets(moving_packets(1.0, 3.0), SPEC))
    values = np.stack([w.values for w in windows])
    shares = model.classify(values, 1)
    assert shares.shape == (len(windows), 3) and np.allclose(shares.sum(1), 1, atol=1e-5)
    assert np.isfinite(load_bundle(path, "cpu", "bf16", TASK_ACTIVITY).classify(values, 1)).all()
    # the exported model is the trained one, with its temperature
    trained = stages.calibrate(recipe).eval()
    assert float(trained.temperature) != 1
    with torch.inference_mode():
        expected = trained(
            torch.from_numpy(values), 1, torch.ones(values.shape[:2], dtype=torch.bool)
        ).numpy()
    assert np.allclose(shares, expected, atol=2e-2)


def test_its_scores_are_of_held_out_recordings_and_of_the_test_set(exported):
    _, path = exported
    metrics = load_bundle(path, "cpu", "fp32", TASK_ACTIVITY).info.metrics
    windows = 4 * 3 * 7  # of half a second, half overlapping, in 2 s
    for found in (metrics["validation"], metrics["fp32"]["test"], metrics["bf16"]["test"]):
        assert found["answers"] == pytest.approx(windows, abs=12)
        assert np.sum(found["confusion"]) == found["answers"]
        assert set(found["recall"]) == set(SPEEDS)
    assert len(metrics["validation"]["accuracy_by_fold"]) == 2


def test_the_scores_of_a_bundle_are_of_the_file_as_loaded(exported, tmp_path, monkeypatch):
    recipe, _ = exported
    read = bundle_file.load_bundle

    def spoilt(path, *arguments):
        model = read(path, *arguments)
        classify = model.classify
        model.classify = lambda *values: np.roll(classify(*values), 1, axis=1)
        return model

    monkeypatch.setattr(bundle_file, "load_bundle", spoilt)
    spoilt_scores = read_bundle_info(stages.export(recipe)).metrics["fp32"]["test"]
    monkeypatch.setattr(bundle_file, "load_bundle", read)
    path = stages.export(recipe)
    right_scores = read_bundle_info(path).metrics["fp32"]["test"]
    rolled = np.roll(right_scores["confusion"], 1, axis=1)
    assert np.array_equal(rolled, spoilt_scores["confusion"])


def test_weights_of_a_bundle_can_be_exported_anew_and_it_says_so(exported, tmp_path):
    recipe, path = exported
    write_recordings(tmp_path / "today", runs=3)
    data = replace(recipe.data, train=CsiConfig(str(tmp_path / "today")))
    again = stages.export(replace(recipe, data=data, folder=tmp_path), weights=str(path))
    info = read_bundle_info(again)
    assert "small" in info.provenance["weights"] and "validation" not in info.metrics
    first = read_bundle_info(path)
    assert info.metrics["fp32"] == first.metrics["fp32"]
    assert info.data_fingerprint == first.data_fingerprint  # what its weights were trained on
    with pytest.raises(UsageError, match="another network"):
        stages.export(replace(recipe, model=replace(STEM, depth=2)), weights=str(path))


def test_another_recipe_does_not_go_on_from_its_checkpoints(exported):
    recipe, _ = exported
    with pytest.raises(InputError, match=r"pretrain.pt was made with pretrain.steps 6"):
        stages.pretrain(replace(recipe, pretrain=replace(recipe.pretrain, steps=7)))
    with pytest.raises(InputError, match=r"finetune.pt was made with label_share 1.0"):
        stages.finetune(replace(recipe, label_share=0.5))


def test_a_stopped_run_goes_on_bit_for_bit(tmp_path, exported):
    recipe, _ = exported
    whole = stages.finetune(recipe).state_dict()
    stopped = replace(recipe, folder=tmp_path)

    class Stopped(Exception):
        """As if the process had been killed."""

    made = Batches.__iter__

    def some(self):
        for i, batch in enumerate(made(self)):
            if i == 4:
                raise Stopped
            yield batch

    for stage in (stages.pretrain, stages.finetune):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training.engine.callbacks, "SAVE_EVERY_S", -1.0)
            patch.setattr(Batches, "__iter__", some)
            with pytest.raises(Stopped):
                stage(stopped)
        assert runs.resume_file(stopped.checkpoint(stage.__name__)).exists()
        finished = stage(stopped).state_dict()
    assert same(whole, finished)
    with (stopped.run_folder / "finetune.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert steps == sorted(steps) and steps[-1] <= 6


def test_what_cannot_be_trained_is_one_line(tmp_path, recordings):
    recipe = small_recipe(tmp_path, recordings, pretrain=None)
    simulated = replace(recipe.data, train=SimulatedConfig(1, 1))
    with pytest.raises(UsageError, match=r"small: the labels of train are \(\)"):
        stages.finetune(replace(recipe, data=simulated))
    with pytest.raises(UsageError, match="5 folds of 4 groups"):
        stages.evaluate(replace(recipe, name="folds", folds=5))
    with pytest.raises(UsageError, match="fewer than a batch of 4096"):
        large = replace(recipe.finetune, batch=4096)
        stages.finetune(replace(recipe, name="large", finetune=large))


def test_prepare_tells_what_is_there(tmp_path, recordings, capsys):
    stages.prepare(small_recipe(tmp_path, recordings))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["pretrain", "train", "test"]
    assert "4 clips" in lines[1] and "labels: RUN, STAND, WALK" in lines[1]


def test_extra_clips_are_learnt_from_and_not_scored(tmp_path, recordings):
    recipe = small_recipe(tmp_path, recordings)
    extra = SimulatedConfig(2, 7, 4.0, {"still": "STAND", "walk": "WALK"})
    labels = {span.label for clip in extra.clips() for span in clip.spans}
    assert labels and labels <= {"STAND", "WALK"}
    with_extra = replace(recipe, data=replace(recipe.data, extra=extra))
    assert with_extra.facts("finetune") != recipe.facts("finetune")
    _, held = stages.finetune_fold(with_extra, 0)
    assert all(not clip.name.startswith("simulated") for clip in held)
    foreign = replace(extra, labels={"still": "SLEEP"})
    with pytest.raises(UsageError, match="SLEEP"):
        stages.finetune(replace(recipe, name="x", data=replace(recipe.data, extra=foreign)))


def test_unknown_movements_are_named():
    with pytest.raises(UsageError, match="jump"):
        SimulatedConfig(1, 0, labels={"jump": "JUMP"})
