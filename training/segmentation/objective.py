# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stages of a segmenter train (:class:`training.engine.loop.Objective`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..encoder.inputs import PATCH
from ..engine import processes
from ..engine.masks import draw_masks
from ..engine.settings import FinetuneConfig, PretrainConfig
from ..waveforms.span import IGNORE
from .data.store import FrameSet

# A pixel of a class that has this share of a frame counts once; of one that has less of it, more,
# by the square root, within these limits
USUAL_SHARE = 1 / 16
LEAST_WORTH, MOST_WORTH = 0.4, 3.0


class Masking:
    """Pre-training: masked spectrogram modelling, after arXiv 2411.09996. The `patch` and `plain`
    models see visible patches alone; the `stem` one sees mask tokens in place (as SimMIM, arXiv
    2111.09886), because its convolutional stem needs the whole grid."""

    def __init__(self, model: nn.Module, frames: FrameSet, config: PretrainConfig):
        self.model, self.frames, self.config = model, frames, config

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Levels, resolution, evidence, masks."""
        level, _, resolution, evidence = self.frames.augmented(index, rng, with_truth=False)
        return level, resolution, evidence, self.masks(level, rng)

    def masks(self, level: Tensor, rng: np.random.Generator) -> Tensor:
        """For the frames of a batch, as the recipe wants them."""
        config = self.config
        rows, cols = level.shape[2] // PATCH, level.shape[3] // PATCH
        return draw_masks(len(level), rows, cols, config.mask_ratio, rng, config.mask_kinds)

    def loss(self, level: Tensor, resolution: Tensor, evidence: Tensor, masked: Tensor) -> Tensor:
        """Of the hidden patches."""
        with processes.autocast(level.device.type, self.config.precision):
            return self.model.loss(level, resolution, evidence, masked)


def segmentation_loss(logits: Tensor, truth: Tensor, weights: Sequence[float]) -> Tensor:
    """Cross entropy weighted by class, and by how little of a frame the class has: a line of three
    columns would be hardly worth learning beside a carrier that fills the span. Averaged within
    each frame first: a frame with a short burst counts as much as one that a carrier fills."""
    by_class = torch.tensor(weights, device=logits.device)
    pixel = functional.cross_entropy(logits, truth, ignore_index=IGNORE, reduction="none")
    scored = truth != IGNORE
    number = truth.clamp_max(len(weights) - 1)
    counts = torch.zeros(len(truth), len(weights), device=logits.device)
    counts.scatter_add_(1, number.flatten(1), scored.flatten(1).float())
    share = counts / counts.sum(1, keepdim=True).clamp_min(1.0)
    worth = (USUAL_SHARE / share.clamp_min(1e-6)).sqrt().clamp(LEAST_WORTH, MOST_WORTH) * by_class
    weight = worth.gather(1, number.flatten(1)).view_as(pixel) * scored
    return ((pixel * weight).sum((1, 2)) / weight.sum((1, 2)).clamp_min(1.0)).mean()


def plain_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy over all scored pixels, as the paper's."""
    total = functional.cross_entropy(logits, truth, ignore_index=IGNORE, reduction="sum")
    return total / (truth != IGNORE).sum().clamp_min(1)


def kept_loss(logits: Tensor, before: Tensor, truth: Tensor) -> Tensor:
    """How far (Kullback-Leibler, nats a pixel) the first classes of ``logits`` (B, classes, R, W)
    are from what a model of only these, ``before``, says; of pixels whose truth is of no other."""
    known = before.shape[1]
    said = before.log_softmax(1)
    apart = (said.exp() * (said - logits[:, :known].log_softmax(1))).sum(1)
    counted = (truth < known) | (truth == IGNORE)
    return (apart * counted).sum() / counted.sum().clamp_min(1)


class Segmentation:
    """Fine-tuning. ``weights``: of the classes, for the loss ``balanced``. ``before``: the model
    that ``config.keep`` holds on to, in eval mode."""

    def __init__(
        self,
        model: nn.Module,
        frames: FrameSet,
        config: FinetuneConfig,
        weights: Sequence[float],
        before: nn.Module | None = None,
    ):
        self.model, self.frames, self.config, self.weights = model, frames, config, weights
        self.before = before

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Levels, truth, resolution, evidence."""
        return self.frames.augmented(index, rng)

    def loss(self, level: Tensor, truth: Tensor, resolution: Tensor, evidence: Tensor) -> Tensor:
        """Of the scored pixels."""
        with processes.autocast(level.device.type, self.config.precision):
            logits = self.model.logits(level, resolution, evidence)
            if self.before is not None:
                with torch.no_grad():
                    before = self.before.logits(level, resolution, evidence)
        if self.config.loss == "plain":
            loss = plain_loss(logits, truth)
        else:
            loss = segmentation_loss(logits, truth, self.weights)
        if self.before is not None:
            loss = loss + self.config.keep * kept_loss(logits, before, truth)
        return loss
