# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies of activity classifiers: a run is a cross-validation; its score is the accuracy on
windows of groups (runs, subjects) that had no part in fine-tuning."""

from __future__ import annotations

from pathlib import Path

from ..activity import stages
from ..activity.recipe import ActivityRecipe, classes_of
from ..activity.scores import cross_validated, scores
from ..segmentation.build import build_activity
from .perform import borrow, counted, record_of, rows_of
from .plan import Run, Study
from .report import Cell, cell_of, different, listed, percent, spread, table, where_made

HEADS = ("variant", "labels", "seeds", "accuracy", "difference", "parameters learning", "seconds")


def perform_run(study: Study, run: Run) -> dict:
    """Train and score ``run``, or go on with it; returns its record, JSON-ready: keys as
    :func:`training.study.perform.perform_run` has, ``scores.validation`` as
    :func:`training.activity.scores.scores` has."""
    recipe: ActivityRecipe = run.recipe
    logs = {}
    if recipe.pretrain is not None:
        logs["pretrain"] = borrow(recipe, recipe.facts("pretrain"), stages.pretrain)
    classes = classes_of(recipe.data.clips("train"))
    logits, right, by_fold = cross_validated(recipe, stages.finetune_fold)
    folds = [recipe.run_folder / f"fold-{fold + 1}.csv" for fold in range(recipe.folds)]
    seconds = {stage: float(rows_of(path)[-1]["seconds"]) for stage, path in logs.items()}
    seconds["finetune"] = sum(float(rows_of(path)[-1]["seconds"]) for path in folds)
    model = build_activity(recipe.model, len(classes), recipe.spec)
    found = {**scores(logits, right, classes), "accuracy_by_fold": by_fold}
    measured = {
        "parameters": counted(model, recipe.finetune),
        "scores": {"validation": found},
        "seconds": seconds,
    }
    return record_of(study, run, measured)


def accuracy(record: dict) -> float:
    """Of the windows that were held out."""
    return record["scores"]["validation"]["accuracy"]


def opening(study: Study, records: dict[str, dict], path: str | Path) -> list[str]:
    """What the report begins with."""
    everyone = list(records.values())
    folds = different(str(r["recipe"]["folds"]) for r in everyone)
    windows = different(f"{r['scores']['validation']['answers']:,}" for r in everyone)
    return [
        study.about,
        f"Written by `python -m training.study --study {path} --report` from the records in "
        f"`{study.records_path}`, one of each run; no number here has another source. The accuracy "
        f"is of {windows} windows in {folds} folds: each is judged by a model that had no labels "
        "of its run. Accuracies are means over seeds, in brackets the least and the most of a "
        "single seed. Differences are taken seed by seed from the variant that a table begins "
        "with, at the same labels: where the brackets hold zero, the seeds do not agree which is "
        "better.",
        listed(where_made(study, records)),
    ]


def group_tables(study: Study, group, records: dict[str, dict]) -> list[str]:
    """The table of a group."""
    rows = []
    for share in group.labels:
        cells = [cell_of(study, variant, share, records) for variant in group.variants]
        rows += [_row(cell, cells[0]) for cell in cells]
    return [f"## {group.title}", group.note, table(HEADS, rows)]


def _row(cell: Cell, reference: Cell) -> tuple[str, ...]:
    some = next(iter(cell.by_seed.values()), None)
    stages_of = some["seconds"] if some else ()
    times = (spread(cell.values(lambda r, s=s: r["seconds"].get(s)), "{:.0f}") for s in stages_of)
    return (
        cell.variant,
        percent(cell.share),
        str(len(cell.by_seed)),
        spread(cell.values(accuracy)),
        "reference"
        if cell.variant == reference.variant
        else spread(cell.differences(reference, accuracy), "{:+.3f}"),
        f"{some['parameters']['learning']:,}" if some else "–",
        ", ".join(f"{s} {t}" for s, t in zip(stages_of, times, strict=True)) or "–",
    )
