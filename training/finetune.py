# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervised fine-tuning of a segmenter: one or two cosine cycles, `finetune` and `refine`.

``python -m training.finetune --recipe R.yaml``
"""

from __future__ import annotations

from functools import partial

import torch

from .command import run_stage
from .encoder.adapt import adapt, layer_scale, release
from .engine import runs
from .pretrain import pretrain
from .segmentation.data.parts import frame_set
from .segmentation.model import CalibratedSegmenter
from .segmentation.recipe import CYCLES, PART_OF_STAGE, Recipe


def finetune(recipe: Recipe) -> CalibratedSegmenter:
    """Run or load all stages; returns the trained segmenter."""
    model = pretrain(recipe)
    for number, stage in enumerate(CYCLES, 1):
        if getattr(recipe, stage) is None:
            continue
        train = partial(_train, recipe, model, stage, recipe.seed + number)
        runs.train_or_load(recipe.checkpoint(stage), runs.about(recipe, stage), model, train)
    return model


def _train(recipe: Recipe, model, stage: str, seed: int, facts: dict) -> None:
    # Lightning takes seconds to import, and what is only loaded needs none of it.
    from .engine.callbacks import Score, StopEarly
    from .engine.loop import fit
    from .segmentation.objective import Segmentation, mean_iou

    torch.manual_seed(seed)
    config, frames = getattr(recipe, stage), frame_set(recipe, PART_OF_STAGE[stage])
    watchers = []
    if config.patience or config.watch_every:
        held_out = frame_set(recipe, "validation")

        def score() -> float:
            return mean_iou(model, held_out, config.precision)

        if config.watch_every:
            watchers.append(Score(score, config.watch_every))
        if config.patience:
            watchers.append(StopEarly(model, score, config.validate_every, config.patience))
    adapt(model, config)
    fit(
        Segmentation(model, frames, config),
        config,
        len(frames),
        seed,
        recipe.run_folder / stage,
        facts,
        tuple(watchers),
        layer_scale(model, config.layer_decay),
    )
    release(model)


if __name__ == "__main__":
    run_stage(finetune, __doc__, several=True)
