# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recipe to models."""

from __future__ import annotations

import torch
from torch import nn

from .model import CalibratedSegmenter, MaskedModel, ModelConfig, Segmenter
from .patch_masking import PatchMaskedModel
from .patch_model import JudgingSegmenter, PatchSegmenter
from .plain_model import PlainMaskedModel, PlainSegmenter
from .recipe import Recipe


def build_model(recipe: Recipe, is_judging: bool = False) -> CalibratedSegmenter:
    """An untrained segmenter; ``is_judging``: with a judge of emissions, although the recipe trains
    none."""
    channels, lags = len(recipe.spec.channels), len(recipe.spec.evidence_lags)
    has_judge = is_judging or recipe.judge is not None
    return new_segmenter(recipe.model, channels, len(recipe.classes), lags, has_judge)


def new_segmenter(
    config: ModelConfig, channels: int, classes: int, lags: int, has_judge: bool = False
) -> CalibratedSegmenter:
    """An untrained segmenter of ``classes``; one of the kind `patch` may have a judge."""
    if config.kind == "patch":
        kind = JudgingSegmenter if has_judge else PatchSegmenter
        model = kind(config, channels, classes, lags)
    else:
        kind = PlainSegmenter if config.kind == "plain" else Segmenter
        model = kind(config, channels, classes)
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
