# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of an encoder, by the names of the commands that run them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from torch import nn

from radiofm_core.errors import UsageError
from radiofm_core.inference import load_bundle

from ..engine import runs
from ..engine.bundle_file import PRECISIONS, export_bundle, set_metrics
from ..engine.tables import rows_of
from . import stages
from .data.parts import data_fingerprint
from .encoder_recipe import EncoderRecipe
from .patch_masking import ExportedEncoder
from .start import first_model
from .study import labelled_frames

# What its bundle and evaluation.json tell of it
SCORES, SCRATCH = "probe", "probe from scratch"
PRESENTED = "frames_presented"


def evaluate(recipe: EncoderRecipe) -> dict:
    """Pre-train or load, then score the probe; prints and returns what is told of the encoder, and
    writes it to ``evaluation.json`` in the recipe's run folder. Raises OutputError if it cannot be
    written."""
    segmenter, _ = stages.pretrained(recipe)
    result = measure(recipe, segmenter.encoder)
    text = json.dumps(result, indent=1)
    print(text)
    runs.save_text(recipe.run_folder / "evaluation.json", text + "\n")
    return result


def export(recipe: EncoderRecipe, weights: str | None = None) -> Path:
    """Pre-train or load, write ``<folder>/<name>.pt`` below the recipe's run folder, score the
    probe from that file, and write the scores into it.

    Raises UsageError for ``weights``, a bundle to take in place of training, as the export of
    segmenters has it: an encoder's bundle would only be copied.
    """
    if weights is not None:
        raise UsageError(
            f"--weights {weights}: an encoder's bundle has no more than its weights; copy the file"
        )
    _, masked = stages.pretrained(recipe)
    path = export_bundle(
        recipe.run_folder / f"{recipe.name}.pt",
        ExportedEncoder(masked),
        recipe.spec,
        recipe.name,
        recipe.to_dict(),
        data_fingerprint(recipe),
        {},
        recipe.task,
        (),
    )
    for precision in PRECISIONS:
        load_bundle(path, "cpu", precision, recipe.task).answer_empty()
    loaded = first_model(replace(recipe, start=str(path)))
    result = measure(recipe, loaded.encoder)
    print(json.dumps(result, indent=1))
    set_metrics(path, result)
    print(f"wrote {path}")
    return path


def measure(recipe: EncoderRecipe, encoder: nn.Module) -> dict:
    """What is told of an encoder: the scores of the probe from it and from scratch, how many
    labelled frames the probe has, how many frames pre-training presented, the effective rank."""
    from .probe import probe_scores

    rows = rows_of(recipe.run_folder / "pretrain.csv")
    ranks = [float(row["effective_rank"]) for row in rows if row["effective_rank"]]
    before = recipe.start_info().metrics.get(PRESENTED, 0) if recipe.start else 0
    return {
        SCORES: probe_scores(recipe, encoder),
        SCRATCH: probe_scores(recipe, None),
        "labelled_frames": labelled_frames(recipe),
        PRESENTED: before + recipe.pretrain.steps * recipe.pretrain.batch,
        "effective_rank": round(ranks[-1], 1) if ranks else None,
    }


def _no_stage(name: str) -> Callable[[EncoderRecipe], None]:
    def stage(recipe: EncoderRecipe) -> None:
        raise UsageError(
            f"recipe {recipe.name} is one of an encoder, which has no stage {name}; go on with "
            "python -m training.export"
        )

    return stage


STAGES = {
    "prepare": stages.prepare,
    "pretrain": stages.pretrain,
    "finetune": _no_stage("finetune"),
    "calibrate": _no_stage("calibrate"),
    "evaluate": evaluate,
    "export": export,
}
