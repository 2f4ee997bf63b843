# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs a trained segmenter as a model bundle (TorchScript + ``radiofm.json``).

``python -m training.export --recipe R.yaml``
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import zipfile
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from radiofm_core.bundle import FORMAT_VERSION, INFO_FILE, TASK_SEGMENTATION, ClassInfo
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.spectrum.spec import SpectrogramSpec

from .calibrate import calibrate
from .command import run_stage
from .evaluate import evaluate
from .segmentation import classes
from .segmentation.data.parts import data_fingerprint
from .segmentation.recipe import Recipe


def export_bundle(
    path: str | os.PathLike,
    model: nn.Module,
    spec: SpectrogramSpec | CsiSpec,
    name: str,
    recipe: dict,
    data_fingerprint: str,
    metrics: dict,
    task: str = TASK_SEGMENTATION,
    class_infos: tuple[ClassInfo, ...] = classes.INFOS,
) -> Path:
    """Script ``model`` and write the bundle, its weights as float16; returns its path.

    ``model.forward`` is what :mod:`radiofm_core.inference` calls for ``task``. The file appears
    under its name only when it is whole.
    """
    path = Path(path)
    info = {
        "name": name,
        "format_version": FORMAT_VERSION,
        "task": task,
        "classes": [asdict(info) for info in class_infos],
        "spec": spec.to_dict(),
        "spec_fingerprint": spec.fingerprint,
        "precisions": ["fp32", "bf16"],
        "recipe": recipe,
        "data_fingerprint": data_fingerprint,
        "git_revision": git_revision(),
        "licence": "GPL-3.0-or-later",
        "metrics": metrics,
    }
    scripted = torch.jit.script(copy.deepcopy(model).eval().cpu()).half()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    torch.jit.save(scripted, str(part), _extra_files={INFO_FILE: json.dumps(info, indent=1)})
    _leave_out_paths(part)
    part.replace(path)
    return path


def _leave_out_paths(bundle: Path) -> None:
    """Take TorchScript's debugging records, which hold paths of this machine, out of a bundle."""
    lean = bundle.with_name(bundle.name + ".lean")
    with zipfile.ZipFile(bundle) as full, zipfile.ZipFile(lean, "w") as kept:
        for entry in full.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                kept.writestr(zipfile.ZipInfo(entry.filename), full.read(entry))
    lean.replace(bundle)


def git_revision() -> str:
    """The checkout's commit (with ``+`` if it has changes), or ``unknown``."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def export_recipe(recipe: Recipe) -> Path:
    """Train or load, evaluate, and write ``<folder>/<name>.pt`` below the recipe's run folder."""
    metrics = evaluate(recipe)
    path = export_bundle(
        recipe.run_folder / f"{recipe.name}.pt",
        calibrate(recipe),
        recipe.spec,
        recipe.name,
        recipe.to_dict(),
        data_fingerprint(recipe),
        metrics,
    )
    print(f"wrote {path}")
    return path


if __name__ == "__main__":
    run_stage(export_recipe, __doc__)
