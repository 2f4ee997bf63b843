# SPDX-License-Identifier: GPL-3.0-or-later
"""A small training of an activity classifier, on recordings as :mod:`csi_clips` writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from radiofm_core.csi.spec import CsiSpec
from training.activity.data.sources import CsiConfig, SimulatedConfig
from training.activity.model import ModelConfig
from training.activity.recipe import DataConfig, Recipe
from training.engine.settings import FinetuneConfig, PretrainConfig

SPEC = CsiSpec(duration_s=1.0, hop_s=0.5, subcarriers=27)
STEM = ModelConfig(dim=16, depth=1, heads=2, stem_widths=(4, 8), dropout=0.0)
STAGE = {"steps": 6, "batch": 8, "warmup": 2, "precision": "fp32"}
PLAIN = ModelConfig(
    dim=16, depth=1, heads=2, dropout=0.0, kind="plain",
    decoder_dim=16, decoder_depth=1, decoder_heads=2,
)  # fmt: skip


def small_recipe(folder: Path, recordings: Path, **fields) -> Recipe:
    """Pre-training and fine-tuning of a few steps each; ``fields`` as the recipe has."""
    data = DataConfig(
        CsiConfig(str(recordings)),
        (CsiConfig(str(recordings), labelled=False), SimulatedConfig(2, 1, 4.0)),
        CsiConfig(str(recordings)),
    )
    recipe = Recipe(
        "small",
        1,
        data,
        FinetuneConfig(**STAGE),
        PretrainConfig(**STAGE),
        folds=2,
        model=STEM,
        spec=SPEC,
        folder=folder,
    )
    return replace(recipe, **fields)
