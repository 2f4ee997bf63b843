# SPDX-License-Identifier: GPL-3.0-or-later
"""Training on users' own data: sets split by recording, recipes, a run in miniature."""

import json
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from own_data import RATE, SPEC, make_images, make_recording, read_all, write_meta

from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import InputError, OutputError, UsageError
from training.engine.runs import read, save
from training.engine.settings import FinetuneConfig, PretrainConfig
from training.segmentation.classes import DEFAULT
from training.segmentation.data import generated, images, own, recordings, store
from training.segmentation.data.items import leave_out, take_share
from training.segmentation.data.parts import data_fingerprint, frame_set, prepare_part
from training.segmentation.data.sources import FramesConfig, ImagesConfig, RecordingsConfig
from training.segmentation.data.store import STEP_DB, FrameSet
from training.segmentation.model import ModelConfig
from training.segmentation.recipe import DataConfig
from training.segmentation.stages import export, prepare
from training.segmentation.start import first_model
from training.tasks import read_recipe

RECIPES = Path(__file__).parents[1] / "training/recipes"


def recipe_of(tmp_path, train, validation, **fields):
    """The debug recipe on sources of one's own."""
    recipe = read_recipe(RECIPES / "debug.yaml")
    stage = FinetuneConfig(steps=2, batch=2, warmup=1)
    data = DataConfig(train=train, refine=train, validation=validation, workers=1)
    pretraining = PretrainConfig(steps=2, batch=2, warmup=1)
    stages = {"pretrain": pretraining, "finetune": stage, "refine": stage}
    settings = {"folder": tmp_path / "out", "data": data, "benchmark": None}
    return replace(recipe, **{**settings, **stages, **fields})


# ---- sets


def test_a_recording_is_never_in_two_sets(tmp_path):
    for i in range(5):
        make_recording(tmp_path / "rec" / f"r{i}", i)
    # The same recording once more, under another name
    for path in list((tmp_path / "rec").glob("r3.*")):
        shutil.copy(path, path.with_name(path.name.replace("r3", "copy")))
    source = RecordingsConfig(str(tmp_path / "rec"), rows=64)
    for share in (0.2, 0.5, 0.7):
        validation = replace(source, share=share)
        [(_, held)] = own.held_back((validation,))
        train = own.left_to_train(source, (validation,))
        assert len(held) == min(5, round(share * 6)) and train
        assert not {i.identity for i in held} & {i.identity for i in train}
        assert {"r3", "copy"} - {i.name for i in train} in (set(), {"r3", "copy"})
        # The same files give the same split, and another folder that holds them is no way round.
        assert held == own.held_back((validation,))[0][1]
        wider = replace(source, recordings=str(tmp_path))
        assert {i.identity for i in own.left_to_train(wider, (validation,))} == {
            i.identity for i in train
        }


def test_calibration_shares_no_recording_with_validation_or_training(tmp_path):
    for i in range(6):
        make_recording(tmp_path / "rec" / f"r{i}", i)
    source = RecordingsConfig(str(tmp_path / "rec"), rows=64)
    held = replace(source, share=0.34)
    recipe = recipe_of(tmp_path, source, held)
    # The same source in both parts still gives each recordings of its own.
    recipe = replace(recipe, data=replace(recipe.data, calibration=held))
    taken = {}
    for part in ("train", "validation", "calibration"):
        [folder] = prepare_part(recipe, part)
        taken[part] = set(json.loads((folder / "prepared.json").read_text())["frames_of_file"])
    assert [len(names) for names in taken.values()] == [3, 2, 1]
    assert len(set.union(*taken.values())) == 6


def test_weights_are_not_kept_when_other_recordings_are_held_out(tmp_path):
    source = RecordingsConfig(str(tmp_path), rows=64)
    facts = [
        recipe_of(tmp_path, source, validation).facts("finetune")
        for validation in (
            replace(source, share=0.2),
            replace(source, share=0.5),
            FramesConfig(2, 10, 64),
            FramesConfig(3, 90, 64),
        )
    ]
    assert len({f["data held out"] for f in facts}) == 3 and facts[2] == facts[3]
    path = tmp_path / "weights.pt"
    save(path, {"about": facts[0]})
    with pytest.raises(InputError, match=r"made with data held out .*'share': 0\.2"):
        read(path, facts[1])


def test_frames_of_one_recording_stay_together(tmp_path):
    for recording in ("mast", "roof", "car"):
        for number in range(3):
            make_images(tmp_path, f"{recording}_{number}", number + ord(recording[0]))
    config = ImagesConfig(str(tmp_path), (-110, -50), RATE, 0.02, {0: "noise"})
    items = images.find(config)
    held = take_share(items, 0.3, leave=1)
    train = leave_out(items, held, same_folder=True)
    assert len(held) == 3 and len({i.recording for i in held}) == 1
    assert {i.recording for i in held}.isdisjoint(i.recording for i in train) and len(train) == 6
    by_number = replace(config, recording=r"_(\d)")
    assert {i.recording for i in images.find(by_number)} == {"0", "1", "2"}


def test_one_recording_goes_to_training_beside_generated_validation(tmp_path, capsys):
    make_recording(tmp_path / "rec" / "only", 1)
    source = RecordingsConfig(str(tmp_path / "rec"), rows=64)
    generated = FramesConfig(2, 10, 64)
    recipe = recipe_of(tmp_path, source, (replace(source, share=0.25), generated))
    prepare(recipe)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" frames")[0] for line in lines] == [
        "train: 3",
        "refine: 3",
        "validation: 0",
        "validation: 2",
    ]
    assert len(frame_set(recipe, "train")) == 3
    assert len(frame_set(recipe, "validation")) == 2
    alone = recipe_of(tmp_path, source, replace(source, share=0.25))
    with pytest.raises(UsageError, match="validation has no frames"):
        frame_set(alone, "validation")
    with pytest.raises(UsageError, match=r"validation has all of its recordings \(1\)"):
        frame_set(recipe_of(tmp_path, source, source), "train")


def test_a_set_tells_how_it_was_made_and_is_made_again_when_a_file_changes(tmp_path):
    make_recording(tmp_path / "rec" / "a", 1)
    source = RecordingsConfig(str(tmp_path / "rec"), labels={3: "nr", "gsm": "other"}, rows=64)
    items = recordings.find(source)
    folder = own.prepare(tmp_path / "out", source, items, SPEC, DEFAULT, "train")
    note = json.loads((folder / "prepared.json").read_text())
    assert note["frames"] == 3 and note["frames_of_file"] == {"a": 3}
    assert note["pixels"]["lte"] > 0 and note["pixels"]["nr"] == 0
    assert sum(note["pixels"].values()) == 3 * 64 * 256
    assert note["spec_fingerprint"] == SPEC.fingerprint
    assert note["command"] == shlex.join(sys.orig_argv)
    level, truth, _, _ = FrameSet(folder, SPEC, DEFAULT).batch(np.arange(3))
    wanted, wanted_truth, _ = read_all(recordings, source)
    shift = np.median(wanted.reshape(3, -1), axis=1)[:, None, None]
    assert np.abs(level[:, 0].numpy() - (wanted - shift)).max() <= STEP_DB
    assert np.array_equal(truth.numpy(), wanted_truth)

    stamp = (folder / "levels.npy").stat().st_mtime_ns
    own.prepare(tmp_path / "out", source, items, SPEC, DEFAULT, "train")
    assert (folder / "levels.npy").stat().st_mtime_ns == stamp
    write_meta(tmp_path / "rec" / "a", [{"core:label": "nr"}])
    own.prepare(tmp_path / "out", source, recordings.find(source), SPEC, DEFAULT, "train")
    assert (FrameSet(folder, SPEC, DEFAULT).truth[:] == 2).all()


def test_bad_input_leaves_the_set_before_it_untouched(tmp_path):
    make_recording(tmp_path / "rec" / "a", 1)
    source = RecordingsConfig(str(tmp_path / "rec"), rows=64)
    folder = own.prepare(tmp_path / "out", source, recordings.find(source), SPEC, DEFAULT, "train")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    make_recording(tmp_path / "rec" / "b", 2, label="Tetra")
    with pytest.raises(InputError, match="Tetra"):
        own.prepare(tmp_path / "out", source, recordings.find(source), SPEC, DEFAULT, "train")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_full_disk_is_one_line_and_leaves_no_note(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.np, "save", full)
    empty = np.zeros((0, 64, 256), np.uint8)
    with pytest.raises(OutputError, match="No space left"):
        store.write(tmp_path / "set", empty, empty, np.zeros((0, 2)), {})
    assert not store.is_prepared(tmp_path / "set", {})
    monkeypatch.setattr(generated.os, "posix_fallocate", full)
    with pytest.raises(OutputError, match="No space left"):
        generated.prepare(tmp_path, FramesConfig(2, 10, 64), SPEC, 1)
    assert not list(tmp_path.rglob("prepared.json"))


# ---- recipes


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{recordings: x, labels: {gsm: GSM}}", "'gsm' is mapped to 'GSM'; the classes are noise"),
        ("{recordings: x, colours: 3}", "unknown key 'colours'"),
        ("{recordings: x, share: 1.5}", "share: .* got 1.5"),
        ("{recordings: x, share: 0}", "share: expected a number above 0, got 0"),
        ("{recordings: x, rows: 100}", "100 rows"),
        ("{recordings: x, frames: 3}", "expected one of the keys"),
        ("{folder: x}", "expected one of the keys frames, recordings, matlab, images"),
        ("{matlab: x, level: volts}", "level: expected .* got 'volts'"),
        ("{frames: 9, first_seed: 1, scenes: city}", "scenes: expected .* got 'city'"),
        ("{matlab: x, level: image}", "needs range_db"),
        ("{images: x, range_db: [3, 1], sample_rate: 61.44e6, duration: 0.04}", "range_db"),
        (
            "{images: x, range_db: [1, 3], sample_rate: fast, duration: 0.04}",
            "sample_rate: expected a number above 0, got 'fast'",
        ),
        ("{images: x, range_db: [1, 3], sample_rate: 61.44e6, duration: 0.04}", "need values"),
        ("[{recordings: x, rows: 64}, {frames: 9, first_seed: 1}]", "64 and of 256 rows"),
    ],
)
def test_a_wrong_source_is_refused_in_one_line(tmp_path, source, named):
    recipe = yaml.safe_load((RECIPES / "debug.yaml").read_text())
    recipe["data"]["train"] = yaml.safe_load(source)
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(recipe))
    with pytest.raises(UsageError, match=named) as caught:
        read_recipe(path)
    assert "\n" not in str(caught.value)


def test_unlabelled_data_are_refused_where_labels_are_needed(tmp_path):
    make_recording(tmp_path / "rec" / "a", 1, annotated=False)
    source = RecordingsConfig(str(tmp_path / "rec"), labelled=False, rows=64)
    recipe = recipe_of(tmp_path, source, FramesConfig(2, 10, 64))
    assert len(frame_set(recipe, "pretrain")) == 3
    with pytest.raises(UsageError, match="without labels"):
        frame_set(recipe, "train")


def test_fewer_frames_than_a_batch_are_refused(tmp_path):
    make_recording(tmp_path / "rec" / "a", 1)
    source = RecordingsConfig(str(tmp_path / "rec"), rows=64)
    stage = FinetuneConfig(steps=2, batch=16)
    recipe = recipe_of(tmp_path, source, FramesConfig(2, 10, 64), finetune=stage)
    with pytest.raises(UsageError, match="train has 3 frames, fewer than a batch of 16"):
        frame_set(recipe, "train")


def test_training_on_labelled_recordings_from_the_weights_of_a_bundle(tmp_path):
    for i in range(3):
        make_recording(tmp_path / "rec" / f"r{i}", i)
    source = RecordingsConfig(str(tmp_path / "rec"), rows=64)
    recipe = recipe_of(tmp_path, source, replace(source, share=0.3))
    first = export(recipe)
    info = read_bundle_info(first)
    assert info.recipe["data"]["train"]["recordings"] == str(tmp_path / "rec")
    assert info.metrics["fp32"]["frames"] == 3 and info.data_fingerprint == data_fingerprint(recipe)

    second = replace(recipe, name="second", start=str(first), pretrain=None)
    before = first_model(second).state_dict()
    trained = torch.load(recipe.checkpoint("refine"), weights_only=True)["weights"]
    for name in before:  # a bundle's weights are float16
        torch.testing.assert_close(before[name], trained[name], rtol=1e-3, atol=1e-6)
    assert export(second).is_file() and not second.checkpoint("pretrain").exists()

    wider = replace(second, model=ModelConfig(dim=64, heads=4))
    with pytest.raises(UsageError, match=r"start .* sizes"):
        first_model(wider)


def test_own_recordings_start_from_the_shipped_model():
    recipe = read_recipe(RECIPES / "own_recordings.yaml")
    assert recipe.start == "default" and recipe.pretrain is None
    assert sum(p.numel() for p in first_model(recipe).parameters()) > 1e6
