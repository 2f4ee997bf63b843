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
class FramesConfig:
    """A set of generated frames, of the seeds ``first_seed`` .. ``first_seed + frames - 1``."""

    frames: int
    first_seed: int
    rows: int = 256

    @property
    def seeds(self) -> range:
        """The seeds that the set's frames are drawn from."""
        return range(self.first_seed, self.first_seed + self.frames)


@dataclass(frozen=True)
class DataConfig:
    """The sets: ``train`` for pre-training and fine-tuning (short frames are cheap, so there can
    be many), ``refine`` for the last cycle, ``validation``, which never meets the others."""

    train: FramesConfig
    refine: FramesConfig
    validation: FramesConfig
    workers: int = 2


@dataclass(frozen=True)
class StageConfig:
    """One stage of training: AdamW, linear warm-up, cosine to ``final_share`` of the rate."""

    steps: int
    batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: int = 100
    final_share: float = 0.0
    mask_ratio: float = 0.75


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
        validation = self.data.validation.seeds
        for name in ("train", "refine"):
            seeds = getattr(self.data, name).seeds
            if seeds.start < validation.stop and validation.start < seeds.stop:
                raise UsageError(
                    f"recipe {self.name}: the seeds of {name} {seeds} and of validation "
                    f"{validation} overlap; set them apart"
                )
        for frames in (self.data.train, self.data.refine, self.data.validation):
            if frames.rows < 1 or frames.rows % self.spec.row_multiple:
                raise UsageError(
                    f"recipe {self.name}: frames of {frames.rows} rows; rows come in multiples "
                    f"of {self.spec.row_multiple}"
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
    Recipe: {
        "data": DataConfig,
        "pretrain": StageConfig,
        "finetune": StageConfig,
        "refine": StageConfig,
        "model": ModelConfig,
    },
    DataConfig: {"train": FramesConfig, "refine": FramesConfig, "validation": FramesConfig},
}


def _build(kind, fields, where: str):
    known = {f.name: f for f in dataclasses.fields(kind)}
    if not isinstance(fields, dict):
        raise UsageError(f"{where}: expected keys {sorted(known)}, found {fields!r}")
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UsageError(f"{where}: unknown key {unknown[0]!r}; the keys are {sorted(known)}")
    values, nested = {}, _NESTED.get(kind, {})
    for key, value in fields.items():
        if key in nested:
            value = _build(nested[key], value, f"{where}, {key}")
        elif isinstance(value, list):
            value = tuple(value)
        elif key == "folder":
            value = Path(value)
        values[key] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise UsageError(f"{where}: {error}") from error
