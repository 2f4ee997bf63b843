# SPDX-License-Identifier: GPL-3.0-or-later
"""What pre-training is watched by: pictures of reconstructions, and the effective rank."""

from __future__ import annotations

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
from .data.store import FrameSet
from .objective import Masking

PICTURE_FRAMES = 4
RANK_FRAMES = 64
RANK_BATCH = 8


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
            level, _, resolution, evidence = self.frames.batch(self._spread(PICTURE_FRAMES))
            masked = self.objective.masks(level, np.random.default_rng(0))
            there = [t.to(kind) for t in (level, resolution, evidence, masked)]
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
                level, _, resolution, evidence = self.frames.batch(index)
                there = [t.to(kind) for t in (level, resolution, evidence)]
                tokens = model.embeddings(*there)
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
