# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of a stage as one CSV file that a resumed run goes on writing."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

COLUMNS = (
    "step",
    "seconds",
    "loss",
    "learning_rate",
    "frames_per_s",
    "effective_rank",
    "validation_mean_iou",
)


class CsvLogger(Logger):
    """Appends rows; Lightning's own CSV logger begins anew, in another file, on resume."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self.began = time.monotonic()

    @property
    def name(self) -> str:
        """The stage."""
        return self.path.stem

    @property
    def version(self) -> str:
        """There is one."""
        return ""

    def log_hyperparams(self, *args, **kwargs) -> None:
        """They are in the recipe."""

    @rank_zero_only
    def begin(self, step: int) -> None:
        """Drop what a stopped run wrote after the ``step`` that it goes on from."""
        rows = []
        if self.path.exists() and step:
            with self.path.open(newline="") as file:
                rows = [r for r in csv.DictReader(file) if int(r["step"]) <= step]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        self.began = time.monotonic() - (float(rows[-1]["seconds"]) if rows else 0.0)

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """One row; names that are no column are left to the other loggers."""
        with self.path.open("a", newline="") as file:
            row = {k: f"{v:.6g}" for k, v in metrics.items() if k in COLUMNS}
            row |= {"step": step, "seconds": f"{time.monotonic() - self.began:.1f}"}
            csv.DictWriter(file, COLUMNS, restval="").writerow(row)
