# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-training by masked spectrogram modelling; labels are not looked at.

``python -m training.pretrain --recipe R.yaml``
"""

from __future__ import annotations

import math
from functools import partial

import torch

from .command import run_stage
from .engine import runs
from .segmentation.build import build_masked
from .segmentation.data.parts import frame_set
from .segmentation.model import CalibratedSegmenter
from .segmentation.recipe import PART_OF_STAGE, Recipe
from .segmentation.start import first_model


def pretrain(recipe: Recipe) -> CalibratedSegmenter:
    """Run or load the stage; returns a segmenter whose encoder is pre-trained, and one as
    :func:`first_model` gives it where the recipe has no such stage."""
    torch.manual_seed(recipe.seed)
    segmenter = first_model(recipe)
    if recipe.pretrain is None:
        return segmenter
    model = build_masked(segmenter, recipe.model, len(recipe.spec.channels))
    facts = runs.about(recipe, "pretrain")
    train = partial(_train, recipe, model)
    runs.train_or_load(recipe.checkpoint("pretrain"), facts, model, train)
    return segmenter


def _train(recipe: Recipe, model: torch.nn.Module, facts: dict[str, str]) -> None:
    # Lightning takes seconds to import, and what is only loaded needs none of it.
    from .engine.loop import fit
    from .segmentation.masking import Masking, Watch

    config, folder = recipe.pretrain, recipe.run_folder
    frames = frame_set(recipe, PART_OF_STAGE["pretrain"])
    epoch = max(1, len(frames) // config.batch)
    every = config.watch_every or min(epoch, math.ceil(config.steps / 4))
    objective = Masking(model.train(), frames, config)
    watch = Watch(objective, frame_set(recipe, "validation"), folder / "pictures", every)
    fit(objective, config, len(frames), recipe.seed, folder / "pretrain", facts, (watch,))


if __name__ == "__main__":
    run_stage(pretrain, __doc__, several=True)
