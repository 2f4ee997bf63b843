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

from .data.sources import KINDS, FramesConfig, SourceConfig
from .models.segmenter import ModelConfig

# A set: one source, or several that are joined
PartConfig = SourceConfig | tuple[SourceConfig, ...]
PARTS = ("pretrain", "train", "refine", "validation")


@dataclass(frozen=True)
class DataConfig:
    """The sets: ``train`` for pre-training and fine-tuning (short frames are cheap, so there can
    be many), ``refine`` for the last cycle, ``validation``, which never meets the others, and
    ``pretrain`` where pre-training has frames of its own."""

    train: PartConfig
    refine: PartConfig
    validation: PartConfig
    pretrain: PartConfig | None = None
    workers: int = 2

    def sources(self, part: str) -> tuple[SourceConfig, ...]:
        """The sources of a part of :data:`PARTS`."""
        config = getattr(self, part)
        if config is None:
            config = self.train
        return config if isinstance(config, tuple) else (config,)


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
    """A whole run; results go below ``folder``. ``start``: a model bundle (``default``, a
    bundled model's name or a file) to go on from; without ``pretrain`` it is fine-tuned as it
    is."""

    name: str
    seed: int
    data: DataConfig
    finetune: StageConfig
    refine: StageConfig
    pretrain: StageConfig | None = None
    start: str | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    spec: SpectrogramSpec = field(default_factory=SpectrogramSpec)
    folder: Path = Path("build/training")

    def __post_init__(self):
        for part in PARTS:
            sources = self.data.sources(part)
            for source in sources:
                self._check_rows(source)
                if source.rows != sources[0].rows:
                    raise UsageError(
                        f"recipe {self.name}: {part} joins frames of {sources[0].rows} and of "
                        f"{source.rows} rows; set them alike"
                    )
                if part != "validation" and isinstance(source, FramesConfig):
                    self._check_seeds(part, source)

    def _check_rows(self, source: SourceConfig) -> None:
        if source.rows < 1 or source.rows % self.spec.row_multiple:
            raise UsageError(
                f"recipe {self.name}: frames of {source.rows} rows; rows come in multiples "
                f"of {self.spec.row_multiple}"
            )

    def _check_seeds(self, part: str, source: FramesConfig) -> None:
        seeds = source.seeds
        for other in self.data.sources("validation"):
            if not isinstance(other, FramesConfig):
                continue
            if seeds.start < other.seeds.stop and other.seeds.start < seeds.stop:
                raise UsageError(
                    f"recipe {self.name}: the seeds of {part} {seeds} and of validation "
                    f"{other.seeds} overlap; set them apart"
                )

    def stage_of(self, part: str) -> StageConfig | None:
        """The stage that trains on a part; None for validation."""
        return {
            "pretrain": self.pretrain,
            "train": self.finetune,
            "refine": self.refine,
        }.get(part)

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
        elif kind is DataConfig and key in PARTS:
            value = _build_part(value, f"{where}, {key}")
        elif isinstance(value, list):
            value = tuple(value)
        elif key == "folder":
            value = Path(value)
        values[key] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise UsageError(f"{where}: {error}") from error
    except UsageError as error:
        # A recipe's own errors name it already.
        raise error if kind is Recipe else UsageError(f"{where}: {error}") from error


def _build_part(value, where: str) -> PartConfig:
    if isinstance(value, list) and value:
        return tuple(_build_source(v, f"{where} {i}") for i, v in enumerate(value, 1))
    return _build_source(value, where)


def _build_source(fields, where: str) -> SourceConfig:
    named = [key for key in KINDS if isinstance(fields, dict) and key in fields]
    if len(named) != 1:
        raise UsageError(
            f"{where}: expected one of the keys {', '.join(KINDS)}, which tells where the frames "
            f"come from, found {fields!r}"
        )
    return _build(KINDS[named[0]], fields, where)
