# SPDX-License-Identifier: GPL-3.0-or-later
"""Masked spectrogram modelling: hide patches, reconstruct them, learn what radio looks like.

After arXiv 2411.09996; the encoder sees mask tokens in place (as SimMIM, arXiv 2111.09886), because
its convolutional stem needs the whole grid. ``python -m training.pretrain --recipe R.yaml``
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .cli import run_stage
from .data.parts import frame_set
from .loop import autocast, train
from .models.segmenter import MaskedModel, Segmenter
from .models.vit import PATCH
from .recipe import Recipe
from .start import first_model


def draw_masks(batch: int, rows: int, cols: int, ratio: float, rng: np.random.Generator) -> Tensor:
    """(batch, rows * cols) bool, True = hidden: at random, whole rows, or whole columns."""
    kind = rng.integers(0, 4, size=batch)
    score = rng.random((batch, rows, cols))
    score = np.where((kind == 2)[:, None, None], rng.random((batch, rows, 1)), score)
    score = np.where((kind == 3)[:, None, None], rng.random((batch, 1, cols)), score)
    flat = score.reshape(batch, -1)
    hidden = max(1, round(ratio * rows * cols))
    limit = np.sort(flat, axis=1)[:, hidden - 1 : hidden]
    return torch.from_numpy(flat <= limit)


def masked_loss(reconstruction: Tensor, target: Tensor, masked: Tensor) -> Tensor:
    """Mean squared error over the hidden patches' pixels."""
    rows, cols = target.shape[2] // PATCH, target.shape[3] // PATCH
    grid = masked.view(-1, 1, rows, 1, cols, 1).float()
    error = (
        (reconstruction - target).square().unflatten(3, (cols, PATCH)).unflatten(2, (rows, PATCH))
    )
    return (error * grid).sum() / (grid.sum() * PATCH * PATCH * target.shape[1])


def pretrain(recipe: Recipe) -> Segmenter:
    """Run or load the stage, if the recipe has it; returns a segmenter whose encoder is
    pre-trained."""
    torch.manual_seed(recipe.seed)
    segmenter = first_model(recipe)
    if recipe.pretrain is None:
        return segmenter
    frames = frame_set(recipe, "pretrain")
    model = MaskedModel(segmenter.encoder, len(recipe.spec.channels))

    def batch_loss(index, rng):
        level, _, resolution = frames.augmented(index, rng)
        rows, cols = level.shape[2] // PATCH, level.shape[3] // PATCH
        masked = draw_masks(len(index), rows, cols, recipe.pretrain.mask_ratio, rng)
        with autocast():
            reconstruction, target = model(level, resolution, masked)
        return masked_loss(reconstruction, target, masked)

    train(
        model, recipe.pretrain, batch_loss, len(frames), recipe.seed, recipe.checkpoint("pretrain")
    )
    return segmenter


if __name__ == "__main__":
    run_stage(pretrain, __doc__)
