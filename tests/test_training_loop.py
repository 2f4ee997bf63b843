# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: it goes on bit for bit, trains in several processes, and spoils nothing."""

import csv
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training_runs import PLAIN, SPEC, STEM, make_frames, small_recipe, use_frames

import training.engine.callbacks
from radiofm_core.errors import InputError, OutputError, UsageError
from training.encoder.adapt import LoraLinear, adapt, layer_scale, release
from training.engine import muon, processes, runs
from training.engine.batches import Batches
from training.engine.calibration import CalibrationError, fit
from training.engine.effective_rank import effective_rank
from training.engine.masks import draw_masks, masked_loss
from training.engine.optimizers import make_optimizer
from training.engine.settings import FinetuneConfig, StageConfig
from training.segmentation import stages
from training.segmentation.build import build_masked, build_model
from training.segmentation.model import CalibratedSegmenter
from training.segmentation.stages import finetune, pretrain

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def small_frames(tmp_path_factory, monkeypatch, one_thread):
    monkeypatch.setattr(stages, "frame_set", stages.frame_set)
    use_frames(tmp_path_factory.mktemp("frames"))


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


class Stopped(Exception):
    """As if the process had been killed."""


def stop_after(steps: int, monkeypatch) -> None:
    """A checkpoint after every step, and no more than so many batches."""
    made = Batches.__iter__

    def some(self):
        for i, batch in enumerate(made(self)):
            if i == steps:
                raise Stopped
            yield batch

    monkeypatch.setattr(training.engine.callbacks, "SAVE_EVERY_S", -1.0)
    monkeypatch.setattr(Batches, "__iter__", some)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"accumulate": 2},
        {"adapt": "lora", "validate_every": 2, "patience": 2},
        {"adapt": "last", "last_blocks": 1, "layer_decay": 0.5},
        {"optimizer": "muon", "layer_decay": 0.5},
    ],
    ids=str,
)
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path, settings):
    recipe = small_recipe(tmp_path / "whole")
    recipe = replace(recipe, finetune=replace(recipe.finetune, **settings))
    whole = finetune(recipe).state_dict()
    stopped = replace(recipe, folder=tmp_path / "stopped")
    parts = settings.get("accumulate", 1)
    with pytest.MonkeyPatch.context() as patch:
        stop_after(5, patch)
        with pytest.raises(Stopped):
            pretrain(stopped)
    pretrain(stopped)
    with pytest.MonkeyPatch.context() as patch:
        stop_after(3 * parts, patch)
        with pytest.raises(Stopped):
            finetune(stopped)
    assert runs.resume_file(stopped.checkpoint("finetune")).exists()
    assert same(whole, finetune(stopped).state_dict())
    assert not list(tmp_path.rglob("*.resume.ckpt")) and not list(tmp_path.rglob("*.part"))
    with (stopped.run_folder / "finetune.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert steps == sorted(steps) and steps[-1] <= 8


def test_muon_takes_the_matrices_of_blocks_and_adamw_all_else(tmp_path):
    recipe = small_recipe(tmp_path)
    model = build_model(recipe)
    config = replace(recipe.finetune, optimizer="muon", weight_decay=0.1)
    both = make_optimizer(model.named_parameters(), config, layer_scale(model, 0.5))
    muon, adamw = both.parts
    names = {id(p): name for name, p in model.named_parameters()}
    taken = [
        {names[id(p)] for group in part.param_groups for p in group["params"]}
        for part in (muon, adamw)
    ]
    assert taken[0] | taken[1] == set(names.values()) and not taken[0] & taken[1]
    assert taken[0] and all("blocks." in n and n.endswith("weight") for n in taken[0])
    assert any(group["scale"] < 1 for group in muon.param_groups)
    for group in both.param_groups:
        group["lr"] = 0.25
    assert {g["lr"] for part in both.parts for g in part.param_groups} == {0.25}
    with pytest.raises(ValueError, match="optimizer"):
        replace(recipe.finetune, optimizer="sgd")


@pytest.mark.parametrize("half", [False, True])
def test_muon_takes_pytorchs_steps(monkeypatch, half):
    monkeypatch.setattr(muon, "has_bf16", lambda device: half)
    torch.manual_seed(0)
    first = [torch.randn(shape) for shape in ((24, 72), (24, 72), (48, 24))]
    ours, theirs = ([torch.nn.Parameter(m.clone()) for m in first] for _ in range(2))
    options = {"lr": 0.01, "weight_decay": 0.1}
    optimizers = (
        muon.Muon([{"params": ours, **options}]),
        torch.optim.Muon(theirs, adjust_lr_fn="match_rms_adamw", **options),
    )
    for _ in range(5):
        for own, their in zip(ours, theirs, strict=True):
            own.grad = torch.randn_like(own)
            their.grad = own.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    moved = 5 * 0.01 * 0.2 * 72**0.5
    for own, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, their, rtol=0, atol=0.02 * moved)


def test_bf16_is_float32_on_processors_without_instructions_for_it(monkeypatch):
    for has, wanted in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(processes, "has_bf16", lambda device, has=has: has)
        with processes.autocast("cpu", "bf16"):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == wanted


def test_two_processes_end_with_the_same_weights(tmp_path):
    done = subprocess.run(
        [
            # the name of this machine need not be known to anybody
            *(sys.executable, "-m", "torch.distributed.run", "--local-addr=127.0.0.1"),
            *("--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--nproc-per-node=2"),
            *(ROOT / "tests/training_runs.py", tmp_path),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    assert same(first, second)
    assert same(first, torch.load(tmp_path / "small/finetune.pt")["weights"])
    torch.manual_seed(1)
    untrained = build_model(small_recipe(tmp_path)).state_dict()
    assert not same(first, untrained)


def test_a_step_has_the_same_frames_on_any_number_of_processes():
    def frames_of(parts: int, world: int) -> list[set]:
        stage, steps = StageConfig(steps=4, batch=8, accumulate=parts), [set() for _ in range(4)]
        for rank in range(world):
            made = Batches(lambda i, rng: i, stage, 20, 3, lambda: 0, rank, world)
            for number, index in enumerate(made):
                steps[number // parts].update(index)
        return steps

    assert frames_of(1, 1) == frames_of(2, 1) == frames_of(1, 4) == frames_of(2, 2)
    with pytest.raises(UsageError, match=r"8 frames.*3 processes"):
        Batches(lambda i, rng: i, StageConfig(1, 8), 20, 3, lambda: 0, 0, 3)


def test_another_recipe_does_not_go_on_from_a_checkpoint(tmp_path):
    recipe = small_recipe(tmp_path)
    pretrain(recipe)
    path = recipe.checkpoint("pretrain")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"pretrain.pt.*spec \w+, this recipe has"):
        pretrain(replace(recipe, spec=replace(SPEC, hop=64)))
    with pytest.raises(InputError, match=r"pretrain.steps 8, this recipe has 9"):
        pretrain(replace(recipe, pretrain=replace(recipe.pretrain, steps=9)))
    content = torch.load(path)
    for about in ({"more": "1"}, {"pretrain.steps": None}):
        facts = {k: v for k, v in (content["about"] | about).items() if v is not None}
        runs.save(path, content | {"about": facts})
        with pytest.raises(InputError, match=f"made with {next(iter(about))}"):
            pretrain(recipe)  # a fact that only one of them has is another fact
    path.write_bytes(before[:1000])
    with pytest.raises(InputError, match="cannot be read"):
        pretrain(recipe)
    assert path.read_bytes() == before[:1000]


def test_a_full_disk_is_one_line_and_keeps_what_was_there(tmp_path):
    path = tmp_path / "weights.pt"
    runs.save(path, {"about": {}, "weights": torch.zeros(10)})
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"weights.pt cannot be written \(") as error:
            runs.save(path, {"about": {}, "weights": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("config", [STEM, PLAIN], ids=["stem", "plain"])
def test_a_trained_model_can_be_scripted_and_holds_no_adapter(tmp_path, config):
    recipe = small_recipe(tmp_path, config)
    recipe = replace(recipe, finetune=replace(recipe.finetune, adapt="lora"))
    model = finetune(recipe).eval()
    assert not any(isinstance(m, LoraLinear) for m in model.modules())
    frames = torch.randn(2, 1, 48, 256) * 10
    resolution = torch.tensor([[75e3, 78e-6]]).repeat(2, 1)
    scripted = torch.jit.script(model)
    for ours, theirs in zip(model(frames, resolution), scripted(frames, resolution), strict=True):
        assert torch.allclose(ours.float(), theirs.float(), atol=1e-5)


@pytest.mark.parametrize("kind", ["frozen", "last", "lora"])
def test_what_is_frozen_stays(tmp_path, kind):
    recipe = small_recipe(tmp_path)
    before = {k: v.clone() for k, v in pretrain(recipe).state_dict().items()}
    settings = replace(recipe.finetune, adapt=kind, last_blocks=1)
    after = finetune(replace(recipe, finetune=settings)).state_dict()
    moved = {k for k in after if not torch.equal(before[k], after[k])}
    assert any(not k.startswith("encoder.") for k in moved)
    inside = {k.removeprefix("encoder.") for k in moved if k.startswith("encoder.")}
    allowed = {"frozen": (), "last": ("blocks.1.", "norm."), "lora": ("blocks.",)}[kind]
    assert all(k.startswith(allowed) for k in inside) and bool(inside) == bool(allowed)
    if kind == "lora":
        assert all(k.split(".")[2] in ("qkv", "project", "expand", "contract") for k in inside)
        assert all(k.endswith("weight") for k in inside)


def test_lora_begins_as_the_layer_and_merges_into_it():
    model = build_model(small_recipe(Path()))
    frames, resolution = torch.randn(1, 1, 32, 256) * 10, torch.tensor([[75e3, 78e-6]])
    plain = model.eval().logits(frames, resolution)
    adapt(model, FinetuneConfig(steps=1, adapt="lora", lora_rank=2))
    model.eval()
    assert torch.allclose(model.logits(frames, resolution), plain, atol=1e-5)
    for name, p in model.named_parameters():
        if name.endswith(".up"):
            nn.init.normal_(p, std=0.1)
    adapted = model.logits(frames, resolution)
    release(model)
    assert not torch.allclose(adapted, plain, atol=1e-3)
    assert torch.allclose(model.eval().logits(frames, resolution), adapted, atol=1e-4)


def test_layers_near_the_input_learn_more_slowly():
    scale = layer_scale(build_model(small_recipe(Path())), 0.5)
    names = ("classify.bias", "encoder.norm.weight", "encoder.blocks.1.qkv.weight")
    assert [scale(n) for n in names] == [1, 1, 0.5]
    assert scale("encoder.blocks.0.qkv.weight") == 0.25
    assert scale("encoder.stem.to_quarter.conv.weight") == 0.125


def test_early_stopping_keeps_the_best_weights(tmp_path, monkeypatch):
    recipe = small_recipe(tmp_path, pretrain=None)
    settings = replace(recipe.finetune, steps=20, validate_every=2, patience=2)
    values, seen = iter((0.1, 0.5, 0.2, 0.4, 0.9)), []

    def score(model, frames, names, precision):
        assert len(frames) == 8  # validation frames, not those of training
        seen.append({k: v.clone() for k, v in model.state_dict().items()})
        return next(values)

    monkeypatch.setattr(stages, "mean_iou", score)
    model = finetune(replace(recipe, finetune=settings))
    assert len(seen) == 4 and same(model.state_dict(), seen[1])


def test_looking_at_scores_changes_no_weights(tmp_path):
    recipe = small_recipe(tmp_path / "unseen", pretrain=None)
    unseen = finetune(recipe).state_dict()
    watched = replace(recipe.finetune, watch_every=3)
    recipe = replace(recipe, folder=tmp_path / "seen", finetune=watched)
    assert same(unseen, finetune(recipe).state_dict())
    with (recipe.run_folder / "finetune.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["validation_mean_iou"]]
    assert [int(r["step"]) for r in rows] == [3, 6, 8]


def test_the_plain_model_sees_only_visible_patches():
    torch.manual_seed(0)
    recipe = small_recipe(Path(), PLAIN)
    segmenter = build_model(recipe)
    model = build_masked(segmenter, recipe).eval()
    frames, resolution = torch.randn(8, 1, 64, 256) * 10, torch.tensor([[75e3, 78e-6]] * 8)
    kinds = ("random", "time", "frequency")
    masked = draw_masks(8, 4, 16, 0.7, np.random.default_rng(0), kinds)
    assert len(set(masked.sum(1).tolist())) > 1  # whole rows hide more than random patches
    hidden = masked.view(8, 1, 4, 16).repeat_interleave(16, 2).repeat_interleave(16, 3)
    # what is hidden may not matter; the median, which all is relative to, is held
    model.encoder.normalise = nn.Identity()
    changed = torch.where(hidden, frames + 5, frames)
    ours, _ = model(frames, resolution, None, masked)
    theirs, target = model(changed, resolution, None, masked)
    assert torch.allclose(ours, theirs, atol=1e-5)
    masked_loss(ours, target, masked).backward()
    assert segmenter.blocks[0].qkv.weight.grad.abs().sum() > 0  # the head is pre-trained too


@pytest.mark.parametrize(("kind", "axis"), [("time", 2), ("frequency", 1)])
def test_blocks_of_time_and_frequency_are_whole(kind, axis):
    grid = draw_masks(20, 16, 16, 0.6, np.random.default_rng(0), (kind,)).view(20, 16, 16)
    assert torch.equal(grid.all(axis), grid.any(axis))


@pytest.mark.parametrize("kind", ["region", "around"])
def test_regions_are_few_and_whole(kind):
    rng = np.random.default_rng(0)
    grids = {
        name: draw_masks(50, 16, 16, 0.7, rng, (name,)).view(50, 16, 16)
        for name in (kind, "random")
    }
    edges = {
        name: (grid.diff(dim=1).sum() + grid.diff(dim=2).sum()) / 50 for name, grid in grids.items()
    }
    assert set(grids[kind].sum((1, 2)).tolist()) == {round(0.7 * 256)}
    # a rectangle of 77 visible patches has 36 neighbours; patches at random have about 200
    assert edges[kind] < 80 < 150 < edges["random"]
    assert len({tuple(grid.flatten().tolist()) for grid in grids[kind]}) == 50


def test_effective_rank_counts_directions():
    torch.manual_seed(0)
    line = torch.randn(500, 1) * torch.randn(1, 32)
    three = torch.randn(5000, 3) @ torch.linalg.qr(torch.randn(32, 3)).Q.T
    assert effective_rank(line) == pytest.approx(1, abs=0.01)
    assert effective_rank(three) == pytest.approx(3, abs=0.05)
    assert effective_rank(torch.randn(20000, 32)) == pytest.approx(32, abs=0.5)


def test_calibration_error_of_known_confidences():
    confidence, right = torch.full((10, 10), 0.7), torch.zeros(10, 10, dtype=torch.bool)
    right[:5] = True  # half are right, all said 0.7
    error = CalibrationError()
    error.add(confidence, right)
    assert error.value() == pytest.approx(0.2, abs=1e-6)
    error = CalibrationError()
    error.add(confidence[:5], right[:5])
    assert error.value() == pytest.approx(0.3, abs=1e-6)


def test_the_temperature_and_the_offsets_of_wrong_logits_are_found():
    torch.manual_seed(0)
    logits = torch.randn(50_000, 4) * 2
    truth = torch.distributions.Categorical(logits=logits).sample()
    wrong = torch.tensor([0.0, 0.9, -0.3, 2.0])
    temperature, offsets = fit(logits * 3 + wrong, truth)
    assert temperature == pytest.approx(3, rel=0.03)
    assert offsets.tolist() == pytest.approx((-wrong).tolist(), abs=0.15)


def test_a_class_without_frames_keeps_a_finite_offset():
    torch.manual_seed(0)
    truth = torch.randint(0, 3, (5_000,))
    logits = torch.randn(5_000, 4) + 2 * torch.nn.functional.one_hot(truth, 4)
    temperature, offsets = fit(logits, truth)
    assert 0.1 <= temperature <= 10 and torch.isfinite(offsets).all()


def test_the_exported_confidence_is_calibrated(tmp_path):
    class Known(CalibratedSegmenter):
        def __init__(self):
            super().__init__(4)
            self.gain = nn.Parameter(torch.tensor(0.5))

        def logits(self, frames_db, resolution, evidence: Tensor | None = None):
            levels = torch.cat([frames_db, -frames_db, 0 * frames_db, 0 * frames_db], 1)
            return levels * self.gain

    model = Known()
    frames = make_frames(tmp_path / "frames", 4)
    assert 0.1 <= stages._find_calibration(model, frames)[0] <= 10
    model.temperature.fill_(2.0)
    model.offsets[2] = 3.0
    x = torch.full((1, 1, 16, 256), 4.0)
    _, confidence, _ = torch.jit.script(model)(x, torch.ones(1, 2))
    wanted = torch.tensor([1.0, -1.0, 1.5, 0.0]).softmax(0)[2]
    assert confidence.unique().item() == pytest.approx(wanted.item(), abs=1e-6)
