# SPDX-License-Identifier: GPL-3.0-or-later
"""How studies of activity classifiers measure a run, a cross-validation, and tell of it: by the
accuracy on windows of groups (runs, subjects) that had no part in fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..encoder.adapt import count_parameters
from ..engine.tables import Cell, different, percent, rows_of, spread, table
from ..engine.task import Report
from .build import build_model
from .recipe import Recipe
from .scores import cross_validated, scores
from .stages import finetune_fold

HEADS = ("variant", "labels", "seeds", "accuracy", "difference", "trained parameters", "seconds")


def measure(recipe: Recipe, pretrain_log: Path | None) -> dict:
    """Train and score a run, or go on with it. Keys: ``parameters`` (``all``, and those
    ``learning`` in fine-tuning), ``scores.validation`` as :func:`.scores.scores` has them,
    ``seconds`` by stage."""
    names = recipe.class_names
    shares, right, by_fold = cross_validated(recipe, finetune_fold)
    seconds = {}
    if pretrain_log is not None and (rows := rows_of(pretrain_log)):
        seconds["pretrain"] = float(rows[-1]["seconds"])
    folds = [rows_of(recipe.run_folder / f"fold-{fold + 1}.csv") for fold in range(recipe.folds)]
    seconds["finetune"] = sum(float(rows[-1]["seconds"]) for rows in folds if rows)
    return {
        "parameters": count_parameters(build_model(recipe), recipe.finetune),
        "scores": {"validation": {**scores(shares, right, names), "accuracy_by_fold": by_fold}},
        "seconds": seconds,
    }


def accuracy(record: dict) -> float:
    """Of the windows that were held out."""
    return record["scores"]["validation"]["accuracy"]


def opening(records: Sequence[dict]) -> list[str]:
    """Paragraphs: what the scores are of."""
    folds = different(str(r["recipe"]["folds"]) for r in records)
    windows = different(f"{r['scores']['validation']['answers']:,}" for r in records)
    return [
        f"The accuracy is over {windows} windows in {folds} folds: each is classified by a model "
        "that was trained without labels of its run."
    ]


def tables(by_share: Sequence[Sequence[Cell]], reach: float) -> list[str]:
    """The table of a group."""
    rows = [_row(cell, cells[0]) for cells in by_share for cell in cells]
    return [table(HEADS, rows)]


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


REPORT = Report(accuracy, opening, tables)
