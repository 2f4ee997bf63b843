# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks that there are, and reading recipes of any: a recipe's ``task`` says which it is for,
and without one it is the first."""

from __future__ import annotations

from pathlib import Path

from radiofm_core.errors import UsageError

from .activity.task import TASK as ACTIVITY
from .engine.recipe import RecipeBase
from .engine.recipe_files import build, read_fields
from .segmentation.task import ENCODER_TASK as ENCODER
from .segmentation.task import TASK as SEGMENTATION

TASKS = {task.name: task for task in (SEGMENTATION, ENCODER, ACTIVITY)}
# The keys of recipes that tell the kind of a source
SOURCE_KINDS = frozenset(kind for task in TASKS.values() for kind in task.sources)


def read_recipe(path: str | Path) -> RecipeBase:
    """Read a recipe of any task.

    Raises:
        InputError: it cannot be read.
        UsageError: an unknown task, unknown or missing keys, values that do not fit.
    """
    return build_recipe(read_fields(path, SOURCE_KINDS), str(path))


def build_recipe(fields: object, where: str) -> RecipeBase:
    """A recipe of YAML ``fields``; ``where`` begins errors, which are those of
    :func:`read_recipe`."""
    task = TASKS[task_of(fields, where)]
    if isinstance(fields, dict):
        fields = {key: value for key, value in fields.items() if key != "task"}
    return build(task.recipe, fields, where)


def task_of(fields: object, where: str) -> str:
    """What a recipe with these YAML ``fields`` is for; raises UsageError where that is unknown."""
    usual = next(iter(TASKS))
    task = fields.get("task", usual) if isinstance(fields, dict) else usual
    if task not in TASKS:
        raise UsageError(f"{where}: task: expected one of {', '.join(TASKS)}, got {task!r}")
    return task
