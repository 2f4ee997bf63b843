# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a study: trained by the stages of its task, scored, told of in a record."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from radiofm_core.machine import processor

from ..engine.recipe import RecipeBase
from ..engine.revision import code_revision, git_revision
from ..engine.task import Task
from ..tasks import TASKS
from .plan import Run, Study, recipe_fields


def perform_run(study: Study, run: Run) -> dict:
    """Train and score ``run``, or go on with it; returns its record, JSON-ready: what it is
    (``study``, ``run``, ``variant``, ``label_share``, ``seed``, ``recipe``), what the task
    measured, by which code (``code_revision``, ``git_revision``), and on which ``machine``."""
    task, recipe = TASKS[study.task], run.recipe
    # what is told of the code is told of what was loaded, not of what is there hours later
    made_by = {"code_revision": code_revision(), "git_revision": git_revision()}
    log = borrow(recipe, task) if recipe.pretrain is not None else None
    record = {
        "study": study.name,
        "run": run.name,
        "variant": run.variant,
        "label_share": run.label_share,
        "seed": run.seed,
        "recipe": recipe_fields(recipe),
        **task.measure(recipe, log),
        **made_by,
        "machine": machine(),
    }
    return json.loads(json.dumps(record))


def borrow(recipe: RecipeBase, task: Task) -> Path:
    """Bring the recipe's pre-training into its run folder, from a run that all recipes share
    whose pre-training is the same, and which is trained where it is not there; returns its log."""
    shared = replace(recipe, name=pretraining_of(recipe))
    task.stages["pretrain"](shared)
    path = recipe.checkpoint("pretrain")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # a link to what has been removed
        path.symlink_to(os.path.relpath(shared.checkpoint("pretrain"), path.parent))
    return shared.run_folder / "pretrain.csv"


def pretraining_of(recipe: RecipeBase) -> str:
    """The name of the run that pre-trains for this recipe and all that do it alike."""
    text = json.dumps(recipe.facts("pretrain"), sort_keys=True)
    return f"pretraining-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def shared_out(runs: Sequence[Run], count: int) -> list[list[Run]]:
    """The runs of each of ``count`` processes, about as many for each: those that go on from the
    same pre-training are all of one."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        own = run.recipe.pretrain is None
        groups.setdefault(run.name if own else pretraining_of(run.recipe), []).append(run)
    parts: list[list[Run]] = [[] for _ in range(count)]
    for group in sorted(groups.values(), key=len, reverse=True):
        min(parts, key=len).extend(group)
    names = [{run.name for run in part} for part in parts]
    return [[run for run in runs if run.name in part] for part in names]


def machine() -> str:
    """In words: processor, cores, GPU, PyTorch."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{processor()}, {cores} cores, {gpu}, PyTorch {torch.__version__}"
