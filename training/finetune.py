# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervised fine-tuning of the whole segmenter: two cosine cycles, `finetune` and `refine`.

``python -m training.finetune --recipe R.yaml``
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from . import classes
from .cli import run_stage
from .dataset import FrameSet
from .loop import autocast, train
from .models.segmenter import Segmenter
from .pretrain import pretrain
from .recipe import Recipe
from .waveforms.span import IGNORE


def segmentation_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Weighted cross entropy, averaged within each frame first: a frame with a short burst counts
    as much as one that a carrier fills."""
    weights = torch.tensor(classes.WEIGHTS, device=logits.device)
    pixel = functional.cross_entropy(
        logits, truth, weight=weights, ignore_index=IGNORE, reduction="none"
    )
    scored = truth != IGNORE
    weight = weights[truth.clamp_max(len(classes.WEIGHTS) - 1)] * scored
    return (pixel.sum((1, 2)) / weight.sum((1, 2)).clamp_min(1.0)).mean()


def finetune(recipe: Recipe) -> Segmenter:
    """Run or load all stages; returns the trained segmenter."""
    model = pretrain(recipe)
    torch.manual_seed(recipe.seed + 1)
    data = recipe.data
    frames = FrameSet(recipe.folder / f"train-{data.train_seed}-{data.train_frames}", recipe.spec)

    def batch_loss(index, rng):
        level, truth, resolution = frames.augmented(index, rng)
        with autocast():
            logits = model.logits(level, resolution)
        return segmentation_loss(logits, truth)

    for number, stage in enumerate(("finetune", "refine"), start=1):
        config, seed = getattr(recipe, stage), recipe.seed + number
        chosen = frames.with_mixed_share(config.mixed_share, seed)

        def chosen_loss(index, rng, chosen=chosen):
            return batch_loss(chosen[index], rng)

        train(model, config, chosen_loss, len(chosen), seed, recipe.checkpoint(stage))
    return model


if __name__ == "__main__":
    run_stage(finetune, __doc__)
