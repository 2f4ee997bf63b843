# SPDX-License-Identifier: GPL-3.0-or-later
"""Masked spectrogram modelling: hide patches, reconstruct them, learn what radio looks like.

After arXiv 2411.09996. The `stem` model sees mask tokens in place (as SimMIM, arXiv 2111.09886),
because its convolutional stem needs the whole grid; the `plain` one sees visible patches alone.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor, nn

from radiofm_core.errors import OutputError

from ..encoder.inputs import PATCH
from ..engine import processes
from ..engine.callbacks import AfterStep, log
from ..engine.effective_rank import effective_rank
from ..engine.settings import PretrainConfig
from .data.store import FrameSet

PICTURE_FRAMES = 4
RANK_FRAMES = 64
RANK_BATCH = 8


def draw_masks(
    batch: int,
    rows: int,
    cols: int,
    ratio: float,
    rng: np.random.Generator,
    kinds: tuple[str, ...] = PretrainConfig.mask_kinds,
) -> Tensor:
    """(batch, rows * cols) bool, True = hidden. Each frame draws one of ``kinds``: patches at
    ``random``, whole rows (``time``) or whole columns (``frequency``)."""
    drawn = np.array(kinds)[rng.integers(0, len(kinds), size=batch)][:, None, None]
    score = rng.random((batch, rows, cols))
    score = np.where(drawn == "time", rng.random((batch, rows, 1)), score)
    score = np.where(drawn == "frequency", rng.random((batch, 1, cols)), score)
    flat = score.reshape(batch, -1)
    hidden = max(1, round(ratio * rows * cols))
    limit = np.sort(flat, axis=1)[:, hidden - 1 : hidden]
    return torch.from_numpy(flat <= limit)


def masked_loss(reconstruction: Tensor, target: Tensor, masked: Tensor) -> Tensor:
    """Mean squared error of what is hidden.

    Args:
        reconstruction, target: (B, C, R, W); each patch is a square of it, or one place.
        masked: (B, T) bool, True where a patch is hidden.
    """
    side = math.isqrt(target.shape[2] * target.shape[3] // masked.shape[1])
    rows, cols = target.shape[2] // side, target.shape[3] // side
    grid = masked.view(-1, 1, rows, 1, cols, 1).float()
    error = (reconstruction - target).square()
    error = error.unflatten(3, (cols, side)).unflatten(2, (rows, side))
    return (error * grid).sum() / (grid.sum() * side * side * target.shape[1])


class Masking:
    """What pre-training trains: the :class:`~training.engine.loop.Objective` of a masked model."""

    def __init__(self, model: nn.Module, frames: FrameSet, config: PretrainConfig):
        self.model, self.frames, self.config = model, frames, config

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Levels, resolution, masks."""
        level, _, resolution = self.frames.augmented(index, rng)
        return level, resolution, self.masks(level, rng)

    def masks(self, level: Tensor, rng: np.random.Generator) -> Tensor:
        """For the frames of a batch, as the recipe wants them."""
        config = self.config
        rows, cols = level.shape[2] // PATCH, level.shape[3] // PATCH
        return draw_masks(len(level), rows, cols, config.mask_ratio, rng, config.mask_kinds)

    def loss(self, level: Tensor, resolution: Tensor, masked: Tensor) -> Tensor:
        """Of the hidden patches."""
        with processes.autocast(level.device.type, self.config.precision):
            reconstruction, target = self.model(level, resolution, masked)
        return masked_loss(reconstruction, target, masked)


class Watch(AfterStep):
    """Every ``every`` steps, and at the last: a picture of what is reconstructed of a few frames
    that are not trained on, and the effective rank of the encoder's tokens of more of them.

    Args:
        objective: the pre-training.
        frames: those frames; their truth is not used.
        folder: where ``<stage>-<step>.png`` go.
        every: steps.
    """

    def __init__(self, objective: Masking, frames: FrameSet, folder: Path, every: int):
        self.objective, self.frames, self.folder, self.every = objective, frames, folder, every

    def after_step(self, trainer, step: int) -> None:
        """Look, when it is time; the first process alone."""
        if (step % self.every and step != trainer.max_steps) or processes.rank():
            return
        model = self.objective.model.eval()
        kind = next(model.parameters()).device
        with torch.inference_mode(), processes.autocast(kind.type, self.objective.config.precision):
            rank = effective_rank(self._embeddings(model, kind))
            level, _, resolution = self.frames.batch(self._spread(PICTURE_FRAMES))
            masked = self.objective.masks(level, np.random.default_rng(0))
            there = (level.to(kind), resolution.to(kind), masked.to(kind))
            reconstruction, target = (t.float().cpu() for t in model(*there))
        model.train()
        log(trainer, {"effective_rank": rank})
        path = self.folder / f"pretrain-{step:06d}.png"
        figure = draw_picture(target, reconstruction, masked, f"step {step}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path)
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({error.strerror})") from error
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_figure("reconstruction", figure, step)

    def _embeddings(self, model: nn.Module, kind: torch.device) -> Tensor:
        out = []
        for index in np.array_split(self._spread(RANK_FRAMES), RANK_FRAMES // RANK_BATCH):
            if len(index):
                level, _, resolution = self.frames.batch(index)
                tokens = model.embeddings(level.to(kind), resolution.to(kind))
                out.append(tokens.flatten(0, 1).float().cpu())
        return torch.cat(out)

    def _spread(self, count: int) -> np.ndarray:
        count = min(count, len(self.frames))
        return np.linspace(0, len(self.frames) - 1, count).astype(int)


def draw_picture(target: Tensor, reconstruction: Tensor, masked: Tensor, title: str):
    """A matplotlib figure, a row a frame: what the model saw, what it made of it, the original.

    Args:
        target: (B, C, R, W) in :class:`~training.encoder.inputs.Normalise` units.
        reconstruction: the same shape; shown where hidden.
        masked: (B, T) bool, True = hidden.
        title: above all.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count, _, rows, cols = target.shape
    grid = masked.view(count, rows // PATCH, cols // PATCH)
    hidden = grid.repeat_interleave(PATCH, 1).repeat_interleave(PATCH, 2)
    figure = Figure(figsize=(9, 3 * count), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    axes = figure.subplots(count, 3, squeeze=False)
    for i in range(count):
        whole, guess, hide = target[i, 0], reconstruction[i, 0], hidden[i]
        seen = torch.where(hide, torch.nan, whole)
        filled = torch.where(hide, guess, whole)
        for axis, image, name in zip(
            axes[i], (seen, filled, whole), ("masked", "reconstructed", "original"), strict=True
        ):
            axis.imshow(image.numpy() * 10, vmin=-10, vmax=30, aspect="auto", origin="lower")
            axis.set(title=name if i == 0 else "", xlabel="bin", ylabel="row")
            axis.label_outer()
    return figure
