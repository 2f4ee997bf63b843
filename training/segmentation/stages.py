# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a segmenter, by the names of the commands that run them
(``python -m training.pretrain`` and so on)."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import torch
from torch import nn

from radiofm_core.spectrum.model import SegmentationModel

from ..encoder.adapt import adapt, layer_scale, release
from ..engine import processes, runs
from ..engine.bundle_file import Origin, export_scored, take_weights
from ..engine.calibration import fit
from ..waveforms.span import IGNORE
from .benchmark import frames as benchmark
from .benchmark.report import table
from .build import build_masked, build_model
from .data.parts import data_fingerprint, frame_set, prepare_part
from .data.store import NOTE, FrameSet
from .model import CalibratedSegmenter
from .recipe import CYCLES, PART_OF_STAGE, Recipe
from .scores import (
    as_loaded,
    in_training,
    judge_in_training,
    judging,
    logits_of,
    mean_iou,
    score,
)
from .start import first_model, start_model, take_decoder

# Of each calibration frame
CALIBRATION_PIXELS = 2048


def prepare(recipe: Recipe) -> None:
    """Prepare every part and the benchmark; print a line for each of their sources."""
    for part in recipe.data.parts:
        for folder in prepare_part(recipe, part):
            _tell(part, folder)
    if recipe.benchmark:
        workers = recipe.data.workers
        folder = benchmark.prepare(recipe.folder, recipe.benchmark, recipe.spec, workers)
        _tell("benchmark", folder)


def pretrain(recipe: Recipe) -> CalibratedSegmenter:
    """Run or load masked modelling; returns a segmenter whose encoder is pre-trained, and one as
    :func:`.start.first_model` gives it where the recipe has no such stage."""
    segmenter, _ = pretrained(recipe)
    return segmenter


def pretrained(recipe: Recipe) -> tuple[CalibratedSegmenter, nn.Module | None]:
    """What :func:`pretrain` returns, and the model that pre-trained it, if any."""
    torch.manual_seed(recipe.seed)
    segmenter = first_model(recipe)
    if recipe.pretrain is None:
        return segmenter, None
    masked = build_masked(segmenter, recipe)
    take_decoder(masked, recipe)
    train = partial(_pretrain, recipe, masked)
    runs.train_or_load(recipe.checkpoint("pretrain"), recipe.facts("pretrain"), masked, train)
    return segmenter, masked


def finetune(recipe: Recipe) -> CalibratedSegmenter:
    """Run or load all stages, one or two cosine cycles (`finetune` and `refine`); returns the
    trained segmenter."""
    model = pretrain(recipe)
    for number, stage in enumerate(CYCLES, 1):
        if getattr(recipe, stage) is None:
            continue
        train = partial(_finetune, recipe, model, stage, recipe.seed + number)
        runs.train_or_load(recipe.checkpoint(stage), recipe.facts(stage), model, train)
    return model


def calibrate(recipe: Recipe) -> CalibratedSegmenter:
    """Run or load all stages; returns the segmenter, calibrated where the recipe has calibration
    frames."""
    model = finetune(recipe).to(processes.device())
    if recipe.data.calibration is None:
        return model
    path = recipe.checkpoint("calibrate")
    facts = {
        "spec": recipe.spec.fingerprint,
        "weights": runs.digest_of_weights(model.state_dict()),
        "calibration": str(recipe.data.calibration),
        "classes": str(recipe.classes.names),
    }
    if path.exists():
        found = runs.read(path, facts)
    else:
        temperature, offsets = _find_calibration(model, frame_set(recipe, "calibration"))
        found = {"about": facts, "temperature": temperature, "offsets": offsets}
        runs.save(path, found)
    model.temperature.fill_(found["temperature"])
    model.offsets.copy_(found["offsets"])
    return model


def judge(recipe: Recipe) -> CalibratedSegmenter:
    """Run or load all stages; returns the segmenter with its judge of emissions, where the recipe
    has one."""
    model = calibrate(recipe)
    if recipe.judge is None:
        return model
    facts = {
        "spec": recipe.spec.fingerprint,
        "weights": runs.digest_of_weights(model.state_dict()),
        "judge": str(recipe.judge),
        "frames": str(recipe.data.judge),
        "classes": str(recipe.classes.names),
    }
    runs.train_or_load(
        recipe.checkpoint("judge"), facts, model.emissions, partial(_judge, recipe, model)
    )
    return model


def evaluate(recipe: Recipe) -> dict:
    """Train or load, then score the validation frames and, unless the recipe leaves it out, the
    benchmark; prints and returns the scores, and writes them to ``evaluation.json`` in the
    recipe's run folder. Raises OutputError if it cannot be written."""
    result = measure(recipe)
    _print(result)
    return result


def measure(recipe: Recipe) -> dict:
    """What :func:`evaluate` does, without a word."""
    model = judge(recipe)
    with judging(model):
        result = score(in_training(model), recipe, judge_in_training(model))
    runs.save_text(recipe.run_folder / "evaluation.json", json.dumps(result, indent=1) + "\n")
    return result


def export(recipe: Recipe, weights: str | None = None) -> Path:
    """Train or load, write ``<folder>/<name>.pt`` below the recipe's run folder, load that file in
    each precision that it offers, score it, and write the scores into it.

    ``weights``: a bundle whose weights and calibration are taken, and nothing is trained; the new
    bundle says so (``provenance``).
    """
    if weights is None:
        model, origin = judge(recipe), Origin(data_fingerprint(recipe))
    else:
        model = build_model(recipe)
        origin = take_weights(model, recipe, weights)
    calibration = {
        "temperature": round(float(model.temperature), 3),
        "offsets": [round(x, 3) for x in model.offsets.tolist()],
    }

    def scored(loaded: SegmentationModel) -> dict:
        result = score(as_loaded(loaded), recipe, loaded.judge)
        _print(result)
        return result

    metrics = {"calibration": calibration}
    return export_scored(recipe, recipe.classes.infos, model, origin, metrics, scored)


def _tell(part: str, folder: Path) -> None:
    print(f"{part}: {describe(json.loads((folder / NOTE).read_text()))}, in {folder}")


def describe(note: dict) -> str:
    """One line on a prepared set, from its note."""
    text = f"{note['frames']} frames of {note['rows']} rows"
    files = note.get("frames_of_file")
    if files is not None:
        text += f" from {len(files)} files"
        short = [name for name, frames in files.items() if not frames]
        if short:
            text += f" ({len(short)} too short for a row, as {short[0]})"
    whole = max(1, sum(note["pixels"].values()))
    shares = [f"{name} {100 * n / whole:.1f} %" for name, n in note["pixels"].items() if n]
    return f"{text}: {', '.join(shares) or 'nothing'}"


def _print(result: dict) -> None:
    print(json.dumps({k: v for k, v in result.items() if k != "benchmark"}, indent=1))
    if "benchmark" in result:
        print(table(result["benchmark"]))


def _pretrain(recipe: Recipe, model: nn.Module, facts: dict[str, str]) -> None:
    # Lightning takes seconds to import, and what is only loaded needs none of it.
    from ..engine.callbacks import Score
    from ..engine.loop import fit as run_loop
    from .objective import Masking
    from .probe import probe
    from .watch import Watch

    config, folder = recipe.pretrain, recipe.run_folder
    frames = frame_set(recipe, PART_OF_STAGE["pretrain"])
    epoch = max(1, len(frames) // config.batch)
    every = config.watch_every or min(epoch, math.ceil(config.steps / 4))
    objective = Masking(model.train(), frames, config)
    watchers = [Watch(objective, frame_set(recipe, "validation"), folder / "pictures", every)]
    if config.probe_every:
        watchers.append(Score(partial(probe, recipe, model.encoder), config.probe_every))
    run_loop(
        objective, config, len(frames), recipe.seed, folder / "pretrain", facts, tuple(watchers)
    )


def _finetune(recipe: Recipe, model, stage: str, seed: int, facts: dict) -> None:
    from ..engine.callbacks import Score, StopEarly
    from ..engine.loop import fit as run_loop
    from .objective import Segmentation

    torch.manual_seed(seed)
    config, frames = getattr(recipe, stage), frame_set(recipe, PART_OF_STAGE[stage])
    watchers = []
    if config.patience or config.watch_every:
        held_out = frame_set(recipe, "validation")

        def validate() -> float:
            return mean_iou(model, held_out, recipe.classes.names, config.precision)

        if config.watch_every:
            watchers.append(Score(validate, config.watch_every))
        if config.patience:
            watchers.append(StopEarly(model, validate, config.validate_every, config.patience))
    before = start_model(recipe).to(processes.device()) if config.keep else None
    adapt(model, config)
    run_loop(
        Segmentation(model, frames, config, recipe.classes.weights, before),
        config,
        len(frames),
        seed,
        recipe.run_folder / stage,
        facts,
        tuple(watchers),
        layer_scale(model, config.layer_decay),
    )
    release(model)


def _judge(recipe: Recipe, model: CalibratedSegmenter, facts: dict[str, str]) -> None:
    from . import emission_judge

    frames = frame_set(recipe, "judge")
    with judging(model):
        found, truth = emission_judge.collect(
            in_training(model), frames, recipe.spec, recipe.classes.names
        )
    emission_judge.train(model.emissions, found, truth, recipe.judge, recipe.seed)


def _find_calibration(model: CalibratedSegmenter, frames: FrameSet) -> tuple[float, torch.Tensor]:
    """:func:`~training.engine.calibration.fit` on a part of each frame's scored pixels."""
    draw = torch.Generator().manual_seed(0)
    kept_logits, kept_truth = [], []
    for batch, truths in logits_of(model, frames, "calibrate"):
        for logits, truth in zip(batch, truths, strict=True):
            scored = (truth.flatten() != IGNORE).nonzero()[:, 0]
            chosen = scored[torch.randperm(len(scored), generator=draw)[:CALIBRATION_PIXELS]]
            kept_logits.append(logits.flatten(1)[:, chosen].T)
            kept_truth.append(truth.flatten()[chosen])
    return fit(torch.cat(kept_logits), torch.cat(kept_truth))
