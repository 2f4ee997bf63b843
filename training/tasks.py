# SPDX-License-Identifier: GPL-3.0-or-later
"""Which task a recipe is for: its ``task`` says so, and without one it is segmentation."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from radiofm_core.bundle import TASK_ACTIVITY, TASK_SEGMENTATION
from radiofm_core.errors import UsageError

from .activity import stages
from .activity.recipe import ActivityRecipe
from .segmentation.recipe import Recipe, build, read_fields

AnyRecipe = Recipe | ActivityRecipe
RECIPES = {TASK_SEGMENTATION: Recipe, TASK_ACTIVITY: ActivityRecipe}


def read_any(path: str | Path) -> AnyRecipe:
    """Read a recipe of any task; errors as :func:`training.segmentation.recipe.read_recipe`."""
    return build_any(read_fields(path), str(path))


def build_any(fields: object, where: str) -> AnyRecipe:
    """A recipe of the task that YAML ``fields`` say; errors as :func:`training.segmentation.recipe.build`."""
    kind = RECIPES[task_of(fields, where)]
    if isinstance(fields, dict):
        fields = {key: value for key, value in fields.items() if key != "task"}
    return build(kind, fields, where)


def task_of(fields: object, where: str) -> str:
    """What a recipe with these YAML ``fields`` is for; raises UsageError where that is unknown."""
    task = fields.get("task", TASK_SEGMENTATION) if isinstance(fields, dict) else TASK_SEGMENTATION
    if task not in RECIPES:
        raise UsageError(f"{where}: task {task!r} is unknown; it is one of {', '.join(RECIPES)}")
    return task


def recipe_argument(description: str) -> AnyRecipe:
    """The recipe named by ``--recipe`` on the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--recipe", default="training/recipes/default.yaml", help="YAML file")
    return read_any(parser.parse_args().recipe)


def stage_for(recipe: AnyRecipe, stage: Callable[[Recipe], object]) -> Callable:
    """What does for the recipe's task what ``stage`` does for segmentation."""
    return stages.STAGES[stage.__name__] if isinstance(recipe, ActivityRecipe) else stage
