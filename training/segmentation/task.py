# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wing of segmentation offers."""

from ..engine.task import STAGES, Task
from . import encoder_stages, stages, study
from .data.sources import KINDS
from .encoder_recipe import EncoderRecipe
from .recipe import Recipe

TASK = Task(
    recipe=Recipe,
    sources=KINDS,
    stages={name: getattr(stages, name) for name in STAGES},
    measure=study.measure,
    report=study.REPORT,
    check=study.check,
)

ENCODER_TASK = Task(
    recipe=EncoderRecipe,
    sources=KINDS,
    stages=encoder_stages.STAGES,
)
