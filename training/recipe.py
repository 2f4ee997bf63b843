# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe: everything that a training run depends on, read from YAML into typed fields."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from radiofm_core.errors import InputError, UsageError
from radiofm_core.spec import SpectrogramSpec

from .models.segmenter import ModelConfig
from .settings import FinetuneConfig, PretrainConfig


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
    be many), ``refine`` for the last cycle, ``validation`` for scores and for stopping early,
    ``calibration`` for the temperature of the confidences. The last two never meet the others."""

    train: FramesConfig
    validation: FramesConfig
    refine: FramesConfig | None = None
    calibration: FramesConfig | None = None
    workers: int = 2


@dataclass(frozen=True)
class Recipe:
    """A whole run; results go below ``folder``. Without ``pretrain`` the model is trained from
    scratch; ``refine`` needs frames in ``data``."""

    name: str
    seed: int
    data: DataConfig
    finetune: FinetuneConfig
    pretrain: PretrainConfig | None = None
    refine: FinetuneConfig | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    spec: SpectrogramSpec = field(default_factory=SpectrogramSpec)
    folder: Path = Path("build/training")

    def __post_init__(self):
        if self.refine is not None and self.data.refine is None:
            raise UsageError(f"recipe {self.name}: refine has no frames; set them in data, refine")
        parts = ("train", "refine", "validation", "calibration")
        sets = {p: getattr(self.data, p) for p in parts if getattr(self.data, p) is not None}
        for first, second in itertools.combinations(sets, 2):
            a, b = sets[first].seeds, sets[second].seeds
            if a.start < b.stop and b.start < a.stop and (first, second) != ("train", "refine"):
                raise UsageError(
                    f"recipe {self.name}: the seeds of {first} {a} and of {second} {b} overlap; "
                    "set them apart"
                )
        for frames in sets.values():
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
    """Read a recipe; raises InputError (unreadable) or UsageError (unknown or missing keys).

    With ``base: OTHER.yaml`` (beside it) a recipe is that one but for the keys that it sets
    itself; ``null`` takes a section away.
    """
    return _build(Recipe, _fields(Path(path), ()), str(path))


def _fields(path: Path, seen: tuple[Path, ...]) -> object:
    try:
        fields = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"recipe {path} cannot be read ({reason})") from error
    if not isinstance(fields, dict) or "base" not in fields:
        return fields
    base = path.parent / str(fields.pop("base"))
    if base in (*seen, path):
        raise UsageError(f"{path}: its base {base.name} is based on it in turn; remove one 'base'")
    return _overlaid(_fields(base, (*seen, path)), fields)


def _overlaid(below: object, above: object) -> object:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {k: _overlaid(below.get(k), v) for k, v in above.items()}


def recipe_argument(description: str) -> Recipe:
    """The recipe named by ``--recipe`` on the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--recipe", default="training/recipes/default.yaml", help="YAML file")
    return read_recipe(parser.parse_args().recipe)


_NESTED = {
    Recipe: {
        "data": DataConfig,
        "pretrain": PretrainConfig,
        "finetune": FinetuneConfig,
        "refine": FinetuneConfig,
        "model": ModelConfig,
    },
    DataConfig: dict.fromkeys(("train", "refine", "validation", "calibration"), FramesConfig),
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
        if key in nested and value is not None:
            value = _build(nested[key], value, f"{where}, {key}")
        elif isinstance(value, list):
            value = tuple(value)
        elif key == "folder":
            value = Path(value)
        elif isinstance(value, str) and known[key].type in ("int", "float"):
            # YAML takes 1e-3 for a text
            raise UsageError(f"{where}: {key} is the text {value!r}; write a number, as 0.001")
        values[key] = value
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {error}") from error
