# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm models``: what is inside the bundled models, or inside a bundle."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap

from radiofm_core.bundle import (
    DEFAULT_MODELS,
    MODELS_DIR,
    BundleInfo,
    bundled_models,
    read_bundle_info,
)
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import BundleError
from radiofm_core.spectrum.spec import SpectrogramSpec

from ..console import EXIT_DONE, colored, use_color
from ..score_tables import flat, metric_lines

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
    for path in paths:
        info = read_bundle_info(path)
        if options.json:
            print(json.dumps(_as_dict(info)))
        else:
            mark = f" (default for {info.task})" if _is_default(info) else ""
            print("\n".join(_describe(info, mark)) + "\n")
    return EXIT_DONE


def _is_default(info: BundleInfo) -> bool:
    return info.path == MODELS_DIR / f"{DEFAULT_MODELS[info.task]}.pt"


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
        **_spec_facts(info.spec),
        "precision": ", ".join(info.precisions),
        "source": f"commit {info.git_revision}, training data {info.data_fingerprint}",
        "licence": info.licence,
    }
    lines = [f"{info.name}{mark}", *(f"  {key:<14}{value}" for key, value in facts.items())]
    return lines + _recipe_lines(info.recipe) + metric_lines(info.metrics)


def _recipe_lines(recipe: dict) -> list[str]:
    """A section a paragraph, what is not set left out."""
    lines = ["  recipe"] if recipe else []
    width = max(60, shutil.get_terminal_size((100, 24)).columns)
    for key, value in recipe.items():
        text = flat(value) if isinstance(value, dict) else str(value)
        if value is not None:
            head = f"    {key:<12}"
            lines += textwrap.wrap(text, width, initial_indent=head, subsequent_indent=" " * 16)
    return lines


def _spec_facts(spec: SpectrogramSpec | CsiSpec) -> dict[str, str]:
    """What the model looks at."""
    mark = f"(fingerprint {spec.fingerprint})"
    if isinstance(spec, CsiSpec):
        return {
            "CSI window": f"{spec.rows} rows x {spec.subcarriers} columns, {spec.duration_s:g} s "
            f"and {spec.span_hz / 1e6:.4g} MHz, an answer every {spec.hop_s:g} s {mark}",
            "packets": f"at least {spec.min_packet_rate:g}/s, resampled to {spec.rate_hz:g}/s; "
            f"gaps up to {spec.max_gap_s:g} s",
        }
    rows = f"{spec.row_duration_min * 1e6:g} to {spec.row_duration_max * 1e6:g} us a row"
    return {
        "spectrogram": f"{spec.rows} rows x {spec.cols} bins of {' and '.join(spec.channels)} "
        f"power, {rows} {mark}",
        "sample rates": f"{spec.sample_rate_min / 1e6:g} to {spec.sample_rate_max / 1e6:g} MS/s",
    }
