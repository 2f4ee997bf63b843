# SPDX-License-Identifier: GPL-3.0-or-later
"""Which task a recipe is for: its ``task`` says so, and without one it is segmentation."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from radiofm_core.bundle import TASK_ACTIVITY, TASK_SEGMENTATION
from radiofm_core.errors import UsageError

from .csi import stages
from .csi.recipe import ActivityRecipe
from .recipe import Recipe, build, read_fields

AnyRecipe = Recipe | ActivityRecipe
RECIPES = {TASK_SEGMENTATION: Recipe, TASK_ACTIVITY: ActivityRecipe}


def read_any(path: str | Path) -> AnyRecipe:
    """Read a recipe of any task; errors as :func:`training.recipe.read_recipe`."""
    fields = read_fields(path)
    task = TASK_SEGMENTATION
    if isinstance(fields, dict):
        task = fields.pop("task", TASK_SEGMENTATION)
    if task not in RECIPES:
        raise UsageError(f"{path}: task {task!r} is unknown; it is one of {', '.join(RECIPES)}")
    return build(RECIPES[task], fields, str(path))


def recipe_argument(description: str) -> AnyRecipe:
    """The recipe named by ``--recipe`` on the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--recipe", default="training/recipes/default.yaml", help="YAML file")
    return read_any(parser.parse_args().recipe)


def stage_for(recipe: AnyRecipe, stage: Callable[[Recipe], object]) -> Callable:
    """What does for the recipe's task what ``stage`` does for segmentation."""
    return stages.STAGES[stage.__name__] if isinstance(recipe, ActivityRecipe) else stage
