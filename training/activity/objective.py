# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stages of an activity classifier train (:class:`training.engine.loop.Objective`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from radiofm_core.csi.spec import CsiSpec

from ..encoder.inputs import PATCH
from ..engine import processes
from ..engine.masks import draw_masks, masked_loss
from ..engine.settings import FinetuneConfig, PretrainConfig
from .data.augment import Augmentation, augmented
from .data.windows import WindowSet
from .model import ActivityClassifier

LABEL_SMOOTHING = 0.1


class Classification:
    """Fine-tuning: cross entropy of augmented windows with the shares of the labels in their
    middle; ``balanced`` weighs classes by the inverse square root of their share, and smooths
    labels."""

    def __init__(
        self,
        model: ActivityClassifier,
        windows: WindowSet,
        spec: CsiSpec,
        augment: Augmentation,
        config: FinetuneConfig,
    ):
        self.model, self.windows, self.spec = model, windows, spec
        self.augment, self.config = augment, config
        self.weights = torch.ones(len(windows.classes))
        self.smoothing = 0.0
        if config.loss == "balanced":
            found = windows.labels[windows.labels < len(windows.classes)]
            share = np.bincount(found, minlength=len(windows.classes)) / max(1, found.size)
            weights = torch.from_numpy(share).float().clamp_min(1e-3).rsqrt()
            self.weights = weights / weights.mean()
            self.smoothing = LABEL_SMOOTHING

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Values, rows that were received, targets."""
        found = augmented(self.windows, index, self.spec, self.augment, rng)
        return tuple(torch.from_numpy(each) for each in found)

    def loss(self, values: Tensor, received: Tensor, targets: Tensor) -> Tensor:
        """Of a batch."""
        with processes.autocast(values.device.type, self.config.precision):
            logits = self.model.logits(values, self.windows.antennas, received)
        return functional.cross_entropy(
            logits, targets, self.weights.to(logits.device), label_smoothing=self.smoothing
        )


class MaskedMotion:
    """Pre-training: what the model tells of hidden patches of the views. Each batch is of one set,
    drawn by its size; labels are not looked at."""

    def __init__(
        self,
        model: nn.Module,
        sets: Sequence[WindowSet],
        spec: CsiSpec,
        augment: Augmentation,
        config: PretrainConfig,
    ):
        self.model, self.sets, self.spec = model, list(sets), spec
        self.augment, self.config = augment, config
        self.sizes = np.array([len(windows) for windows in self.sets])

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Views, masks."""
        number = int(rng.choice(len(self.sets), p=self.sizes / self.sizes.sum()))
        windows = self.sets[number]
        index = rng.integers(0, len(windows), len(index))
        values, _, _ = augmented(windows, index, self.spec, self.augment, rng)
        with torch.no_grad():
            views = self.model.views(torch.from_numpy(values), windows.antennas)
        # one view of each window: views of one window are much alike
        views = views[
            torch.arange(len(index)), torch.from_numpy(rng.integers(0, views.shape[1], len(index)))
        ]
        config = self.config
        rows, cols = views.shape[2] // PATCH, views.shape[3] // PATCH
        masks = draw_masks(len(index), rows, cols, config.mask_ratio, rng, config.mask_kinds)
        return views, masks

    def loss(self, views: Tensor, masks: Tensor) -> Tensor:
        """Of the hidden patches."""
        with processes.autocast(views.device.type, self.config.precision):
            guess, truth = self.model(views, masks)
        return masked_loss(guess, truth, masks)
