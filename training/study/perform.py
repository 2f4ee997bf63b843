# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a study: trained by the stages of any recipe, scored, told of in a record."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from radiofm_core.machine import processor

from ..encoder.adapt import adapt
from ..engine import runs
from ..engine.settings import FinetuneConfig
from ..evaluate import measure
from ..export import git_revision
from ..pretrain import pretrain
from ..segmentation.build import build_segmenter
from ..segmentation.recipe import CYCLES, Recipe
from ..tasks import AnyRecipe
from .plan import Run, Study, labelled_frames, recipe_fields


def perform_run(study: Study, run: Run) -> dict:
    """Train and score ``run``, or go on with it; returns its record, JSON-ready.

    Keys: ``study``, ``run``, ``variant``, ``label_share``, ``seed``, ``recipe``,
    ``labelled_frames``, ``parameters`` (``all``, and those ``learning`` in fine-tuning),
    ``scores`` (``validation``; ``benchmark``: all of its frames, or None), ``seconds`` by stage,
    ``curve`` (lists of stage, step, seconds of the stage, validation mIoU), ``git_revision``,
    ``machine``.
    """
    recipe = run.recipe
    logs = {}
    if recipe.pretrain is not None:
        logs["pretrain"] = borrow(recipe, runs.about(recipe, "pretrain"), pretrain)
    found = measure(recipe)
    for stage in CYCLES:
        if getattr(recipe, stage) is not None:
            logs[stage] = recipe.run_folder / f"{stage}.csv"
    tables = {stage: rows_of(path) for stage, path in logs.items()}
    measured = {
        "labelled_frames": labelled_frames(recipe),
        "parameters": count_parameters(recipe),
        "scores": {
            "validation": found["validation"],
            "benchmark": _whole(found.get("benchmark")),
        },
        "seconds": {stage: float(rows[-1]["seconds"]) for stage, rows in tables.items() if rows},
        "curve": [
            [stage, int(row["step"]), float(row["seconds"]), float(row["validation_mean_iou"])]
            for stage, rows in tables.items()
            for row in rows
            if row["validation_mean_iou"]
        ],
    }
    return record_of(study, run, measured)


def record_of(study: Study, run: Run, measured: dict) -> dict:
    """A run's record, JSON-ready: what it is, what was ``measured``, by which code, and where."""
    record = {
        "study": study.name,
        "run": run.name,
        "variant": run.variant,
        "label_share": run.label_share,
        "seed": run.seed,
        "recipe": recipe_fields(run.recipe),
        **measured,
        "git_revision": git_revision(),
        "machine": machine(),
    }
    return json.loads(json.dumps(record))


def borrow(
    recipe: AnyRecipe, facts: dict[str, str], pretrain: Callable[[AnyRecipe], object]
) -> Path:
    """Bring the recipe's pre-training, which depends on ``facts``, into its run folder, from a run
    that all recipes share whose pre-training is the same, and which ``pretrain`` trains where it
    is not there; returns the log of it."""
    text = json.dumps(facts, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    shared = replace(recipe, name=f"pretraining-{digest}")
    pretrain(shared)
    path = recipe.checkpoint("pretrain")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # a link to what has been removed
        path.symlink_to(os.path.relpath(shared.checkpoint("pretrain"), path.parent))
    return shared.run_folder / "pretrain.csv"


def count_parameters(recipe: Recipe) -> dict[str, int]:
    """:func:`counted`, of the recipe's segmenter."""
    return counted(build_segmenter(recipe.model, len(recipe.spec.channels)), recipe.finetune)


def counted(model: nn.Module, finetune: FinetuneConfig) -> dict[str, int]:
    """Parameters of a model: ``all``, and what fine-tuning changes or adds (``learning``)."""
    count = sum(p.numel() for p in model.parameters())
    adapt(model, finetune)
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return {"all": count, "learning": learning}


def machine() -> str:
    """In words: processor, cores, GPU, PyTorch."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{processor()}, {cores} cores, {gpu}, PyTorch {torch.__version__}"


def rows_of(path: Path) -> list[dict[str, str]]:
    """Of a stage's log, by the names of its columns; none where it is not there."""
    try:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:  # weights that came without their log
        return []


def _whole(benchmark: dict | None) -> dict | None:
    if benchmark is None:
        return None
    told = ("frames", "pixel_accuracy", "mean_iou", "iou")
    every = benchmark["whole"]["all"]
    return {k: benchmark[k] for k in ("name", "code")} | {k: every[k] for k in told}
