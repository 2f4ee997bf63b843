# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recipe to models."""

from __future__ import annotations

import torch
from torch import nn

from .model import CalibratedSegmenter, MaskedModel, Segmenter
from .patch_masking import PatchMaskedModel
from .patch_model import JudgingSegmenter, PatchSegmenter
from .plain_model import PlainMaskedModel, PlainSegmenter
from .recipe import Recipe


def build_model(recipe: Recipe, is_judging: bool = False) -> CalibratedSegmenter:
    """An untrained segmenter; ``is_judging``: with a judge of emissions, although the recipe trains
    none."""
    channels, classes = len(recipe.spec.channels), len(recipe.classes)
    if recipe.model.kind == "patch":
        lags = len(recipe.spec.evidence_lags)
        kind = JudgingSegmenter if is_judging or recipe.judge is not None else PatchSegmenter
        model = kind(recipe.model, channels, classes, lags)
    else:
        kind = PlainSegmenter if recipe.model.kind == "plain" else Segmenter
        model = kind(recipe.model, channels, classes)
    # Convolutions' weights in memory; in bfloat16 they are faster so
    return model.to(memory_format=torch.channels_last)


def build_masked(model: CalibratedSegmenter, recipe: Recipe) -> nn.Module:
    """The model that pre-trains ``model``: they share their modules."""
    channels = len(recipe.spec.channels)
    if recipe.model.kind == "plain":
        return PlainMaskedModel(model, recipe.model, channels)
    if recipe.model.kind == "patch":
        return PatchMaskedModel(model.encoder, recipe.model)
    return MaskedModel(model.encoder, channels)
