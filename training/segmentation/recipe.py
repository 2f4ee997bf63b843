# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe: everything that a training run depends on, read from YAML into typed fields."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import yaml

from radiofm_core.errors import InputError, UsageError, reason_of
from radiofm_core.spectrum.spec import SpectrogramSpec

from ..activity.data.sources import KINDS as CSI_KINDS
from ..engine.recipe import DataBase, RecipeBase
from ..engine.settings import FinetuneConfig, PretrainConfig, StageConfig
from .benchmark import strata
from .data.sources import KINDS, FramesConfig, SourceConfig
from .model import ModelConfig

# A set: one source, or several that are joined
PartConfig = SourceConfig | tuple[SourceConfig, ...]
PARTS = ("pretrain", "train", "refine", "validation", "calibration")
# What no stage trains on; the later ones take what the earlier leave.
HELD_OUT = ("validation", "calibration")
# The stages in their order, and what each of them trains on
PART_OF_STAGE = {"pretrain": "pretrain", "finetune": "train", "refine": "refine"}
# Those that learn from labels
CYCLES = ("finetune", "refine")


@dataclass(frozen=True)
class DataConfig(DataBase):
    """The sets: ``train`` for pre-training and fine-tuning (short frames are cheap, so there can
    be many), ``refine`` for the last cycle, ``validation`` for scores and for stopping early,
    ``calibration`` for the calibration of the confidences, and ``pretrain`` where pre-training
    has frames of its own. Validation and calibration meet neither each other nor the others."""

    train: PartConfig
    validation: PartConfig
    pretrain: PartConfig | None = None
    refine: PartConfig | None = None
    calibration: PartConfig | None = None
    workers: int = 2
    SOURCES: ClassVar[tuple] = (PARTS, KINDS)

    @property
    def parts(self) -> tuple[str, ...]:
        """Those of :data:`PARTS` that are set."""
        return tuple(p for p in PARTS if getattr(self, p) is not None)


@dataclass(frozen=True)
class Recipe(RecipeBase):
    """A whole run; results go below ``folder``. ``start``: a model bundle (``default``, a
    bundled model's name or a file) to go on from, instead of from scratch. ``pretrain`` and
    ``refine`` can be left out; ``refine`` needs frames in ``data``. ``label_share``: what part (up
    to 1) of each source of ``train`` and ``refine`` is learnt from with labels, its first frames;
    pre-training has all. ``benchmark``: how many frames of :mod:`training.segmentation.benchmark` to score,
    None for none."""

    name: str
    seed: int
    data: DataConfig
    finetune: FinetuneConfig
    pretrain: PretrainConfig | None = None
    refine: FinetuneConfig | None = None
    start: str | None = None
    label_share: float = 1.0
    benchmark: int | None = strata.FRAMES
    model: ModelConfig = field(default_factory=ModelConfig)
    spec: SpectrogramSpec = field(default_factory=SpectrogramSpec)
    folder: Path = Path("build/training")
    NESTED: ClassVar[dict] = {
        "data": DataConfig,
        "pretrain": PretrainConfig,
        "finetune": FinetuneConfig,
        "refine": FinetuneConfig,
        "model": ModelConfig,
        "spec": SpectrogramSpec,
    }

    def __post_init__(self):
        if self.refine is not None and self.data.refine is None:
            raise UsageError(f"recipe {self.name}: refine has no frames; set them in data, refine")
        self._check_benchmark()
        self.check_label_share()
        for part in self.data.parts:
            sources = self.data.sources(part)
            for source in sources:
                self._check_rows(source)
                if source.rows != sources[0].rows:
                    raise UsageError(
                        f"recipe {self.name}: {part} joins frames of {sources[0].rows} and of "
                        f"{source.rows} rows; set them alike"
                    )
                self._check_seeds(part, source)
                self._check_channels(part, source)

    def _check_rows(self, source: SourceConfig) -> None:
        if source.rows < 1 or source.rows % self.spec.row_multiple:
            raise UsageError(
                f"recipe {self.name}: frames of {source.rows} rows; rows come in multiples "
                f"of {self.spec.row_multiple}"
            )

    def _check_channels(self, part: str, source: SourceConfig) -> None:
        if len(self.spec.channels) > 1 and not isinstance(source, FramesConfig):
            raise UsageError(
                f"recipe {self.name}: {part} takes {source.kind}, which give the channel mean "
                f"alone; the spec has {', '.join(self.spec.channels)}"
            )

    def _check_benchmark(self) -> None:
        count = self.benchmark
        if count is not None and (type(count) is not int or not 1 <= count <= strata.FRAMES):
            raise UsageError(
                f"recipe {self.name}: benchmark is {count!r}; give 1 to {strata.FRAMES} frames, or "
                "null for none"
            )

    def _check_seeds(self, part: str, source: SourceConfig) -> None:
        if isinstance(source, FramesConfig) and _meet(source.seeds, strata.SEEDS):
            raise UsageError(
                f"recipe {self.name}: the seeds of {part} {source.seeds} and of {strata.NAME} "
                f"{strata.SEEDS} overlap; set them apart"
            )
        for held in HELD_OUT:
            for other in self.data.sources(held) if held != part else ():
                if not isinstance(source, FramesConfig) or not isinstance(other, FramesConfig):
                    continue
                if _meet(source.seeds, other.seeds):
                    raise UsageError(
                        f"recipe {self.name}: the seeds of {part} {source.seeds} and of {held} "
                        f"{other.seeds} overlap; set them apart"
                    )

    def stage_of(self, part: str) -> StageConfig | None:
        """The stage that trains on a part; None where none does."""
        stages = [s for s, trained in PART_OF_STAGE.items() if trained == part]
        return getattr(self, stages[0]) if stages else None


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe; raises InputError (unreadable) or UsageError (unknown or missing keys).

    With ``base: OTHER.yaml`` (beside it) a recipe is that one but for the keys that it sets
    itself; ``null`` takes a section away, and a source of another kind replaces the base's.
    """
    return build(Recipe, read_fields(path), str(path))


def read_fields(path: str | Path) -> object:
    """What a YAML file holds, laid over what its ``base`` holds; errors as :func:`read_recipe`."""
    return _fields(Path(path), ())


def _fields(path: Path, seen: tuple[Path, ...]) -> object:
    try:
        fields = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = reason_of(error)
        raise InputError(f"recipe {path} cannot be read ({reason})") from error
    if not isinstance(fields, dict) or "base" not in fields:
        return fields
    base = path.parent / str(fields.pop("base"))
    if base in (*seen, path):
        raise UsageError(f"{path}: its base {base.name} is based on it in turn; remove one 'base'")
    return overlaid(_fields(base, (*seen, path)), fields)


def overlaid(below: object, above: object) -> object:
    """The keys of ``above`` in place of those of ``below``, section by section."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    kinds = [(KINDS | CSI_KINDS).keys() & fields.keys() for fields in (below, above)]
    if all(kinds) and kinds[0] != kinds[1]:
        return above
    return below | {k: overlaid(below.get(k), v) for k, v in above.items()}


def build(kind, fields, where: str):
    """A ``kind`` (a recipe or a part of it) of YAML ``fields``; ``where`` begins errors. A kind
    says of its fields which are dataclasses (``NESTED``), and which are sources, of which kinds
    (``SOURCES``).

    Raises UsageError: an unknown or missing key, or a value that does not fit.
    """
    known = {f.name: f for f in dataclasses.fields(kind)}
    if not isinstance(fields, dict):
        raise UsageError(f"{where}: expected keys {sorted(known)}, found {fields!r}")
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UsageError(f"{where}: unknown key {unknown[0]!r}; the keys are {sorted(known)}")
    values, nested = {}, getattr(kind, "NESTED", {})
    parts, kinds = getattr(kind, "SOURCES", ((), {}))
    # Sources make numbers of texts themselves.
    numbers = ("int",) if kind in KINDS.values() else ("int", "float")
    for key, value in fields.items():
        if value is None and known[key].default is None:
            pass
        elif key in nested:
            value = build(nested[key], value, f"{where}, {key}")
        elif key in parts:
            value = _build_part(value, kinds, f"{where}, {key}")
        elif isinstance(value, list):
            value = tuple(value)
        elif key == "folder":
            value = Path(value)
        elif isinstance(value, str) and known[key].type in numbers:
            # YAML takes 1e-3 for a text
            raise UsageError(f"{where}: {key} is the text {value!r}; write a number, as 0.001")
        values[key] = value
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {error}") from error
    except UsageError as error:
        # A recipe's own errors name it already.
        raise error if hasattr(kind, "NESTED") else UsageError(f"{where}: {error}") from error


def _build_part(value, kinds: dict, where: str):
    if isinstance(value, list) and value:
        return tuple(_build_source(v, kinds, f"{where} {i}") for i, v in enumerate(value, 1))
    return _build_source(value, kinds, where)


def _build_source(fields, kinds: dict, where: str):
    named = [key for key in kinds if isinstance(fields, dict) and key in fields]
    if len(named) != 1:
        raise UsageError(
            f"{where}: expected one of the keys {', '.join(kinds)}, which tells where the frames "
            f"come from, found {fields!r}"
        )
    return build(kinds[named[0]], fields, where)
