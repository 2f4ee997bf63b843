# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task's wing offers to the commands and to studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .recipe import RecipeBase
from .tables import Cell

STAGES = ("prepare", "pretrain", "finetune", "calibrate", "evaluate", "export")


@dataclass(frozen=True)
class Report:
    """How a study of the task is told of.

    ``score(record)``: the number that runs are compared by. ``opening(records)``: paragraphs
    on what the scores are of. ``tables(cells_by_share, reach)``: Markdown of a group's cells,
    those of a label share in one list, the reference first.
    """

    score: Callable[[dict], float]
    opening: Callable[[Sequence[dict]], list[str]]
    tables: Callable[[Sequence[Sequence[Cell]], float], list[str]]


@dataclass(frozen=True)
class Task:
    """A task: its recipe, its stages by name (STAGES), how a study measures and reports a run.

    ``check(recipe)`` raises UsageError for a run of a study that cannot be, before hours of
    training. ``measure(recipe, pretrain_log)`` trains and scores a run; JSON-ready, with
    ``scores.validation`` and ``seconds``; None of a task without studies. ``sources``: kinds of
    sources of its recipes.
    """

    recipe: type[RecipeBase]
    sources: Mapping[str, type]
    stages: Mapping[str, Callable]
    measure: Callable[[RecipeBase, Path | None], dict] | None = None
    report: Report | None = None
    check: Callable[[RecipeBase], None] = lambda recipe: None

    @property
    def name(self) -> str:
        """As in recipes and bundles."""
        return self.recipe.task
