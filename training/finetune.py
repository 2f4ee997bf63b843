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
from .data.parts import frame_set
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
    for number, (stage, part) in enumerate((("finetune", "train"), ("refine", "refine")), 1):
        frames = frame_set(recipe, part)

        def batch_loss(index, rng, frames=frames):
            level, truth, resolution = frames.augmented(index, rng)
            with autocast():
                logits = model.logits(level, resolution)
            return segmentation_loss(logits, truth)

        config, seed = getattr(recipe, stage), recipe.seed + number
        train(model, config, batch_loss, len(frames), seed, recipe.checkpoint(stage))
    return model


if __name__ == "__main__":
    run_stage(finetune, __doc__)
