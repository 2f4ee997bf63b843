# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop that all stages share, on Lightning: schedule, log, checkpoint, resume,
several processes."""

from __future__ import annotations

import logging
import math
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import pytorch_lightning as lightning
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor, nn

from . import processes, runs
from .batches import Batches
from .callbacks import Keep, Report
from .csv_log import CsvLogger
from .optimizers import make_optimizer
from .settings import StageConfig


class Objective(Protocol):
    """What a stage trains, and on what."""

    model: nn.Module

    def batch(self, index: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """The tensors of the frames ``index``, on the CPU."""

    def loss(self, *tensors: Tensor) -> Tensor:
        """Of a batch, on the model's device."""


def learning_rate(step: int, stage: StageConfig) -> float:
    """Linear warm-up, then a cosine to the stage's final share at the last step."""
    if step < stage.warmup:
        return stage.learning_rate * (step + 1) / stage.warmup
    share = (step - stage.warmup) / max(1, stage.steps - stage.warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    return stage.learning_rate * (stage.final_share + (1 - stage.final_share) * cosine)


class Stage(lightning.LightningModule):
    """An objective as Lightning wants it."""

    def __init__(self, objective: Objective, config: StageConfig, facts: dict, scale: Callable):
        super().__init__()
        self.model = objective.model
        self.objective, self.config, self.facts, self.scale = objective, config, facts, scale

    def training_step(self, batch: tuple[Tensor, ...], _: int) -> Tensor:
        """The loss of a batch."""
        return self.objective.loss(*batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The stage's."""
        return make_optimizer(self.model.named_parameters(), self.config, self.scale)

    def optimizer_step(self, epoch, batch_index, optimizer, closure=None):
        """A step at the rate of its number: nothing to remember for a resumed run."""
        for group in optimizer.param_groups:
            group["lr"] = group["scale"] * learning_rate(self.global_step, self.config)
        optimizer.step(closure)

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """So that another recipe does not go on from it."""
        checkpoint["about"] = self.facts


def fit(
    objective: Objective,
    config: StageConfig,
    frames: int,
    seed: int,
    out: Path,
    facts: dict[str, str],
    watchers: tuple[lightning.Callback, ...] = (),
    scale: Callable[[str], float] = lambda name: 1.0,
) -> None:
    """Train ``objective.model`` in place for ``config.steps`` steps (a watcher may end it sooner).

    A run that was stopped goes on from ``out.resume.ckpt``, at most two minutes old, exactly as
    if it had not been stopped; who has saved the weights removes it. Logs: ``out.csv`` and, for
    ``tensorboard --logdir``, the folder ``tensorboard`` beside it.

    Args:
        objective: what to train.
        config: the stage's settings.
        frames: how many frames there are to train on.
        seed: decides on the order of the frames and all that is drawn.
        out: path of the stage's files, without suffix.
        facts: what :func:`runs.about` says.
        watchers: Lightning callbacks.
        scale: a factor on the learning rate by the parameter's name.
    """
    processes.reuse_memory()
    resume = runs.resume_file(out)
    if resume.exists():
        runs.read(resume, facts)
    loggers = [
        CsvLogger(out.with_suffix(".csv")),
        TensorBoardLogger(out.parent / "tensorboard", name=out.name, version=""),
    ]
    module = Stage(objective, config, facts, scale)
    with warnings.catch_warnings():
        # Its advice is about loaders and modes that are as they are on purpose.
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
        trainer = lightning.Trainer(
            **_hardware(),
            max_steps=config.steps,
            accumulate_grad_batches=config.accumulate,
            gradient_clip_val=1.0,
            logger=loggers if processes.rank() == 0 else False,
            callbacks=[*watchers, Report(config), Keep(resume)],
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            use_distributed_sampler=False,
            default_root_dir=out.parent,
        )
        batches = Batches(
            objective.batch,
            config,
            frames,
            seed,
            lambda: trainer.global_step,
            processes.rank(),
            processes.world(),
        )
        handler = signal.getsignal(signal.SIGINT)
        try:
            with processes.missing():
                trainer.fit(module, batches, ckpt_path=resume if resume.exists() else None)
        except SystemExit as error:  # Lightning's answer to Ctrl-C
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt from error
    processes.wait()


def _hardware() -> dict:
    kind = "gpu" if torch.cuda.is_available() else "cpu"
    if processes.world() == 1:
        return {"accelerator": kind, "devices": [processes.device().index] if kind == "gpu" else 1}
    local = int(os.environ.get("LOCAL_WORLD_SIZE", processes.world()))
    nodes = processes.world() // local
    # A stage may leave a part of the model alone, as segmentation does the judge of emissions.
    strategy = "ddp_find_unused_parameters_true"
    return {"accelerator": kind, "devices": local, "num_nodes": nodes, "strategy": strategy}
