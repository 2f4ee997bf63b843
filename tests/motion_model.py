# SPDX-License-Identifier: GPL-3.0-or-later
"""A model without training for tests of whole runs: more motion, another class."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from radiofm_core.bundle import TASK_ACTIVITY, ClassInfo
from radiofm_core.csi.spec import CsiSpec
from training.engine.bundle_file import export_bundle

CLASSES = (ClassInfo("STILL", "#5b6270"), ClassInfo("MOVING", "#23c4ff"))


class MotionClassifier(nn.Module):
    """MOVING where amplitudes leave their mean by more than 5 %, with a probability of 0.9."""

    def __init__(self):
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(0.05))

    def forward(self, values: torch.Tensor, antennas: int) -> torch.Tensor:
        level = values[..., :antennas].float()
        moved = (level / level.mean(1, keepdim=True) - 1).square().mean((1, 2, 3)).sqrt()
        moving = torch.where(moved > self.threshold.float(), 0.9, 0.1)
        return torch.stack([1 - moving, moving], dim=1)


def make_motion_bundle(
    path: Path, spec: CsiSpec | None = None, metrics: dict | None = None
) -> Path:
    """A bundle of MotionClassifier."""
    spec = spec or CsiSpec()
    return export_bundle(
        path, MotionClassifier(), spec, "motion", {}, "none", metrics or {}, TASK_ACTIVITY, CLASSES
    )
