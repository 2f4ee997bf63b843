# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe by which a segmenter is taught a class from a few marked bursts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from radiofm_core.bundle import TASK_SEGMENTATION, BundleInfo, read_bundle_info
from radiofm_core.errors import UsageError

from ...engine.recipe_files import build
from ...engine.settings import FinetuneConfig
from ..classes import IGNORED, UNKNOWN, ClassConfig, Classes
from ..data import recordings
from ..data.sources import FramesConfig, RecordingsConfig
from ..model import ModelConfig
from ..recipe import DataConfig, Recipe
from .marks import Split

DEFAULT_COLOR = "#b48cff"
DEFAULT_STEPS, BATCH = 480, 8
# Generated frames beside the marked ones, so that the model does not forget, and the share of them
# that each source has, about as in the default recipe; of seeds that no other recipe has
DEFAULT_FRAMES = 500
REPLAY = {
    FramesConfig(1, 610_000_000): 0.50,
    FramesConfig(1, 620_000_000, scenes="others"): 0.36,
    FramesConfig(1, 630_000_000, scenes="wide"): 0.10,
    FramesConfig(1, 640_000_000, scenes="paper-on-air"): 0.04,
}
# Others tell what the old classes lose: the first of the default recipe's validation, so many for
# each of those
KEPT_FIRST_SEED, KEPT_SHARE = 10_000_000, 0.25
# Rows from the begin of a marked frame to that of the next: a burst is seen in several places. So
# many frames are enough to learn from, and to score; of more, some are taken
STEP_ROWS, MOST_LEARNT, MOST_SCORED = 64, 160, 64
# In the loss: as that of classes that are as rare
NEW_WEIGHT = 2.0
# What share of the frames in training have marks
MARKED_SHARE = 1 / 3
LEARNING_RATE, SCRATCH_RATE = 5e-4, 1e-3
# By block towards the input; and how much what the model said before counts beside the labels
LAYER_DECAY, KEEP = 0.7, 10.0


@dataclass(frozen=True)
class Lesson:
    """What a user asks for.

    ``folder``: SigMF recordings with marks. ``name``: the new class. ``labels``: other labels that
    annotations have, to classes. ``kinds``: generated signals that are the same thing. ``out``: the
    folder of the run; its last part is the bundle's name. ``model``: what goes on learning.
    ``steps``: of training. ``frames``: how many generated frames are learnt from beside the marks.
    """

    folder: str
    name: str
    out: Path
    model: str = "default"
    color: str = DEFAULT_COLOR
    labels: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] | None = None
    steps: int = DEFAULT_STEPS
    frames: int = DEFAULT_FRAMES

    def __post_init__(self):
        for option in ("steps", "frames"):
            if getattr(self, option) < BATCH:
                raise UsageError(
                    f"--{option} {getattr(self, option)}: expected {BATCH} or more, such as "
                    f"{getattr(type(self), option)}"
                )

    @property
    def replay(self) -> tuple[FramesConfig, ...]:
        """The generated frames to learn from."""
        counts = {source: round(share * self.frames) for source, share in REPLAY.items()}
        return tuple(replace(source, frames=n) for source, n in counts.items() if n)

    @property
    def kept(self) -> FramesConfig:
        """The generated frames that are not learnt from."""
        return FramesConfig(max(BATCH, round(KEPT_SHARE * self.frames)), KEPT_FIRST_SEED)


def taught_classes(lesson: Lesson, start: BundleInfo) -> Classes:
    """The start's classes, and the new one last.

    Raises UsageError: a name that there is already or that cannot be one, a color that is none, or
    a start that does not tell what its classes are of.
    """
    known = ", ".join(start.class_names)
    taken = [name.casefold() for name in (*start.class_names, IGNORED, UNKNOWN)]
    if lesson.name.strip().casefold() in (*taken, "") or lesson.name != lesson.name.strip():
        raise UsageError(
            f"--class {lesson.name!r}: the model {start.name} has the classes {known}, and "
            f"{IGNORED} and {UNKNOWN} mean something else; give the new class a name of its own"
        )
    told = start.recipe.get("classes")
    if not isinstance(told, dict) or tuple(told) != start.class_names:
        raise UsageError(
            f"--model {lesson.model}: its recipe does not tell of which generated signals its "
            f"classes {known} are; take one that this version of the code exported"
        )
    where = f"{start.path}, classes"
    own = {name: build(ClassConfig, config, f"{where}, {name}") for name, config in told.items()}
    try:
        new = ClassConfig(lesson.color, lesson.kinds, NEW_WEIGHT)
        taken_away = set(lesson.kinds or ())
        rest = {name: _without(config, taken_away, name) for name, config in own.items()}
        return Classes({**rest, lesson.name: new})
    except UsageError as error:
        raise UsageError(f"--class {lesson.name}: {error}") from error


def _without(config: ClassConfig, kinds: set[str], name: str) -> ClassConfig:
    if config.kinds and set(config.kinds) <= kinds:
        raise UsageError(f"all kinds of {name} are taken away; leave it one, or name fewer kinds")
    return replace(config, kinds=config.kinds and tuple(k for k in config.kinds if k not in kinds))


def teach_recipe(lesson: Lesson, split: Split) -> Recipe:
    """The whole run. ``split``: which parts of the recordings are learnt from."""
    start = read_bundle_info(lesson.model, TASK_SEGMENTATION)
    marks = RecordingsConfig(
        str(lesson.folder),
        labels=dict(lesson.labels),
        unmarked=lesson.model,
        lesson=lesson.name,
    )
    classes = taught_classes(lesson, start)
    learn = replace(marks, only=split.learn, step=STEP_ROWS)
    learn, frames = _thinned(learn, MOST_LEARNT, start, classes)
    held, _ = _thinned(
        replace(marks, only=split.held, step=marks.rows), MOST_SCORED, start, classes
    )
    wanted = lesson.frames * MARKED_SHARE / (1 - MARKED_SHARE)
    learn = replace(learn, repeat=max(1, math.ceil(wanted / max(1, frames))))
    return Recipe(
        name=lesson.out.name,
        folder=lesson.out.parent,
        seed=1,
        start=lesson.model,
        classes=classes,
        model=build(ModelConfig, start.recipe["model"], f"{start.path}, model"),
        spec=start.spec,
        data=DataConfig(
            train=(learn, *lesson.replay),
            validation=(held, lesson.kept),
        ),
        finetune=FinetuneConfig(
            steps=lesson.steps,
            batch=BATCH,
            learning_rate=LEARNING_RATE,
            warmup=max(1, lesson.steps // 10),
            layer_decay=LAYER_DECAY,
            keep=KEEP,
        ),
        benchmark=None,
    )


def _thinned(
    source: RecordingsConfig, most: int, start: BundleInfo, classes: Classes
) -> tuple[RecordingsConfig, int]:
    """The source with so large a step that it has ``most`` frames or fewer, and how many."""
    while (count := recordings.count_frames(source, start.spec, classes)) > most:
        source = replace(source, step=2 * source.step)
    return source, count


def scratch_recipe(recipe: Recipe) -> Recipe:
    """The same network, frames and steps from random weights."""
    return replace(
        recipe,
        name=f"{recipe.name}-scratch",
        start=None,
        finetune=replace(recipe.finetune, learning_rate=SCRATCH_RATE, layer_decay=1.0, keep=0.0),
    )
