# SPDX-License-Identifier: GPL-3.0-or-later
"""The scores inside a bundle as tables."""

from __future__ import annotations

from dataclasses import dataclass

from .console import table


@dataclass(frozen=True)
class _Kind:
    """A kind of scores: ``sign`` is the key by which a dict of them is told; then the heads and
    keys of its columns, the key of the scores by class, and the first column's head."""

    sign: str
    columns: tuple[tuple[str, str], ...]
    by_class: str
    head: str


_KINDS = (
    _Kind("mean_iou", (("pixels", "pixel_accuracy"), ("mIoU", "mean_iou")), "iou", "scores"),
    _Kind("accuracy", (("accuracy", "accuracy"),), "recall", "scores (classes: recall)"),
)


def metric_lines(metrics: dict) -> list[str]:
    """Scores as a table for each kind, other figures below."""
    rest = _without_strata(metrics)
    lines: list[str] = []
    for kind in _KINDS:
        rows = []
        for key, value in list(rest.items()):
            found = _rows(key, value, kind)
            if found:
                rows += found
                del rest[key]
        if rows:
            classes = list(rows[0][1].get(kind.by_class, {}))
            cells = [(name, *_cells(scores, kind, classes)) for name, scores in rows]
            heads = (head for head, _ in kind.columns)
            lines += table((kind.head, *heads, *classes), cells)
    lines += [f"  {flat(rest)}"] if rest else []
    return lines or ["  no scores recorded"]


def flat(values: dict) -> str:
    """A nested dict on one line."""
    parts = []
    for key, value in values.items():
        if isinstance(value, dict):
            parts.append(f"{key} ({flat(value)})")
        elif value is not None:
            parts.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
    return ", ".join(parts)


def _rows(key: str, value: object, kind: _Kind) -> list[tuple[str, dict]]:
    """(name, scores): of one set of frames, or of its parts by signal-to-noise ratio."""
    if not isinstance(value, dict):
        return []
    if kind.sign in value:
        return [(key, value)]
    if any(isinstance(part, dict) and kind.sign in part for part in value.values()):
        return [
            (key if group == "all" else f"{key}, SNR {group} dB", part)
            for group, part in value.items()
        ]
    return []


def _cells(scores: dict, kind: _Kind, classes: list[str]) -> list[str]:
    by_class = scores.get(kind.by_class, {})
    values = [*(scores.get(key) for _, key in kind.columns), *(by_class.get(c) for c in classes)]
    return ["-" if value is None else f"{value:.3f}" for value in values]


def _without_strata(metrics: dict) -> dict:
    """A copy, in which of a benchmark's scores the whole stands alone, under its name; ``--json``
    has the others."""
    benchmark = metrics.get("benchmark")
    if not isinstance(benchmark, dict):
        return dict(metrics)
    rest = {key: value for key, value in metrics.items() if key != "benchmark"}
    return {**rest, str(benchmark.get("name")): benchmark.get("whole")}
