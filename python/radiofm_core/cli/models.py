# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm models``: what is inside the bundled models, or inside a bundle."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap

from ..bundle import BundleInfo, bundled_models, find_model, read_bundle_info
from ..errors import BundleError
from ..spec import SpectrogramSpec
from .console import EXIT_DONE, colored, table, use_color

HELP = "show what is inside model bundles"
DESCRIPTION = "Show what is inside the bundled models, or inside the bundles that are named."
# The key by which a dict of scores is told from others
MEAN_IOU = "mean_iou"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="bundled model or path (default: all bundled)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def run(options: argparse.Namespace) -> int:
    """Print each bundle's description."""
    paths = options.models or bundled_models()
    if not paths:
        raise BundleError("no model is bundled; make one with `./dev weights` or name a .pt file")
    default = None if options.models else _default_path()
    for path in paths:
        info = read_bundle_info(path)
        if options.json:
            print(json.dumps(_as_dict(info)))
        else:
            mark = " (default)" if info.path == default else ""
            print("\n".join(_describe(info, mark)) + "\n")
    return EXIT_DONE


def _default_path():
    try:
        return find_model("default")
    except BundleError:
        return None


def _as_dict(info: BundleInfo) -> dict:
    return {
        "name": info.name,
        "path": str(info.path),
        "format_version": info.format_version,
        "task": info.task,
        "classes": [{"name": c.name, "color": c.color} for c in info.classes],
        "spec": info.spec.to_dict(),
        "spec_fingerprint": info.spec.fingerprint,
        "precisions": list(info.precisions),
        "recipe": info.recipe,
        "data_fingerprint": info.data_fingerprint,
        "git_revision": info.git_revision,
        "licence": info.licence,
        "metrics": info.metrics,
    }


def _describe(info: BundleInfo, mark: str) -> list[str]:
    names = [colored(c.name, c.color) if use_color(sys.stdout) else c.name for c in info.classes]
    facts = {
        "file": f"{info.path} ({info.path.stat().st_size / 1e6:.1f} MB)",
        "task": info.task,
        "classes": ", ".join(names),
        "spectrogram": _spec_line(info.spec),
        "sample rates": f"{info.spec.sample_rate_min / 1e6:g} to "
        f"{info.spec.sample_rate_max / 1e6:g} MS/s",
        "precision": ", ".join(info.precisions),
        "source": f"commit {info.git_revision}, training data {info.data_fingerprint}",
        "licence": info.licence,
    }
    lines = [f"{info.name}{mark}", *(f"  {key:<14}{value}" for key, value in facts.items())]
    return lines + _recipe_lines(info.recipe) + _metric_lines(info.metrics)


def _recipe_lines(recipe: dict) -> list[str]:
    """A section a paragraph, what is not set left out."""
    lines = ["  recipe"] if recipe else []
    width = max(60, shutil.get_terminal_size((100, 24)).columns)
    for key, value in recipe.items():
        text = _flat(value) if isinstance(value, dict) else str(value)
        if value is not None:
            head = f"    {key:<12}"
            lines += textwrap.wrap(text, width, initial_indent=head, subsequent_indent=" " * 16)
    return lines


def _metric_lines(metrics: dict) -> list[str]:
    """Scores as a table, other figures below it."""
    rows, rest = [], {}
    for key, value in _without_strata(metrics).items():
        groups = value if isinstance(value, dict) else {}
        if MEAN_IOU in groups:
            rows.append((key, value))
        elif any(isinstance(v, dict) and MEAN_IOU in v for v in groups.values()):
            rows += [
                (key if group == "all" else f"{key}, SNR {group} dB", v)
                for group, v in groups.items()
            ]
        else:
            rest[key] = value
    lines = []
    if rows:
        classes = list(rows[0][1].get("iou", {}))
        cells = [(name, *_score_cells(value, classes)) for name, value in rows]
        lines = table(("scores", "pixels", "mIoU", *classes), cells)
    lines += [f"  {_flat(rest)}"] if rest else []
    return lines or ["  no scores recorded"]


def _score_cells(scores: dict, classes: list[str]) -> list[str]:
    iou = scores.get("iou", {})
    values = [scores.get("pixel_accuracy"), scores[MEAN_IOU], *(iou.get(c) for c in classes)]
    return ["-" if value is None else f"{value:.3f}" for value in values]


def _without_strata(metrics: dict) -> dict:
    """Of a benchmark's scores the whole alone, under its name; ``--json`` has the others."""
    benchmark = metrics.get("benchmark")
    if not isinstance(benchmark, dict):
        return metrics
    rest = {key: value for key, value in metrics.items() if key != "benchmark"}
    return {**rest, str(benchmark.get("name")): benchmark.get("whole")}


def _spec_line(spec: SpectrogramSpec) -> str:
    rows = f"{spec.row_duration_min * 1e6:g} to {spec.row_duration_max * 1e6:g} us a row"
    return (
        f"{spec.rows} rows x {spec.cols} bins of {' and '.join(spec.channels)} power, {rows} "
        f"(fingerprint {spec.fingerprint})"
    )


def _flat(values: dict) -> str:
    """A nested dict on one line."""
    parts = []
    for key, value in values.items():
        if isinstance(value, dict):
            parts.append(f"{key} ({_flat(value)})")
        elif value is not None:
            parts.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
    return ", ".join(parts)
