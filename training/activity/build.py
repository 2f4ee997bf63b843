# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recipe to models."""

from __future__ import annotations

import torch
from torch import nn

from .model import ActivityClassifier, MaskedActivity, StemActivityClassifier
from .plain_model import PlainActivityClassifier, PlainMaskedActivity
from .recipe import Recipe


def build_model(recipe: Recipe) -> ActivityClassifier:
    """An untrained activity classifier."""
    classes = len(recipe.class_names)
    if recipe.model.kind == "plain":
        model = PlainActivityClassifier(recipe.model, classes)
    else:
        model = StemActivityClassifier(recipe.model, classes, recipe.spec)
    # Convolutions' weights in memory; in bfloat16 they are faster so
    return model.to(memory_format=torch.channels_last)


def build_masked(model: ActivityClassifier, recipe: Recipe) -> nn.Module:
    """The model that pre-trains ``model``: they share their modules."""
    if recipe.model.kind == "plain":
        return PlainMaskedActivity(model, recipe.model)
    return MaskedActivity(model)
