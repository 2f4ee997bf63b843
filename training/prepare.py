# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the sets of a recipe and says what is in them; training makes them too, if need be.

``python -m training.prepare --recipe R.yaml``
"""

from __future__ import annotations

import json
from pathlib import Path

from .command import run_stage
from .segmentation.benchmark import frames as benchmark
from .segmentation.data.parts import prepare_part
from .segmentation.data.store import NOTE
from .segmentation.recipe import Recipe


def prepare(recipe: Recipe) -> None:
    """Prepare every part and the benchmark; print a line for each of their sources."""
    for part in recipe.data.parts:
        for folder in prepare_part(recipe, part):
            _tell(part, folder)
    if recipe.benchmark:
        workers = recipe.data.workers
        folder = benchmark.prepare(recipe.folder, recipe.benchmark, recipe.spec, workers)
        _tell("benchmark", folder)


def _tell(part: str, folder: Path) -> None:
    print(f"{part}: {describe(json.loads((folder / NOTE).read_text()))}, in {folder}")


def describe(note: dict) -> str:
    """One line on a prepared set, from its note."""
    text = f"{note['frames']} frames of {note['rows']} rows"
    files = note.get("frames_of_file")
    if files is not None:
        text += f" from {len(files)} files"
        short = [name for name, frames in files.items() if not frames]
        if short:
            text += f" ({len(short)} too short for a frame, as {short[0]})"
    whole = max(1, sum(note["pixels"].values()))
    shares = [f"{name} {100 * n / whole:.1f} %" for name, n in note["pixels"].items() if n]
    return f"{text}: {', '.join(shares) or 'nothing'}"


if __name__ == "__main__":
    run_stage(prepare, __doc__)
