# SPDX-License-Identifier: GPL-3.0-or-later
"""Encoders: what pre-training leaves as a bundle, what starts from it, and what refuses it."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_patch_model import PATCH, SPEC
from training_runs import make_frames, use_frames

from radiofm_cli.command import run
from radiofm_core.bundle import TASK_ENCODER, find_model, read_bundle_info
from radiofm_core.errors import BundleError, UsageError
from radiofm_core.inference import load_bundle
from training.engine.bundle_file import weights_of
from training.engine.settings import FinetuneConfig, PretrainConfig
from training.segmentation import encoder_stages, probe, stages
from training.segmentation.build import build_masked, build_model
from training.segmentation.data.sources import FramesConfig
from training.segmentation.data.store import Joined
from training.segmentation.encoder_recipe import EncoderRecipe
from training.segmentation.model import ModelConfig
from training.segmentation.recipe import DataConfig, Recipe
from training.segmentation.start import first_model, take_decoder
from training.tasks import TASKS, read_recipe

STAGE = {"steps": 8, "batch": 4, "warmup": 2, "precision": "fp32"}


def encoder_recipe(folder, **fields) -> EncoderRecipe:
    recipe = EncoderRecipe(
        "enc",
        1,
        DataConfig(FramesConfig(16, 0, 32), FramesConfig(8, 100, 32)),
        FinetuneConfig(**STAGE),
        PretrainConfig(**STAGE, watch_every=8, probe_every=4),
        benchmark=None,
        model=PATCH,
        spec=SPEC,
        folder=folder,
    )
    return replace(recipe, **fields)


@pytest.fixture
def in_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "frame_set", stages.frame_set)
    monkeypatch.setattr(probe, "frame_set", probe.frame_set)
    monkeypatch.setattr(encoder_stages, "data_fingerprint", lambda recipe: "none")
    use_frames(tmp_path)
    return tmp_path


@pytest.fixture
def exported(in_frames):
    recipe = encoder_recipe(in_frames)
    return recipe, encoder_stages.export(recipe)


def test_an_encoder_is_exported_with_the_scores_of_its_probe(exported):
    recipe, path = exported
    info = read_bundle_info(path, TASK_ENCODER)
    assert info.classes == () and info.spec == SPEC and info.recipe["name"] == "enc"
    metrics = info.metrics
    assert metrics["frames_presented"] == 32 and metrics["labelled_frames"] == 16
    assert set(metrics["probe"]["iou"]) == {"noise", "lte", "nr", "wifi", "other"}
    assert metrics["probe"] != metrics["probe from scratch"]
    with recipe.checkpoint("pretrain").with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    scored = {int(row["step"]): float(row["validation_mean_iou"]) for row in rows
              if row["validation_mean_iou"]}  # fmt: skip
    assert set(scored) == {4, 8}
    # the bundle's weights are float16, so the last probe in training is nearly that of the file
    assert scored[8] == pytest.approx(metrics["probe"]["mean_iou"], abs=0.02)


def test_an_encoder_embeds_frames_alike_in_both_precisions_and_in_training(exported):
    recipe, path = exported
    model = first_model(replace(recipe, start=str(path))).eval()
    frames = make_frames(path.parent / "other", 2, spec=SPEC)
    level, _, resolution, evidence = frames.batch(np.arange(2))
    x = model.encoder.normalise(level)
    with torch.inference_mode():
        wanted = model.encoder.encode(x, resolution, evidence)[2].numpy()
    told = tuple(float(v) for v in resolution[0])
    for precision, tolerance in (("fp32", 0.01), ("bf16", 0.3)):
        loaded = load_bundle(path, "cpu", precision, TASK_ENCODER)
        found = loaded.embed(level.numpy(), told, evidence.numpy())
        assert found.shape == (2, PATCH.dim, 2, 16) and found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, atol=tolerance)
    with pytest.raises(UsageError, match="evidence"):
        loaded.embed(level.numpy(), told, evidence[:, :1].numpy())


def test_a_segmenter_starts_from_an_encoder(exported):
    recipe, path = exported
    segmenter = Recipe("seg", 1, recipe.data, recipe.finetune, start=str(path), model=PATCH,
                       spec=SPEC, folder=recipe.folder)  # fmt: skip
    model, weights = first_model(segmenter), weights_of(read_bundle_info(path))
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(value, weights[f"encoder.{name}"].float()), name
    assert segmenter.facts("finetune")["start's file"] != replace(
        segmenter, start=str(find_model())
    ).facts("finetune").get("start's file")
    wider = replace(segmenter, model=replace(PATCH, dim=32))
    with pytest.raises(UsageError, match="is a model of sizes"):
        first_model(wider)
    other = replace(segmenter, spec=replace(SPEC, evidence_lags=SPEC.evidence_lags[:1]))
    with pytest.raises(UsageError, match="has spec"):
        first_model(other)


def test_pretraining_goes_on_from_an_encoder_with_its_decoder(exported):
    recipe, path = exported
    second = replace(recipe, name="second", start=str(path))
    masked = build_masked(first_model(second), second)
    take_decoder(masked, second)
    trained = torch.load(recipe.checkpoint("pretrain"), weights_only=True)["weights"]
    for name, value in masked.state_dict().items():
        torch.testing.assert_close(value, trained[name], rtol=1e-3, atol=1e-6)
    again = encoder_stages.export(second)
    assert read_bundle_info(again).metrics["frames_presented"] == 64


def test_a_probe_changes_nothing_for_the_pretraining_around_it(in_frames):
    watched = encoder_recipe(in_frames)
    unwatched = replace(
        watched, name="unwatched", pretrain=replace(watched.pretrain, probe_every=0, watch_every=3)
    )
    assert watched.facts("pretrain") == unwatched.facts("pretrain")
    for recipe in (watched, unwatched):
        stages.pretrain(recipe)
    one, other = (
        torch.load(recipe.checkpoint("pretrain"), weights_only=True)["weights"]
        for recipe in (watched, unwatched)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_an_encoder_is_not(exported, capsys):
    recipe, path = exported
    assert run(["models", str(path)]) == 0
    told = capsys.readouterr().out
    assert "spectrogram-encoder" in told
    assert run(["models", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == []
    with pytest.raises(BundleError, match="this needs one for 'spectrogram-segmentation'"):
        load_bundle(path, "cpu")
    with pytest.raises(BundleError, match="a start is one for"):
        first_model(replace(recipe, start=str(find_model("default", "csi-activity"))))
    with pytest.raises(UsageError, match="--weights"):
        encoder_stages.export(recipe, "default")
    with pytest.raises(UsageError, match="no stage calibrate"):
        TASKS[TASK_ENCODER].stages["calibrate"](recipe)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"pretrain": None}, "add the section"),
        ({"model": ModelConfig()}, "model kind 'stem'"),
        ({"refine": FinetuneConfig(steps=1), "data": DataConfig(
            *(FramesConfig(16, n, 32) for n in (0, 100)), refine=FramesConfig(16, 0, 32))},
         "no stage refine"),
    ],
)  # fmt: skip
def test_recipes_of_encoders_that_cannot_be(tmp_path, fields, words):
    with pytest.raises(UsageError, match=words):
        encoder_recipe(tmp_path, **fields)


def test_the_recipe_of_the_encoder_is_one_of_the_default_segmenters_encoder():
    recipe, segmenter = (read_recipe(f"training/recipes/{n}.yaml") for n in ("encoder", "default"))
    assert recipe.task == TASK_ENCODER and recipe.start is None
    assert recipe.spec == segmenter.spec and recipe.model == segmenter.model
    own, theirs = (build_model(r).encoder.state_dict() for r in (recipe, segmenter))
    assert {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in theirs.items()}


def test_arrays_are_taken_across_their_borders():
    arrays = [np.arange(3), np.arange(10, 14), np.arange(20, 21)]
    joined = Joined(arrays, [lambda part, k=k: part + 100 * k for k in range(3)])
    whole = np.concatenate([array + 100 * k for k, array in enumerate(arrays)])
    assert len(joined) == len(whole) == 8
    for index in ([0], [2, 3], [0, 2, 5, 7], range(8)):
        assert joined[np.array(index)].tolist() == whole[list(index)].tolist()
    assert joined[1:6].tolist() == whole[1:6].tolist()
