# SPDX-License-Identifier: GPL-3.0-or-later
"""What a study compares, read from YAML: variants of a recipe, label shares, seeds, groups."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from radiofm_core.errors import UsageError

from ..engine.recipe import RecipeBase
from ..engine.recipe_files import build, overlaid, read_fields
from ..tasks import SOURCE_KINDS, TASKS, build_recipe, task_of


@dataclass(frozen=True)
class Group:
    """One table of the report: ``variants`` at the label shares ``labels``; the first variant is
    the reference that the others are compared with. ``note`` is printed below the title."""

    title: str
    variants: tuple[str, ...]
    labels: tuple[float, ...]
    note: str = ""


@dataclass(frozen=True)
class Run:
    """A variant at a share of the labels with a seed: a recipe of its own."""

    variant: str
    label_share: float
    seed: int
    recipe: RecipeBase

    @property
    def name(self) -> str:
        """Of its folder and its record."""
        return self.recipe.name


@dataclass(frozen=True)
class Study:
    """Runs of the recipe file ``recipe``, each with ``overrides``, then with what ``labels`` sets
    for its label share, then with what ``variants`` sets for its variant, all of them keys of a
    recipe as a file with ``base:`` sets them.

    ``reach``: the validation score that the time to reach it is told of. ``about``: the report's
    opening. Frames and weights go below ``folder``, a line for each run into the file ``records``,
    the report into the file ``report``.
    """

    name: str
    recipe: str
    seeds: tuple[int, ...]
    labels: dict
    variants: dict
    groups: tuple[Group, ...]
    reach: float
    overrides: dict = field(default_factory=dict)
    about: str = ""
    folder: Path | None = None
    records: str | None = None
    report: str | None = None

    def __post_init__(self):
        for key, kind, what in (
            ("seeds", tuple, "a list of integers"),
            ("labels", dict, "label shares and what changes with them"),
            ("variants", dict, "names and what changes with them"),
        ):
            if not isinstance(getattr(self, key), kind) or not getattr(self, key):
                raise UsageError(f"{key}: expected {what}, got {getattr(self, key)!r}")
        for name in self.variants:
            if not re.fullmatch(r"[\w.+-]+", str(name)):
                raise UsageError(f"variant {name!r}: use letters, digits, and . _ + -")
        for group in self.groups:
            for key in ("variants", "labels"):
                named, known = getattr(group, key), getattr(self, key)
                if not isinstance(named, tuple) or not named:
                    raise UsageError(f"group {group.title!r} has no list of {key}")
                for name in named:
                    if name not in known:
                        raise UsageError(
                            f"group {group.title!r} names {name!r}; the {key} are {list(known)}"
                        )

    @cached_property
    def task(self) -> str:
        """What its recipe is for."""
        return task_of(read_fields(self.recipe, SOURCE_KINDS), self.recipe)

    @property
    def run_folder(self) -> Path:
        """Frames and weights of all runs."""
        return self.folder or Path("build/training") / f"study-{self.name}"

    @property
    def records_path(self) -> Path:
        """JSON lines, one a run."""
        return Path(self.records or f"training/results/{self.name}.jsonl")

    @property
    def report_path(self) -> Path:
        """Markdown."""
        return Path(self.report or f"training/results/{self.name}.md")

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Every run once, all of a seed before those of the next, so that a study that is
        stopped has something of each group. Raises UsageError as :func:`read_recipe` does."""
        base = overlaid(read_fields(self.recipe, SOURCE_KINDS), self.overrides or {}, SOURCE_KINDS)
        found = {}
        for seed in self.seeds:
            for group in self.groups:
                for variant in group.variants:
                    for share in group.labels:
                        run = self._run(base, variant, share, seed)
                        found.setdefault(run.name, run)
        return tuple(found.values())

    def run_name(self, variant: str, share: float, seed: int) -> str:
        """The name of a run."""
        return f"{variant}-labels{100 * share:g}-seed{seed}"

    def _run(self, base, variant: str, share: float, seed: int) -> Run:
        own = {
            "name": self.run_name(variant, share, seed),
            "seed": seed,
            "label_share": float(share),
            "folder": self.run_folder,
        }
        fields = base
        for above in (self.labels[share], self.variants[variant], own):
            fields = overlaid(fields, above or {}, SOURCE_KINDS)
        recipe = build_recipe(fields, f"study {self.name}, {own['name']}")
        TASKS[self.task].check(recipe)
        return Run(variant, share, seed, recipe)


def read_study(path: str | Path) -> Study:
    """Read a study and check all its runs; a study can have a ``base:`` as recipes have.

    Raises InputError (unreadable) or UsageError (unknown or missing keys, also of the recipes).
    """
    fields, where = read_fields(path, SOURCE_KINDS), str(path)
    if isinstance(fields, dict):
        groups = fields.get("groups")
        if not isinstance(groups, list) or not groups:
            raise UsageError(f"{where}: groups is {groups!r}; give a list of them")
        groups = [build(Group, g, f"{where}, groups {i}") for i, g in enumerate(groups, 1)]
        fields = {**fields, "groups": tuple(groups)}
    study = build(Study, fields, where)
    if TASKS[study.task].measure is None:
        raise UsageError(f"{where}: there are no studies of {study.task}; name another recipe")
    if not study.runs:
        raise UsageError(f"{where}: there is nothing to run")
    return study


def recipe_fields(recipe: RecipeBase) -> dict:
    """Everything that a run depends on, JSON-ready, for its record."""
    return {**recipe.to_dict(), "spec": dataclasses.asdict(recipe.spec)}
