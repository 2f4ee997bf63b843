# SPDX-License-Identifier: GPL-3.0-or-later
"""A small training on frames that no generator has to make; as a program, for torchrun:
``training_runs.py FOLDER``."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from radiofm_core.spectrum.spec import CELL_COLS, SpectrogramSpec
from training.engine import processes
from training.engine.settings import FinetuneConfig, PretrainConfig
from training.segmentation import probe, stages
from training.segmentation.classes import DEFAULT
from training.segmentation.data import store
from training.segmentation.data.sources import FramesConfig
from training.segmentation.data.store import FrameSet
from training.segmentation.model import ModelConfig
from training.segmentation.recipe import DataConfig, Recipe

SPEC = SpectrogramSpec()
STEM = ModelConfig(dim=16, depth=2, heads=2, stem_widths=(4, 8))
PLAIN = ModelConfig(
    dim=16, depth=2, heads=2, kind="plain", decoder_dim=16, decoder_depth=3, decoder_heads=2
)


def make_frames(
    folder: Path, frames: int, rows: int = 32, spec: SpectrogramSpec = SPEC
) -> FrameSet:
    """Noise, and in each frame a block of a class whose level tells it; evidence is noise."""
    rng = np.random.default_rng(frames)
    levels = rng.integers(70, 90, (frames, rows, SPEC.cols)).astype(np.uint8)
    truth = np.zeros_like(levels)
    for i in range(frames):
        kind, left = i % 4, rng.integers(0, SPEC.cols - 80)
        levels[i, :, left : left + 80] += kind * 20
        truth[i, :, left : left + 80] = kind
    resolution = np.full((frames, 2), (75e3, 78e-6), np.float32)
    fields = {"spec_fingerprint": spec.fingerprint, "classes": list(DEFAULT.names)}
    planes = (len(spec.evidence_lags), 2, rows // spec.row_multiple, CELL_COLS)
    evidence = 0.05 * rng.standard_normal((frames, *planes)) if spec.evidence_lags else None
    store.write(folder, levels, truth, resolution, fields, evidence)
    return FrameSet(folder, spec, DEFAULT)


def small_recipe(folder: Path, model: ModelConfig = STEM, **fields) -> Recipe:
    """Pre-training and fine-tuning of 8 steps each; ``fields`` as :class:`Recipe` has."""
    stage = {"steps": 8, "batch": 4, "warmup": 2, "precision": "fp32"}
    recipe = Recipe(
        "small",
        1,
        DataConfig(FramesConfig(16, 0, 32), FramesConfig(8, 100, 32)),
        FinetuneConfig(**stage),
        PretrainConfig(**stage, watch_every=8),
        model=model,
        folder=folder,
    )
    return replace(recipe, **fields)


def use_frames(folder: Path) -> None:
    """Let the stages find small frames in ``folder``, made on first use."""

    def frame_set(recipe: Recipe, part: str) -> FrameSet:
        [source] = recipe.data.sources(part)
        make = partial(make_frames, folder / part, source.frames, spec=recipe.spec)
        return processes.first_alone(make)

    stages.frame_set = probe.frame_set = frame_set


def main() -> None:
    """Train; each process writes the weights that it ends with."""
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    processes.join()
    use_frames(folder)
    recipe = small_recipe(folder)
    early = replace(recipe.finetune, validate_every=4, patience=3, accumulate=2)
    model = stages.finetune(replace(recipe, finetune=early))
    torch.save(model.state_dict(), folder / f"rank{processes.rank()}.pt")
    processes.leave()


if __name__ == "__main__":
    main()
