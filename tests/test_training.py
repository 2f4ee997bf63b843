# SPDX-License-Identifier: GPL-3.0-or-later
"""The training scripts: masks, losses, recipes, and a whole run in miniature."""

import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import InputError, UsageError
from radiofm_core.inference import load_bundle
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.engine.loop import learning_rate
from training.engine.masks import draw_masks, masked_loss
from training.engine.settings import StageConfig
from training.segmentation.classes import DEFAULT
from training.segmentation.data import generated
from training.segmentation.data.generated import prepare
from training.segmentation.data.sources import FramesConfig
from training.segmentation.data.store import LOWEST_DB, STEP_DB, FrameSet, label_dc
from training.segmentation.objective import segmentation_loss
from training.segmentation.pixels import confusion, scores
from training.segmentation.stages import export
from training.tasks import read_recipe
from training.waveforms.demo import make_demo
from training.waveforms.scene import SceneMaker

ROOT = Path(__file__).parents[1]
RECIPES = sorted((ROOT / "training/recipes").glob("*.yaml"))
SPEC = SpectrogramSpec()
FRAMES = FramesConfig(frames=20, first_seed=500, rows=128)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("frames"), FRAMES, SPEC, 1)


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_every_recipe_parses(path):
    recipe = read_recipe(path)
    assert recipe.data.sources("train") and recipe.finetune.steps > 0
    opening = path.read_text().split("\nname:")[0].split("\nbase:")[0].split("\ntask:")[0]
    assert f"--recipe training/recipes/{path.name}" in opening or "./dev weights" in opening


def test_the_papers_recipes_differ_in_what_their_names_say():
    read = {p.stem: read_recipe(p) for p in RECIPES if re.match("paper_(vit|scratch)", p.stem)}
    assert len(read) == 12 and all(name == r.name for name, r in read.items())
    for size, sizes in {
        "s": (512, 12, 8, 256),
        "m": (768, 12, 12, 512),
        "l": (1024, 24, 16, 512),
    }.items():
        scratch = read[f"paper_scratch_{size}"]
        assert scratch.pretrain is None and scratch.finetune.adapt == "full"
        for mask in (70, 75, 80):
            recipe = read[f"paper_vit_{size}_mask{mask}"]
            model = recipe.model
            assert (model.dim, model.depth, model.heads, model.decoder_dim) == sizes
            assert recipe.pretrain.mask_ratio == mask / 100
            assert scratch == replace(
                recipe, name=scratch.name, pretrain=None, finetune=scratch.finetune
            )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nmae: x", "nmae"),
        ("name: x\nseed: 1\ndata: {train: {farmes: 3}}", "farmes"),
        ("name: x", "seed"),
        ("just text", "just text"),
        ("name: x\nfinetune: {steps: 5, learning_rate: 1e-3}", "learning_rate.*'1e-3'"),
        ("name: x\npretrain: {steps: 5, mask_ratio: 0.95}", "mask_ratio is 0.95.*0.5 .. 0.9"),
        ("name: x\npretrain: {steps: 5, mask_kinds: [rows]}", "'rows'.*time"),
        ("name: x\nfinetune: {steps: 5, adapt: lara}", "'lara'.*lora"),
        ("base: r.yaml", "base"),
    ],
)
def test_a_wrong_recipe_is_refused_naming_the_key(tmp_path, text, named):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=named):
        read_recipe(path)


@pytest.mark.parametrize(("part", "held"), [("train", "validation"), ("validation", "calibration")])
def test_overlapping_seeds_are_refused(part, held):
    recipe = read_recipe(ROOT / "training/recipes/debug.yaml")
    frames = getattr(recipe.data, part)
    inside = replace(frames, first_seed=frames.first_seed + 5)
    with pytest.raises(UsageError, match=f"seeds of {part} .* and of {held} .* overlap"):
        replace(recipe, data=replace(recipe.data, **{held: (inside,)}))


def test_a_recipe_replaces_its_bases_sources(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(
        f"base: {ROOT / 'training/recipes/debug.yaml'}\n"
        "data:\n  train: [{recordings: x, rows: 64}, {frames: 8, first_seed: 5, rows: 64}]\n"
        "  refine: {recordings: x}\n  validation: {frames: 4}\n"
        "pretrain: null\n"
    )
    recipe = read_recipe(path)
    assert [s.kind for s in recipe.data.sources("train")] == ["recordings", "frames"]
    assert recipe.data.refine.recordings == "x" and recipe.data.refine.rows == 256
    assert recipe.data.validation == FramesConfig(4, 10_000_000, 128)
    assert recipe.stage_of("pretrain") is None and recipe.stage_of("train").steps == 6


def test_frames_of_odd_rows_are_refused():
    recipe = read_recipe(ROOT / "training/recipes/debug.yaml")
    with pytest.raises(UsageError, match=r"100 rows.*multiples of 16"):
        replace(recipe, data=replace(recipe.data, train=replace(recipe.data.train, rows=100)))


def test_a_missing_recipe_is_one_line_and_exit_2():
    done = subprocess.run(
        [sys.executable, "-m", "training.finetune", "--recipe", "none.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "none.yaml" in done.stderr


@pytest.mark.parametrize("ratio", (0.5, 0.75, 0.9))
def test_masks_hide_the_wanted_share(ratio):
    masks = draw_masks(200, 16, 16, ratio, np.random.default_rng(0))
    assert masks.shape == (200, 256)
    assert masks.float().mean(1).min() >= ratio - 0.02
    assert masks.float().mean(1).max() <= ratio + 1 / 16 + 0.02
    grids = masks.view(200, 16, 16)
    whole_rows = ((grids.all(2) | ~grids.any(2)).all(1)).float().mean()
    assert 0.1 < whole_rows < 0.45


def test_masked_loss_sees_only_hidden_patches():
    target = torch.randn(2, 1, 32, 256)
    masked = torch.zeros(2, 32, dtype=torch.bool)
    masked[:, 3] = True
    guess = target.clone()
    guess[:, :, :16, 48:64] += 2.0
    assert masked_loss(guess, target, masked).item() == pytest.approx(4.0)
    guess = target + 1.0
    guess[:, :, :16, 48:64] -= 1.0
    assert masked_loss(guess, target, masked).item() == pytest.approx(0.0)


def test_a_receivers_dc_is_noise_where_noise_is_beside_it():
    truth = np.zeros((1, 4, 256), np.uint8)
    truth[..., 127:130] = truth[..., 60:63] = 255
    truth[0, 2, 135] = 1
    label_dc(truth)
    assert (truth[0, [0, 1, 3], 120:136] == 0).all() and (truth[0, 2, 127:130] == 255).all()
    assert (truth[..., 60:63] == 255).all()


def test_small_emissions_count_more_than_their_pixels():
    truth = torch.zeros(1, 64, 64, dtype=torch.long)
    truth[:, 30:34, 30:34] = 4
    logits = torch.zeros(1, len(DEFAULT), 64, 64)
    missed = segmentation_loss(logits, truth, DEFAULT.weights)
    logits[0, 4, 30:34, 30:34] = 20.0
    found = segmentation_loss(logits, truth, DEFAULT.weights)
    gained = float((missed - found) / missed)
    assert gained > 5 * float((truth > 0).float().mean())


def test_segmentation_loss_leaves_ignored_pixels_out_and_weighs_frames_alike():
    logits = torch.zeros(2, len(DEFAULT), 16, 16)
    truth = torch.full((2, 16, 16), 255)
    truth[0, :2] = 1
    truth[1] = 0

    def loss():
        return segmentation_loss(logits, truth, DEFAULT.weights)

    assert loss().item() == pytest.approx(np.log(len(DEFAULT)), abs=1e-5)
    truth[1] = 255
    assert loss().item() == pytest.approx(np.log(len(DEFAULT)) / 2, abs=1e-5)


def test_learning_rate_can_end_above_zero():
    stage = StageConfig(steps=100, warmup=10, learning_rate=1.0, final_share=0.4)
    assert learning_rate(99, stage) == pytest.approx(0.4, abs=1e-3)


def test_learning_rate_warms_up_and_anneals_to_zero():
    stage = StageConfig(steps=100, warmup=10, learning_rate=1.0)
    rates = [learning_rate(s, stage) for s in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1.0)
    assert rates[-1] < 1e-3 and rates == rates[:10] + sorted(rates[10:], reverse=True)


def test_scores_of_a_known_confusion():
    truth = np.array([[0, 1, 1, 255], [2, 3, 3, 3]], np.uint8)
    mask = np.array([[0, 1, 0, 1], [2, 3, 3, 1]], np.uint8)
    result = scores(confusion(mask, truth, 4), ("noise", "lte", "nr", "other"))
    assert result["pixel_accuracy"] == pytest.approx(5 / 7, abs=1e-4)
    assert result["iou"] == {"noise": 0.5, "lte": 0.3333, "nr": 1.0, "other": 0.6667}


def test_prepared_frames_are_the_generators_own(prepared):
    frames = FrameSet(prepared, SPEC, DEFAULT)
    level, truth, resolution, _ = frames.batch(np.array([4]))
    frame = SceneMaker(SPEC, rows=128).frame(504)
    wanted = frame.level_db[0].numpy()
    wanted = np.clip(wanted - np.median(wanted), -32, -32 + 255 * STEP_DB)
    assert np.abs(level[0, 0].numpy() - wanted).max() <= STEP_DB
    assert np.array_equal(truth[0].numpy(), DEFAULT.of_kinds()[frame.truth.numpy()])
    assert resolution[0].tolist() == pytest.approx(list(frame.resolution))


def test_preparing_twice_makes_nothing_anew(prepared):
    before = (prepared / "levels.npy").stat().st_mtime_ns
    assert prepare(prepared.parent, FRAMES, SPEC, 1) == prepared
    assert (prepared / "levels.npy").stat().st_mtime_ns == before


class Failing(SceneMaker):
    """Cannot draw frame 517."""

    def frame(self, seed):
        if seed == 517:
            raise ValueError("frame 517")
        return super().frame(seed)


def test_a_set_that_was_cut_short_is_gone_on_with(tmp_path, prepared, monkeypatch):
    """By the chunk: what was made stays as it is, and the whole is what one run makes."""
    monkeypatch.setitem(generated.MAKERS, "all", Failing)
    with pytest.raises(ValueError, match="frame 517"):
        prepare(tmp_path, FRAMES, SPEC, 1)
    begun = next(tmp_path.glob("*/begun"))
    assert [path.stem for path in begun.glob("[0-9]*.json")] == ["0"]
    monkeypatch.setitem(generated.MAKERS, "all", SceneMaker)
    folder = prepare(tmp_path, FRAMES, SPEC, 1)
    assert folder == begun.parent and not begun.exists()
    for name in ("levels", "truth", "resolution"):
        whole = np.load(prepared / f"{name}.npy")
        assert np.array_equal(np.load(folder / f"{name}.npy"), whole), name


class Louder(SceneMaker):
    """Draws louder LTE."""

    def frame(self, seed):
        frame = super().frame(seed)
        return replace(frame, level_db=frame.level_db + 3 * (frame.truth == 1))


def test_frames_of_another_generator_are_made_anew(tmp_path, monkeypatch):
    few = FramesConfig(frames=2, first_seed=20_000_000, rows=16)
    folder = prepare(tmp_path, few, SPEC, 1)
    before = (folder / "levels.npy").stat().st_mtime_ns
    monkeypatch.setitem(generated.MAKERS, "all", Louder)
    assert prepare(tmp_path, few, SPEC, 1) == folder
    assert (folder / "levels.npy").stat().st_mtime_ns > before


def test_frames_of_another_spec_are_refused(prepared):
    with pytest.raises(InputError, match="prepare it again"):
        FrameSet(prepared, replace(SPEC, hop=64), DEFAULT)


def test_augmentation_keeps_level_and_truth_together(prepared):
    frames = FrameSet(prepared, SPEC, DEFAULT)
    frames.levels = frames.truth  # so that each tells the other
    rng = np.random.default_rng(0)
    rows = set()
    for _ in range(60):
        level, truth, _, _ = frames.augmented(np.arange(4), rng)
        assert level.shape[2:] == truth.shape[1:]
        assert level.shape[2] % SPEC.row_multiple == 0
        rows.add(level.shape[2])
        steps = (level[:, 0] - LOWEST_DB) / STEP_DB
        assert (steps - truth).abs().max() <= 0.5 + 1e-4
    assert len(rows) > 2


def test_the_debug_recipe_runs_resumes_and_exports(tmp_path, capsys):
    recipe = replace(read_recipe(ROOT / "training/recipes/debug.yaml"), folder=tmp_path)
    path = export(recipe)
    info = read_bundle_info(path)
    assert info.name == "debug" and info.recipe["refine"]["steps"] == 2
    for precision in info.precisions:
        found = info.metrics[precision]
        assert 0 <= found["validation"]["mean_iou"] <= 1
        assert 0 <= found["validation"]["calibration_error"] <= 1
        assert found["benchmark"]["whole"]["all"]["frames"] == recipe.benchmark == 6
    mask, _ = load_bundle(path, "cpu").segment(
        np.full((1, 1, 32, 256), -90, np.float32), (75e3, 78e-6)
    )
    assert mask.shape == (1, 32, 256)
    assert "radiofm-bench-2: 6 frames" in capsys.readouterr().out
    found = torch.load(recipe.checkpoint("calibrate"), weights_only=True)
    temperature, offsets = found["temperature"], found["offsets"]
    assert temperature != 1 and info.metrics["calibration"]["temperature"] == round(temperature, 3)
    inside = torch.jit.load(path).state_dict()
    assert inside["temperature"].item() == pytest.approx(temperature, rel=1e-3)
    # of half precision, as all of a bundle's weights
    assert inside["offsets"].tolist() == offsets.half().tolist()
    # Finished stages are loaded, not run again, and give the same bytes of weights.
    stamp = recipe.checkpoint("refine").stat().st_mtime_ns
    before = path.read_bytes()
    export(recipe)
    assert recipe.checkpoint("refine").stat().st_mtime_ns == stamp
    first, again = (torch.jit.load(io.BytesIO(b)).state_dict() for b in (before, path.read_bytes()))
    assert all(torch.equal(first[k], again[k]) for k in first)
    for part in (
        "pretrain.csv",
        "refine.csv",
        "pictures/pretrain-000004.png",
        "tensorboard/refine",
    ):
        assert (recipe.run_folder / part).exists()
    assert not list(tmp_path.rglob("*.part"))


def test_a_demo_recording_has_the_emissions_that_the_bundled_one_has(tmp_path):
    path = make_demo(tmp_path)
    assert (tmp_path / "demo.sigmf-data").stat().st_size <= 4 << 20
    made, kept = open_recording(path), open_recording(ROOT / "examples/demo/demo.sigmf-meta")
    assert made.meta["annotations"] == kept.meta["annotations"]
    assert made.captures == kept.captures and made.num_samples == kept.num_samples
    assert made.datatype == kept.datatype and made.sample_rate == kept.sample_rate
