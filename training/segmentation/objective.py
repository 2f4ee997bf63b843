# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervised segmentation: losses, and the scores of pixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..engine import processes
from ..engine.settings import FinetuneConfig
from ..waveforms.span import IGNORE
from . import classes
from .data.store import FrameSet

SCORE_BATCH = 16


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


def plain_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy over all scored pixels, as the paper's."""
    total = functional.cross_entropy(logits, truth, ignore_index=IGNORE, reduction="sum")
    return total / (truth != IGNORE).sum().clamp_min(1)


class Segmentation:
    """What fine-tuning trains: the :class:`~training.engine.loop.Objective` of a segmenter."""

    def __init__(self, model: nn.Module, frames: FrameSet, config: FinetuneConfig):
        self.model, self.frames, self.config = model, frames, config
        self._loss = plain_loss if config.loss == "plain" else segmentation_loss

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Levels, truth, resolution."""
        return self.frames.augmented(index, rng)

    def loss(self, level: Tensor, truth: Tensor, resolution: Tensor) -> Tensor:
        """Of the scored pixels."""
        with processes.autocast(level.device.type, self.config.precision):
            logits = self.model.logits(level, resolution)
        return self._loss(logits, truth)


def predictions(model: nn.Module, frames: FrameSet, precision: str = "auto", progress=iter):
    """Logits (B, classes, R, W) and truth (B, R, W), batch by batch, of this process's share of
    ``frames``, on the model's device; ``model`` is in eval mode meanwhile.

    ``progress`` wraps the batches (say, in a bar).
    """
    kind = next(model.parameters()).device
    share = np.arange(processes.rank(), len(frames), processes.world())
    modes = {m: m.training for m in model.modules()}
    model.eval()
    for start in progress(range(0, len(share), SCORE_BATCH)):
        level, truth, resolution = frames.batch(share[start : start + SCORE_BATCH])
        with torch.inference_mode(), processes.autocast(kind.type, precision):
            logits = model.logits(level.to(kind), resolution.to(kind))
        yield logits, truth.to(kind)
    for module, training in modes.items():
        module.training = training


def confusion(mask: np.ndarray, truth: np.ndarray, count: int) -> np.ndarray:
    """Pixel counts (truth, predicted) where the truth is scored."""
    scored = truth != IGNORE
    pairs = truth[scored].astype(np.int64) * count + mask[scored]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def scores(counts: np.ndarray) -> dict:
    """Pixel accuracy, IoU by class (None where the truth has none of it) and their mean from a
    confusion matrix (truth, predicted)."""
    hit = np.diag(counts).astype(float)
    union = counts.sum(0) + counts.sum(1) - np.diag(counts)
    held = counts.sum(1) > 0
    iou = {
        name: round(hit[i] / union[i], 4) if held[i] else None
        for i, name in enumerate(classes.NAMES)
    }
    found = [value for value in iou.values() if value is not None]
    return {
        "pixel_accuracy": round(hit.sum() / max(1, counts.sum()), 4),
        "mean_iou": round(float(np.mean(found or [0.0])), 4),
        "iou": iou,
    }


def mean_iou(model: nn.Module, frames: FrameSet, precision: str) -> float:
    """Of all ``frames``, whichever process looked at them; all processes call it."""
    counts = np.zeros((len(classes.NAMES), len(classes.NAMES)), np.int64)
    for logits, truth in predictions(model, frames, precision):
        counts += confusion(logits.argmax(1).cpu().numpy(), truth.cpu().numpy(), len(counts))
    return scores(processes.total(torch.from_numpy(counts)).numpy())["mean_iou"]
