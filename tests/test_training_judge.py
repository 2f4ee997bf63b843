# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a segmenter that judges emissions: what it learns on, and that it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_patch_model import LAGS, PATCH, SPEC
from training_runs import make_frames, small_recipe, use_frames

from radiofm_core.errors import UsageError
from radiofm_core.spectrum.verdict import feature_count
from training.engine.bundle_file import export_bundle
from training.engine.settings import StageConfig
from training.segmentation import stages
from training.segmentation.build import build_model
from training.segmentation.classes import DEFAULT, read_classes
from training.segmentation.data.sources import FramesConfig
from training.segmentation.emission_judge import WAYS, collect, train
from training.segmentation.patch_model import EmissionJudge
from training.segmentation.scores import judge_in_training
from training.segmentation.start import first_model
from training.waveforms.span import IGNORE

CLASSES = len(DEFAULT)
FLOAT16 = {"rtol": 1e-3, "atol": 1e-6}
JUDGING = StageConfig(steps=300, batch=64, learning_rate=0.01, warmup=10)


def as_true(frames):
    """Segments as the truth says, and is sure of it."""

    def segment(level, resolution, evidence):
        truth = torch.from_numpy(frames.truth[: len(level)])
        mask = torch.where(truth == IGNORE, 0, truth)
        one_hot = torch.nn.functional.one_hot(mask[:, ::4, ::4].long(), CLASSES)
        assert evidence.shape[1] == len(LAGS)
        return mask, torch.ones(mask.shape), (one_hot * 0.9 + 0.02).log().movedim(3, 1)

    return segment


def test_it_learns_on_the_emissions_that_are_found(tmp_path):
    frames = make_frames(tmp_path / "frames", 12, spec=SPEC)
    found, truth = collect(as_true(frames), frames, SPEC, DEFAULT.names)
    # one block a frame, but noise in every fourth, shown in each way
    assert len(found) == len(truth) == 9 * len(WAYS)
    assert found.shape[1] == feature_count(CLASSES, len(LAGS))
    assert np.isfinite(found).all()
    assert np.bincount(truth).tolist() == [0, 9, 9, 9]


def test_what_is_mostly_not_scored_is_not_learnt_on(tmp_path):
    frames = make_frames(tmp_path / "frames", 4, spec=SPEC)
    segment = as_true(frames)
    answers = segment(*(frames.batch(np.arange(4))[i] for i in (0, 2, 3)))
    frames.truth = np.full_like(frames.truth[:], IGNORE)
    found, truth = collect(lambda *shown: answers, frames, SPEC, DEFAULT.names)
    assert len(found) == len(truth) == 0


def test_noise_that_is_taken_for_an_emission_is_learnt_to_be_none(tmp_path):
    frames = make_frames(tmp_path / "frames", 4, spec=SPEC)
    answers = as_true(frames)(*(frames.batch(np.arange(4))[i] for i in (0, 2, 3)))
    frames.truth = np.zeros_like(frames.truth[:])
    _, truth = collect(lambda *shown: answers, frames, SPEC, DEFAULT.names)
    assert len(truth) == 9 and not truth.any()


def test_a_judge_learns_what_its_features_tell():
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    truth = rng.integers(0, CLASSES, 2000)
    found = rng.standard_normal((2000, feature_count(CLASSES, 3))).astype(np.float32)
    found[:, 5] = 0.2 * truth + 0.02 * rng.standard_normal(2000)
    judge = EmissionJudge(CLASSES, 3)
    train(judge, found[:1500], truth[:1500], JUDGING, 1)
    answer = judge(torch.from_numpy(found[1500:])).argmax(1).numpy()
    assert (answer == truth[1500:]).mean() > 0.95


def test_the_stage_trains_the_judge_alone_and_is_loaded_again(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "frame_set", stages.frame_set)
    use_frames(tmp_path)
    recipe = small_recipe(tmp_path, PATCH, spec=SPEC, pretrain=None, benchmark=None)
    data = replace(recipe.data, judge=FramesConfig(12, 300, 32))
    recipe = replace(recipe, data=data, judge=replace(JUDGING, steps=20))
    trained = stages.judge(recipe).state_dict()
    again = stages.judge(recipe).state_dict()
    before = stages.calibrate(recipe).state_dict()
    changed = {k for k in trained if not torch.equal(trained[k], before[k])}
    assert changed and all(k.startswith("emissions.") for k in changed)
    assert all(torch.equal(trained[k], again[k]) for k in trained)


def test_a_judge_is_in_the_exported_module():
    recipe = small_recipe(None, PATCH, spec=SPEC)
    assert not hasattr(torch.jit.script(build_model(recipe)), "judge")
    data = replace(recipe.data, judge=FramesConfig(12, 300, 32))
    model = build_model(replace(recipe, data=data, judge=JUDGING)).eval()
    features = torch.randn(3, feature_count(CLASSES, len(LAGS)))
    answer = torch.jit.script(model).judge(features)
    assert answer.shape == (3, CLASSES)
    assert torch.allclose(answer.sum(1), torch.ones(3))


def test_a_judge_is_taken_from_the_start_where_the_classes_are_the_same(tmp_path):
    recipe = small_recipe(tmp_path, PATCH, spec=SPEC)
    data = replace(recipe.data, judge=FramesConfig(12, 300, 32))
    trains_one = replace(recipe, data=data, judge=JUDGING)
    first = build_model(trains_one)
    made = (first, SPEC, "first", recipe.to_dict(), "", {}, recipe.task, DEFAULT.infos)
    start = str(export_bundle(tmp_path / "first.pt", *made))
    assert judge_in_training(first_model(recipe)) is None
    second = first_model(replace(recipe, start=start, pretrain=None))
    for name, weight in second.emissions.state_dict().items():
        # a bundle's weights are float16
        torch.testing.assert_close(weight, first.state_dict()[f"emissions.{name}"], **FLOAT16)
    features = np.random.default_rng(1).random((3, feature_count(CLASSES, len(LAGS))))
    expected = judge_in_training(first.eval())(features.astype(np.float32))
    found = judge_in_training(second.eval())(features.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-3)
    # one that is trained, or is of other classes, begins anew
    anew = first_model(replace(trains_one, start=start, pretrain=None))
    assert not torch.allclose(anew.emissions.net[0].weight, second.emissions.net[0].weight)
    fewer = read_classes({"wifi": None}, "recipe")
    assert not hasattr(first_model(replace(recipe, start=start, classes=fewer)), "emissions")


def test_recipes_with_half_a_judge_are_refused(tmp_path):
    recipe = small_recipe(tmp_path, PATCH, spec=SPEC)
    with pytest.raises(UsageError, match="judge needs both"):
        replace(recipe, judge=JUDGING)
    data = replace(recipe.data, judge=FramesConfig(12, 300, 32))
    with pytest.raises(UsageError, match="only models of the kind patch"):
        small_recipe(tmp_path, judge=JUDGING, data=data)
