# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm models``: what is inside the bundled models, or inside a bundle."""

from __future__ import annotations

import argparse
import json
import sys

from ..bundle import BundleInfo, bundled_models, find_model, read_bundle_info
from ..errors import BundleError
from ..spec import SpectrogramSpec
from .console import EXIT_DONE, colored, use_color

HELP = "show what is inside model bundles"
DESCRIPTION = "Show what is inside the bundled models, or inside the bundles that are named."


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
        "recipe": _flat(info.recipe),
        "training data": info.data_fingerprint,
        "source": info.git_revision,
        "metrics": _flat(_without_strata(info.metrics)) or "none recorded",
        "licence": info.licence,
    }
    return [f"{info.name}{mark}", *(f"  {key:<14}{value}" for key, value in facts.items())]


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
        else:
            parts.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
    return ", ".join(parts)
