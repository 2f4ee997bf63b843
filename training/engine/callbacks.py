# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens beside the training steps: progress, checkpoints, early stopping."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from pytorch_lightning import Callback
from torch import Tensor, nn
from tqdm import tqdm

from . import processes, runs
from .csv_log import CsvLogger
from .settings import StageConfig

LOG_EVERY = 20
SAVE_EVERY_S = 120.0


def log(trainer, metrics: dict[str, float]) -> None:
    """To every log, at this step."""
    for logger in trainer.loggers:
        logger.log_metrics(metrics, trainer.global_step)


class AfterStep(Callback):
    """Calls :meth:`after_step` after each step of the optimiser (several batches where
    gradients are accumulated)."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        """Lightning's hook."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            self.after_step(trainer, trainer.global_step)

    def after_step(self, trainer, step: int) -> None:
        """``step`` steps are done."""
        raise NotImplementedError


class Report(AfterStep):
    """The progress bar, and a row in the logs every 20 steps."""

    def __init__(self, config: StageConfig):
        self.config = config
        self.losses: list[Tensor] = []
        self.bar = None

    def on_train_start(self, trainer, pl_module) -> None:
        """Begin, or go on where the checkpoint was made."""
        step = trainer.global_step
        for logger in trainer.loggers:
            if isinstance(logger, CsvLogger):
                logger.begin(step)
        self.logged = time.monotonic()
        self.logged_step = step
        name = trainer.loggers[0].name if trainer.loggers else ""
        self.bar = tqdm(
            total=self.config.steps, initial=step, desc=name, unit="step",
            disable=processes.rank() > 0,
        )  # fmt: skip

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        """Remember the loss of each batch."""
        # A number of it would make the processor wait for the GPU. Lightning divides it by the
        # parts that a batch is taken in.
        self.losses.append(outputs["loss"].detach() * trainer.accumulate_grad_batches)
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def after_step(self, trainer, step: int) -> None:
        """Step the bar; log."""
        self.bar.update()
        if step % LOG_EVERY and step != self.config.steps:
            return
        loss = processes.mean(float(torch.stack(self.losses).mean()))
        self.losses.clear()
        now = time.monotonic()
        speed = (step - self.logged_step) * self.config.batch / (now - self.logged)
        self.logged, self.logged_step = now, step
        rate = max(g["lr"] for g in trainer.optimizers[0].param_groups)
        log(trainer, {"loss": loss, "learning_rate": rate, "frames_per_s": speed})
        self.bar.set_postfix(loss=f"{loss:.4f}")

    def on_train_end(self, trainer, pl_module) -> None:
        """The bar stays as it is."""
        self.bar.close()

    def on_exception(self, trainer, pl_module, exception) -> None:
        """The error begins on a line of its own."""
        if self.bar is not None:
            self.bar.close()

    def state_dict(self) -> dict:
        """Losses that are not in the logs yet."""
        return {"losses": torch.stack(self.losses).cpu() if self.losses else torch.zeros(0)}

    def load_state_dict(self, state: dict) -> None:
        """As saved."""
        self.losses = list(state["losses"])


class Keep(AfterStep):
    """A checkpoint every two minutes, removed at the end."""

    def __init__(self, path: Path):
        self.path = path
        self.saved = time.monotonic()

    def after_step(self, trainer, step: int) -> None:
        """Save when it is time."""
        if step == trainer.max_steps or trainer.should_stop:
            return  # the weights are saved next, and a finished loop cannot be gone on with
        due = time.monotonic() - self.saved > SAVE_EVERY_S
        if trainer.world_size > 1:
            # Saving takes all processes; the first one's clock counts.
            if step % LOG_EVERY:
                return
            due = trainer.strategy.broadcast(due)
        if due:
            content = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)
            if processes.rank() == 0:
                runs.save(self.path, content)
            self.saved = time.monotonic()


class Score(AfterStep):
    """Score the validation frames every ``every`` steps and at the last, for the logs.

    Args:
        score: higher is better; all processes call it and get the same.
        every: steps between scores.
    """

    def __init__(self, score: Callable[[], float], every: int):
        self.score, self.every = score, every

    def after_step(self, trainer, step: int) -> None:
        """Score when it is time, and at the last step."""
        if step % self.every and step != trainer.max_steps:
            return
        value = self.score()
        log(trainer, {"validation_mean_iou": value})
        self.scored(trainer, value)

    def scored(self, trainer, value: float) -> None:
        """The score is ``value``."""


class StopEarly(Score):
    """End without a better score in ``patience`` scores, and put the best weights back at the end.

    Args:
        model: as it will be used: its weights are kept and put back.
        score, every: as :class:`Score` has.
        patience: scores.
    """

    def __init__(self, model: nn.Module, score: Callable[[], float], every: int, patience: int):
        super().__init__(score, every)
        self.model, self.patience = model, patience
        self.best, self.since, self.weights = float("-inf"), 0, None

    def scored(self, trainer, value: float) -> None:
        """Keep the weights, or lose patience."""
        if value > self.best:
            self.best, self.since = value, 0
            self.weights = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
        else:
            self.since += 1
        trainer.should_stop = trainer.should_stop or self.since >= self.patience

    def on_train_end(self, trainer, pl_module) -> None:
        """The best weights, not the last."""
        if self.weights is not None:
            self.model.load_state_dict(self.weights)

    def state_dict(self) -> dict:
        """For a resumed run."""
        return {"best": self.best, "since": self.since, "weights": self.weights}

    def load_state_dict(self, state: dict) -> None:
        """As saved."""
        self.best, self.since, self.weights = state["best"], state["since"], state["weights"]
