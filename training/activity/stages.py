# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of an activity recipe, by the names of the commands that run them
(``python -m training.pretrain`` and so on)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from radiofm_core.bundle import TASK_ACTIVITY, TASK_SEGMENTATION, ClassInfo, read_bundle_info
from radiofm_core.errors import UsageError

from ..encoder.adapt import adapt, layer_scale, release
from ..engine import runs
from ..engine.settings import FinetuneConfig
from ..export import export_bundle
from ..segmentation.build import build_activity, build_masked_activity
from ..segmentation.start import weights_of
from . import scores as score
from .data.clips import Clip
from .data.windows import EXTRA_HOP_S, joined, training_set
from .model import ActivityClassifier
from .objective import Classification, MaskedMotion, batches
from .recipe import COLORS, PARTS, ActivityRecipe, classes_of


def prepare(recipe: ActivityRecipe) -> None:
    """Read every part and print what is in it; nothing is kept."""
    for part in PARTS:
        clips = recipe.data.clips(part)
        if clips:
            windows = training_set(clips, recipe.spec, classes_of(clips))
            labels = ", ".join(windows.classes) or "none"
            print(f"{part}: {len(clips)} clips, {len(windows)} windows, labels: {labels}")


def pretrain(recipe: ActivityRecipe) -> ActivityClassifier:
    """Run or load masked modelling; returns a classifier with that encoder, or with that of the
    recipe's ``start``, or a new one."""
    torch.manual_seed(recipe.seed)
    classes = classes_of(recipe.data.clips("train"))
    if len(classes) < 2:
        raise UsageError(
            f"recipe {recipe.name}: the labels of train are {classes}; two and more are needed"
        )
    model = build_activity(recipe.model, len(classes), recipe.spec)
    if recipe.start is not None:
        _take_encoder(recipe, model)
    if recipe.pretrain is not None:
        masked = build_masked_activity(model, recipe.model)
        train = partial(_pretrain, recipe, masked)
        facts = recipe.facts("pretrain")
        runs.train_or_load(recipe.checkpoint("pretrain"), facts, masked, train)
    return model


def finetune(recipe: ActivityRecipe) -> ActivityClassifier:
    """Run or load all stages; returns the trained classifier, which has seen all of ``train``."""
    model = pretrain(recipe)
    clips = recipe.data.clips("train")
    _train_or_load(recipe, model, "finetune", clips, classes_of(clips))
    return model


def finetune_fold(recipe: ActivityRecipe, fold: int) -> tuple[ActivityClassifier, list[Clip]]:
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
    _train_or_load(recipe, model, f"fold-{fold + 1}", kept, classes_of(clips))
    return model, [clip for clip in clips if clip.group in held]


def evaluate(recipe: ActivityRecipe) -> dict:
    """Train or load, cross-validate, score the test set; prints and returns the scores."""
    return score.evaluate(recipe, finetune_fold, calibrate(recipe))


def calibrate(recipe: ActivityRecipe) -> ActivityClassifier:
    """Run or load all stages and, where there are folds, find the temperature of confidences by
    them."""
    if recipe.folds:
        temperature = score.temperature(recipe, finetune_fold)
    model = finetune(recipe)
    if recipe.folds:
        model.temperature.fill_(temperature)
    return model


def export_recipe(recipe: ActivityRecipe) -> Path:
    """Train or load, score, and write ``<name>.pt`` in the recipe's run folder."""
    model = calibrate(recipe)
    metrics = score.evaluate(recipe, finetune_fold, model)
    clips = recipe.data.clips("train")
    names = classes_of(clips)
    infos = tuple(ClassInfo(n, COLORS[i % len(COLORS)]) for i, n in enumerate(names))
    path = export_bundle(
        recipe.run_folder / f"{recipe.name}.pt",
        model,
        recipe.spec,
        recipe.name,
        recipe.to_dict(),
        score.fingerprint(clips),
        metrics,
        TASK_ACTIVITY,
        infos,
    )
    print(f"wrote {path}")
    return path


STAGES: dict[str, Callable[[ActivityRecipe], object]] = {
    s.__name__: s for s in (prepare, pretrain, finetune, calibrate, evaluate, export_recipe)
}


def _take_encoder(recipe: ActivityRecipe, model: ActivityClassifier) -> None:
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


def _pretrain(recipe: ActivityRecipe, model: nn.Module, facts: dict[str, str]) -> None:
    from ..engine.loop import fit

    sources = recipe.data.sources("pretrain")
    sets = [training_set(source.clips(), recipe.spec, ()) for source in sources]
    model.views.learn(batches(sets[0], recipe.spec), sets[0].antennas)
    objective = MaskedMotion(model.train(), sets, recipe.spec, recipe.augment, recipe.pretrain)
    frames = sum(len(windows) for windows in sets)
    fit(objective, recipe.pretrain, frames, recipe.seed, recipe.run_folder / "pretrain", facts)


def _share(clips: list[Clip], recipe: ActivityRecipe) -> list[Clip]:
    order = np.random.default_rng(recipe.seed).permutation(len(clips))
    return [clips[i] for i in order[: max(1, round(recipe.label_share * len(clips)))]]


def _train_or_load(recipe, model, stage: str, clips: list[Clip], classes: tuple[str, ...]) -> None:
    facts = recipe.facts(stage) | {"clips": str([clip.name for clip in clips])}
    train = partial(_train, recipe, model, stage, clips, classes)
    runs.train_or_load(recipe.checkpoint(stage), facts, model, train)


def _train(recipe, model, stage: str, clips, classes, facts: dict[str, str]) -> None:
    from ..engine.loop import fit

    torch.manual_seed(recipe.seed + 1)
    config: FinetuneConfig = recipe.finetune
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
    model.views.learn(batches(windows, recipe.spec), windows.antennas)
    adapt(model, config)
    objective = Classification(model, windows, recipe.spec, recipe.augment, config)
    fit(
        objective, config, len(windows), recipe.seed + 1, recipe.run_folder / stage, facts,
        scale=layer_scale(model, config.layer_decay),
    )  # fmt: skip
    release(model)
