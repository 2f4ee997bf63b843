# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of an activity recipe, by the names of the commands that run them
(``python -m training.pretrain`` and so on)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from radiofm_core.bundle import TASK_SEGMENTATION, read_bundle_info
from radiofm_core.csi.model import ActivityModel
from radiofm_core.errors import UsageError

from ..encoder.adapt import adapt, layer_scale, release
from ..engine import runs
from ..engine.bundle_file import Origin, export_scored, take_weights, weights_of
from .build import build_masked, build_model
from .data.augment import values_of
from .data.clips import Clip
from .data.windows import EXTRA_HOP_S, joined, training_set
from .model import ActivityClassifier
from .objective import Classification, MaskedMotion
from .recipe import PARTS, Recipe, classes_of
from .scores import (
    as_loaded,
    cross_validated,
    fingerprint,
    in_training,
    score_tests,
    scores,
    temperature,
)


def prepare(recipe: Recipe) -> None:
    """Read every part and print what is in it; nothing is kept."""
    for part in PARTS:
        clips = recipe.data.clips(part)
        if clips:
            windows = training_set(clips, recipe.spec, classes_of(clips))
            labels = ", ".join(windows.classes) or "none"
            print(f"{part}: {len(clips)} clips, {len(windows)} windows, labels: {labels}")


def pretrain(recipe: Recipe) -> ActivityClassifier:
    """Run or load masked modelling; returns a classifier with that encoder, or with that of the
    recipe's ``start``, or a new one."""
    torch.manual_seed(recipe.seed)
    model = build_model(recipe)
    if recipe.start is not None:
        _take_encoder(recipe, model)
    if recipe.pretrain is not None:
        masked = build_masked(model, recipe)
        train = partial(_pretrain, recipe, masked)
        facts = recipe.facts("pretrain")
        runs.train_or_load(recipe.checkpoint("pretrain"), facts, masked, train)
    return model


def finetune(recipe: Recipe) -> ActivityClassifier:
    """Run or load all stages; returns the trained classifier, which has seen all of ``train``."""
    model = pretrain(recipe)
    _train_or_load(recipe, model, "finetune", recipe.data.clips("train"))
    return model


def finetune_fold(recipe: Recipe, fold: int) -> tuple[ActivityClassifier, list[Clip]]:
    """As :func:`finetune`, but for the clips of every ``folds``-th group, which are returned, too.

    Pre-training has seen those without their labels.
    """
    model = pretrain(recipe)
    clips = recipe.data.clips("train")
    groups = sorted({clip.group for clip in clips})
    if len(groups) < recipe.folds:
        raise UsageError(
            f"recipe {recipe.name}: {recipe.folds} folds of {len(groups)} groups; lower folds"
        )
    # not in one stretch: names often begin with the activity
    held = set(groups[fold :: recipe.folds])
    kept = [clip for clip in clips if clip.group not in held]
    _train_or_load(recipe, model, f"fold-{fold + 1}", kept)
    return model, [clip for clip in clips if clip.group in held]


def calibrate(recipe: Recipe) -> ActivityClassifier:
    """Run or load all stages and, where there are folds, find the temperature of confidences by
    them."""
    # first, since folds that cannot be show at once
    found = temperature(recipe, finetune_fold) if recipe.folds else 1.0
    model = finetune(recipe)
    model.temperature.fill_(found)
    return model


def evaluate(recipe: Recipe) -> dict:
    """Train or load, cross-validate (``validation``), score the ``test`` sets; prints the scores,
    returns them, and writes them to ``evaluation.json`` in the recipe's run folder."""
    model = calibrate(recipe)
    result = _validation(recipe, float(model.temperature))
    result |= score_tests(in_training(model, recipe.finetune.precision), recipe)
    _print(result)
    runs.save_text(recipe.run_folder / "evaluation.json", json.dumps(result, indent=1) + "\n")
    return result


def export(recipe: Recipe, weights: str | None = None) -> Path:
    """Train or load, cross-validate, write ``<name>.pt`` in the recipe's run folder, load that
    file in each precision that it offers, score the ``test`` sets by it, and write the scores into
    it. ``weights``: a bundle whose weights and calibration are taken, and nothing is trained
    (no cross-validation either); the new bundle says so (``provenance``)."""
    if weights is None:
        model, origin = calibrate(recipe), Origin(fingerprint(recipe.data.clips("train")))
        metrics = _validation(recipe, float(model.temperature))
        _print(metrics)
    else:
        model, metrics = build_model(recipe), {}
        origin = take_weights(model, recipe, weights)

    def scored(loaded: ActivityModel) -> dict:
        result = score_tests(as_loaded(loaded), recipe)
        _print(result)
        return result

    return export_scored(recipe, recipe.class_infos, model, origin, metrics, scored)


def _validation(recipe: Recipe, found: float) -> dict:
    """The scores of the cross-validation at a temperature, where the recipe has folds."""
    if not recipe.folds:
        return {}
    shares, right, by_fold = cross_validated(recipe, finetune_fold, found)
    told = scores(shares, right, recipe.class_names) | {"accuracy_by_fold": by_fold}
    return {"validation": told, "calibration": {"temperature": round(found, 3)}}


def _print(result: dict) -> None:
    print(json.dumps(_without_counts(result), indent=1))


def _without_counts(result: dict) -> dict:
    return {
        key: _without_counts(value) if isinstance(value, dict) else value
        for key, value in result.items()
        if key != "confusion"
    }


def _take_encoder(recipe: Recipe, model: ActivityClassifier) -> None:
    info = read_bundle_info(recipe.start, TASK_SEGMENTATION)
    weights = weights_of(info)
    own = model.encoder.state_dict()
    theirs = {k.removeprefix("encoder."): v for k, v in weights.items() if k.startswith("encoder.")}
    wrong = [k for k, v in own.items() if k not in theirs or theirs[k].shape != v.shape]
    if wrong:
        raise UsageError(
            f"recipe {recipe.name}: start {recipe.start} has an encoder of another kind or size "
            f"({wrong[0]}); set model as it is there: {info.recipe.get('model')}"
        )
    model.encoder.load_state_dict({k: theirs[k].float() for k in own})


def _pretrain(recipe: Recipe, model: nn.Module, facts: dict[str, str]) -> None:
    from ..engine.loop import fit

    sources = recipe.data.sources("pretrain")
    sets = [training_set(source.clips(), recipe.spec, ()) for source in sources]
    model.views.learn(values_of(sets[0], recipe.spec), sets[0].antennas)
    objective = MaskedMotion(model.train(), sets, recipe.spec, recipe.augment, recipe.pretrain)
    frames = sum(len(windows) for windows in sets)
    fit(objective, recipe.pretrain, frames, recipe.seed, recipe.run_folder / "pretrain", facts)


def _share(clips: list[Clip], recipe: Recipe) -> list[Clip]:
    order = np.random.default_rng(recipe.seed).permutation(len(clips))
    return [clips[i] for i in order[: max(1, round(recipe.label_share * len(clips)))]]


def _train_or_load(recipe, model, stage: str, clips: list[Clip]) -> None:
    facts = recipe.facts(stage) | {"clips": str([clip.name for clip in clips])}
    train = partial(_train, recipe, model, stage, clips)
    runs.train_or_load(recipe.checkpoint(stage), facts, model, train)


def _train(recipe: Recipe, model, stage: str, clips: list[Clip], facts: dict[str, str]) -> None:
    from ..engine.loop import fit

    torch.manual_seed(recipe.seed + 1)
    classes = recipe.class_names
    config = recipe.finetune
    windows = training_set(_share(clips, recipe), recipe.spec, classes)
    extra = recipe.data.clips("extra")
    foreign = set(classes_of(extra)) - set(classes)
    if foreign:
        raise UsageError(
            f"recipe {recipe.name}: extra has the label {sorted(foreign)[0]!r}, train has "
            f"{', '.join(classes)}; give it labels of those"
        )
    if extra:
        windows = joined(windows, training_set(extra, recipe.spec, classes, EXTRA_HOP_S))
    if len(windows) < config.batch:
        raise UsageError(
            f"recipe {recipe.name}: {len(windows)} labelled windows, fewer than a batch of "
            f"{config.batch}; lower the batch, or give it more recordings"
        )
    model.views.learn(values_of(windows, recipe.spec), windows.antennas)
    adapt(model, config)
    objective = Classification(model, windows, recipe.spec, recipe.augment, config)
    fit(
        objective, config, len(windows), recipe.seed + 1, recipe.run_folder / stage, facts,
        scale=layer_scale(model, config.layer_decay),
    )  # fmt: skip
    release(model)
