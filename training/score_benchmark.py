# SPDX-License-Identifier: GPL-3.0-or-later
"""Score a segmenter on the benchmark's frames, with all of their evidence or with a part of it:
what each part is worth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from radiofm_core.errors import UsageError
from radiofm_core.tasks import SEGMENTATION

from .command import Parser, run

WAYS = ("all", "short", "none")


def main() -> None:
    """Print a table for each way, and write them all to a file if one is named."""
    parser = Parser(prog="python -m training.score_benchmark")
    parser.description = __doc__
    parser.add_argument("--recipe", required=True, metavar="FILE.yaml", help="classes and spec")
    parser.add_argument("--model", help="a bundle to score, not what the recipe trains")
    parser.add_argument("--frames", type=int, help="how many of the benchmark's frames, from 1 on")
    told = "all of it, that of symbols alone (short), or none: power alone; one or more of these"
    parser.add_argument("--evidence", nargs="+", choices=WAYS, default=["all"], help=told)
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="where to write the scores")
    options = parser.parse_args()

    # Takes seconds, which a wrong option need not wait for
    from .segmentation.benchmark.report import table
    from .segmentation.evidence_worth import score_on_benchmark
    from .tasks import read_recipe

    recipe = read_recipe(options.recipe)
    if recipe.task != SEGMENTATION.name:
        raise UsageError(f"recipe {recipe.name} is for {recipe.task}; give one of a segmenter")
    if options.frames is not None:
        recipe = replace(recipe, benchmark=options.frames)
    found = score_on_benchmark(recipe, options.model, options.evidence)
    for result in found.values():
        print(table(result))
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    run(main)
