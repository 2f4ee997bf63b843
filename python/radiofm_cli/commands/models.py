# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm models``: what is inside the bundled models, or inside a bundle."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap

from radiofm_core.bundle import MODELS_DIR, BundleInfo, bundled_models, read_bundle_info
from radiofm_core.errors import BundleError
from radiofm_core.installation import how_to_mend
from radiofm_core.outputs.terminal import colored, use_color
from radiofm_core.tasks import TASKS

from ..console import EXIT_DONE
from ..score_tables import flat, metric_lines

HELP = "show the contents of model bundles"
DESCRIPTION = "Show task, classes, scores and origin of the bundled models or of given bundles."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="bundled model or path (default: all bundled)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")


def run(options: argparse.Namespace) -> int:
    """Print each bundle's description."""
    paths = options.models or bundled_models()
    if not paths:
        raise BundleError(f"no model is bundled; name a .pt file, or {how_to_mend()}")
    for path in paths:
        info = read_bundle_info(path)
        if options.json:
            print(json.dumps(_as_dict(info)))
        else:
            mark = f" (default for {info.task})" if _is_default(info) else ""
            print("\n".join(_describe(info, mark)) + "\n")
    return EXIT_DONE


def _is_default(info: BundleInfo) -> bool:
    return info.path == MODELS_DIR / f"{TASKS[info.task].default_model}.pt"


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
        "provenance": info.provenance,
    }


def _describe(info: BundleInfo, mark: str) -> list[str]:
    names = [colored(c.name, c.color) if use_color(sys.stdout) else c.name for c in info.classes]
    facts = {
        "file": f"{info.path} ({info.path.stat().st_size / 1e6:.1f} MB)",
        "task": info.task,
        **({"classes": ", ".join(names)} if names else {}),
        **info.spec.facts(),
        "fingerprint": info.spec.fingerprint,
        "precision": ", ".join(info.precisions),
        "source": f"commit {info.git_revision}, training data {info.data_fingerprint}",
        "licence": info.licence,
    }
    lines = [f"{info.name}{mark}", *(f"  {key:<14}{value}" for key, value in facts.items())]
    lines += _paragraphs("provenance", info.provenance) + _paragraphs("recipe", info.recipe)
    return lines + metric_lines(info)


def _paragraphs(heading: str, values: dict) -> list[str]:
    """An entry a paragraph, what is not set left out."""
    lines = [f"  {heading}"] if values else []
    width = max(60, shutil.get_terminal_size((100, 24)).columns)
    for key, value in values.items():
        text = flat(value) if isinstance(value, dict) else str(value)
        if value is not None:
            head = f"    {key:<12}"
            lines += textwrap.wrap(text, width, initial_indent=head, subsequent_indent=" " * 16)
    return lines
