# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recipe's model section to models."""

from __future__ import annotations

import torch
from torch import nn

from radiofm_core.csi.spec import CsiSpec

from ..activity.model import (
    ActivityClassifier,
    ActivityConfig,
    MaskedActivity,
    StemActivityClassifier,
)
from ..activity.plain_model import PlainActivityClassifier, PlainMaskedActivity
from ..encoder.plain import PlainMaskedModel, PlainSegmenter
from .model import CalibratedSegmenter, MaskedModel, ModelConfig, Segmenter


def build_segmenter(config: ModelConfig, channels: int) -> CalibratedSegmenter:
    """An untrained segmenter of the configured kind."""
    return _channels_last(
        (PlainSegmenter if config.kind == "plain" else Segmenter)(config, channels)
    )


def build_masked(segmenter: CalibratedSegmenter, config: ModelConfig, channels: int) -> nn.Module:
    """The model that pre-trains ``segmenter``: they share their modules."""
    if config.kind == "plain":
        return PlainMaskedModel(segmenter, config, channels)
    return MaskedModel(segmenter.encoder, channels)


def build_activity(config: ActivityConfig, classes: int, spec: CsiSpec) -> ActivityClassifier:
    """An untrained activity classifier of the configured kind."""
    if config.kind == "plain":
        return _channels_last(PlainActivityClassifier(config, classes))
    return _channels_last(StemActivityClassifier(config, classes, spec))


def build_masked_activity(classifier: ActivityClassifier, config: ActivityConfig) -> nn.Module:
    """The model that pre-trains ``classifier``: they share their modules."""
    if config.kind == "plain":
        return PlainMaskedActivity(classifier, config)
    return MaskedActivity(classifier)


def _channels_last(model: nn.Module) -> nn.Module:
    """Of convolutions' weights in memory; in bfloat16 they are faster so."""
    return model.to(memory_format=torch.channels_last)
