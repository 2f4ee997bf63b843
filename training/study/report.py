# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on a study: Markdown whose every number comes from the records."""

from __future__ import annotations

from pathlib import Path

from ..engine.tables import Cell, different, listed
from ..tasks import TASKS
from .plan import Group, Study


def report(study: Study, records: dict[str, dict], path: str | Path) -> str:
    """Markdown on the ``records`` (by name of run) of ``study``, which the file ``path`` holds:
    what was run and where, the tables of each group, and what is missing."""
    told = TASKS[study.task].report
    everyone = list(records.values())
    parts = [
        f"# Results of the study `{study.name}`",
        study.about,
        f"Written by `python -m training.study --study {path} --report` from the records "
        f"in `{study.records_path}`, one of each run; no number here has another source. Scores "
        "are means over seeds, in brackets the minimum and maximum of single seeds. Differences "
        "are taken seed by seed to the first variant of a table, at the same labels: where the "
        "brackets include zero, the seeds do not agree which is better.",
        listed(_where_made(study, everyone)),
        *told.opening(everyone),
    ]
    for group in study.groups:
        parts += [f"## {group.title}", group.note]
        parts += told.tables(_cells(study, group, records), study.reach)
    parts += ["## Missing runs", _missing(study, records)]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _where_made(study: Study, records: list[dict]) -> list[str]:
    return [
        f"{len(records)} of {len(study.runs)} runs are recorded.",
        f"Machine: {different(r['machine'] for r in records)}.",
        f"Code: {different(r['code_revision'] for r in records)}.",
    ]


def _cells(study: Study, group: Group, records: dict[str, dict]) -> list[list[Cell]]:
    """By label share, then by variant."""
    return [
        [_cell(study, variant, share, records) for variant in group.variants]
        for share in group.labels
    ]


def _cell(study: Study, variant: str, share: float, records: dict[str, dict]) -> Cell:
    names = {seed: study.run_name(variant, share, seed) for seed in study.seeds}
    return Cell(variant, share, {s: records[n] for s, n in names.items() if n in records})


def _missing(study: Study, records: dict[str, dict]) -> str:
    names = [run.name for run in study.runs if run.name not in records]
    return "\n".join(f"- {name}" for name in names) or "None."
