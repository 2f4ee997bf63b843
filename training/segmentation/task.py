# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wing of segmentation offers."""

from ..engine.task import Task
from . import stages, study
from .data.sources import KINDS
from .recipe import Recipe

TASK = Task(
    recipe=Recipe,
    sources=KINDS,
    stages={
        "prepare": stages.prepare,
        "pretrain": stages.pretrain,
        "finetune": stages.finetune,
        "calibrate": stages.calibrate,
        "evaluate": stages.evaluate,
        "export": stages.export,
    },
    measure=study.measure,
    report=study.REPORT,
    check=study.check,
)
