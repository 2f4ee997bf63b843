# SPDX-License-Identifier: GPL-3.0-or-later
"""The scores inside a bundle as tables."""

from __future__ import annotations

from radiofm_core.bundle import BundleInfo
from radiofm_core.fields import finite_number
from radiofm_core.tasks import TASKS, Scores

from .console import table

# Of a benchmark's emissions what is told, by its column's head: where it is in a row's scores
EMISSIONS = {
    "mIoU of verdicts": ("verdict", "mean_iou"),
    "F1": ("emissions", "f1"),
    "reported for each": ("emissions", "reported_each"),
    "unknown": ("emissions", "unknown"),
    "LTE as NR": ("emissions", "lte_as_nr", "share"),
    "NR as LTE": ("emissions", "nr_as_lte", "share"),
    "false claims": ("emissions", "claims", "share"),
}


def metric_lines(info: BundleInfo) -> list[str]:
    """A bundle's scores as a table, other figures below; those of each precision by themselves."""
    task, rest = TASKS[info.task], dict(info.metrics)
    lines: list[str] = []
    for precision in info.precisions:
        if isinstance(rest.get(precision), dict):
            lines += [f"  scored in {precision}"]
            lines += _metric_lines(rest.pop(precision), task.scores, "    ")
    if rest or not lines:
        lines += _metric_lines(rest, task.scores, "  ")
    return lines


def _metric_lines(metrics: dict, scores: Scores, indent: str) -> list[str]:
    rest = _without_strata(metrics)
    rows = []
    for key, value in list(rest.items()):
        found = _rows(key, value, scores)
        if found:
            rows += found
            del rest[key]
    lines: list[str] = []
    if rows:
        classes = list(_by_class(rows[0][1], scores))
        cells = [(name, *_cells(row, scores, classes)) for name, row in rows]
        heads = (f"scores (classes: {scores.by_class})", *scores.overall.values(), *classes)
        lines += [indent + line.removeprefix("  ") for line in table(heads, cells)]
        lines += [indent + line.removeprefix("  ") for line in _emission_table(rows)]
    lines += [indent + flat(rest)] if rest else []
    return lines or [f"{indent}no scores recorded"]


def flat(values: dict) -> str:
    """A nested dict on one line."""
    parts = []
    for key, value in values.items():
        if isinstance(value, dict):
            parts.append(f"{key} ({flat(value)})")
        elif value is not None:
            parts.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
    return ", ".join(parts)


def _rows(key: str, value: object, scores: Scores) -> list[tuple[str, dict]]:
    """(name, scores): of one set of frames, or of its parts by signal-to-noise ratio."""
    sign = list(scores.overall)[-1]
    if not isinstance(value, dict):
        return []
    if sign in value:
        return [(key, value)]
    if any(isinstance(part, dict) and sign in part for part in value.values()):
        return [
            (key if group == "all" else f"{key}, SNR {group} dB", part)
            for group, part in value.items()
            if isinstance(part, dict)
        ]
    return []


def _cells(row: dict, scores: Scores, classes: list[str]) -> list[str]:
    by_class = _by_class(row, scores)
    values = [*(row.get(key) for key in scores.overall), *(by_class.get(c) for c in classes)]
    figures = map(finite_number, values)
    return ["-" if figure is None else f"{figure:.3f}" for figure in figures]


def _emission_table(rows: list[tuple[str, dict]]) -> list[str]:
    """Of those rows that tell of emissions."""
    told = [(name, row) for name, row in rows if isinstance(row.get("emissions"), dict)]
    if not told:
        return []
    cells = []
    for name, row in told:
        figures = (finite_number(_at(row, path)) for path in EMISSIONS.values())
        cells.append((name, *("-" if f is None else f"{f:.3f}" for f in figures)))
    return table(("emissions", *EMISSIONS), cells)


def _at(row: object, path: tuple[str, ...]) -> object:
    """What lies at a path of keys; None where there is nothing."""
    for key in path:
        row = row.get(key) if isinstance(row, dict) else None
    return row


def _by_class(row: dict, scores: Scores) -> dict:
    by_class = row.get(scores.by_class)
    return by_class if isinstance(by_class, dict) else {}


def _without_strata(metrics: dict) -> dict:
    """A copy, in which of a benchmark's scores the whole stands alone, under its name; ``--json``
    has the others."""
    benchmark = metrics.get("benchmark")
    if not isinstance(benchmark, dict):
        return dict(metrics)
    rest = {key: value for key, value in metrics.items() if key != "benchmark"}
    return {**rest, str(benchmark.get("name")): benchmark.get("whole")}
