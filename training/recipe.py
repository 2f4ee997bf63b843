# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe: everything that a training run depends on, read from YAML into typed fields."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from radiofm_core.errors import InputError, UsageError
from radiofm_core.spec import SpectrogramSpec

from .models.segmenter import ModelConfig


@dataclass(frozen=True)
class DataConfig:
    """Generated frames: how many, from which seeds. Validation never meets training."""

    train_frames: int
    val_frames: int
    train_seed: int
    val_seed: int
    workers: int = 2


@dataclass(frozen=True)
class StageConfig:
    """One stage of training: AdamW, linear warm-up, cosine to zero.

    ``mixed_share``: share of frames that hold two or more kinds of signal, 0: as they come.
    """

    steps: int
    batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: int = 100
    mask_ratio: float = 0.75
    mixed_share: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """A whole run. ``path`` is the file that it came from; results go below ``folder``."""

    name: str
    seed: int
    data: DataConfig
    pretrain: StageConfig
    finetune: StageConfig
    refine: StageConfig
    model: ModelConfig = field(default_factory=ModelConfig)
    spec: SpectrogramSpec = field(default_factory=SpectrogramSpec)
    folder: Path = Path("build/training")

    def __post_init__(self):
        d = self.data
        apart = (
            d.train_seed + d.train_frames <= d.val_seed or d.val_seed + d.val_frames <= d.train_seed
        )
        if not apart:
            raise UsageError(
                f"recipe {self.name}: training seeds {d.train_seed}+{d.train_frames} and "
                f"validation seeds {d.val_seed}+{d.val_frames} overlap; set them apart"
            )

    @property
    def run_folder(self) -> Path:
        """Checkpoints and logs."""
        return self.folder / self.name

    def checkpoint(self, stage: str) -> Path:
        """The finished weights of ``stage`` (pretrain, finetune, refine)."""
        return self.run_folder / f"{stage}.pt"

    def to_dict(self) -> dict:
        """JSON-ready, for the bundle."""
        fields = dataclasses.asdict(self)
        fields.pop("folder")
        fields.pop("spec")
        return fields


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe; raises InputError (unreadable) or UsageError (unknown or missing keys)."""
    path = Path(path)
    try:
        fields = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"recipe {path} cannot be read ({reason})") from error
    recipe = _build(Recipe, fields, str(path))
    return recipe


def recipe_argument(description: str) -> Recipe:
    """The recipe named by ``--recipe`` on the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--recipe", default="training/recipes/default.yaml", help="YAML file")
    return read_recipe(parser.parse_args().recipe)


_NESTED = {
    "data": DataConfig,
    "pretrain": StageConfig,
    "finetune": StageConfig,
    "refine": StageConfig,
    "model": ModelConfig,
}


def _build(kind, fields, where: str):
    known = {f.name: f for f in dataclasses.fields(kind)}
    if not isinstance(fields, dict):
        raise UsageError(f"{where}: expected keys {sorted(known)}, found {fields!r}")
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UsageError(f"{where}: unknown key {unknown[0]!r}; the keys are {sorted(known)}")
    values = {}
    for key, value in fields.items():
        if key in _NESTED:
            value = _build(_NESTED[key], value, f"{where}, {key}")
        elif isinstance(value, list):
            value = tuple(value)
        elif key == "folder":
            value = Path(value)
        values[key] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise UsageError(f"{where}: {error}") from error
