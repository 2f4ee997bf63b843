# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe of a segmenter: everything that its training depends on, as typed fields."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from radiofm_core.bundle import (
    TASK_ENCODER,
    TASK_SEGMENTATION,
    BundleInfo,
    find_model,
    read_bundle_info,
)
from radiofm_core.errors import BundleError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec

from ..engine.bundle_file import digest_of_bundle
from ..engine.recipe import DataBase, RecipeBase, flat
from ..engine.settings import FinetuneConfig, PretrainConfig, StageConfig
from .benchmark import strata
from .classes import DEFAULT, Classes, read_classes
from .data.sources import KINDS, FramesConfig, SourceConfig
from .model import ModelConfig

# A set: one source, or several that are joined
PartConfig = SourceConfig | tuple[SourceConfig, ...]
PARTS = ("pretrain", "train", "refine", "judge", "validation", "calibration")
# What no stage trains on; the later ones take what the earlier leave.
HELD_OUT = ("validation", "calibration")
# The stages in their order, and what each of them trains on
PART_OF_STAGE = {"pretrain": "pretrain", "finetune": "train", "refine": "refine"}
# What only looks at a stage, and changes nothing of its weights
LOOKS = ("watch_every", "probe_every")
# What a recipe can start from
STARTS = (TASK_SEGMENTATION, TASK_ENCODER)
# Those that learn from labels
CYCLES = ("finetune", "refine")


@dataclass(frozen=True)
class DataConfig(DataBase):
    """The sets: ``train`` for pre-training and fine-tuning (short frames are cheap, so there can
    be many), ``refine`` for the last cycle, ``validation`` for scores and for stopping early,
    ``calibration`` for the calibration of the confidences, ``judge`` for what judges emissions
    (labelled frames that ``train`` and ``refine`` do not have), and ``pretrain`` where pre-training
    has frames of its own. Validation and calibration meet neither each other nor the others."""

    train: PartConfig
    validation: PartConfig
    pretrain: PartConfig | None = None
    refine: PartConfig | None = None
    calibration: PartConfig | None = None
    judge: PartConfig | None = None
    workers: int = 2
    SOURCES: ClassVar[tuple] = (PARTS, KINDS)

    @property
    def parts(self) -> tuple[str, ...]:
        """Those of :data:`PARTS` that are set."""
        return tuple(p for p in PARTS if getattr(self, p) is not None)


@dataclass(frozen=True)
class Recipe(RecipeBase):
    """A whole run; results go below ``folder``. ``classes``: what a pixel can be
    (:mod:`training.segmentation.classes`). ``start``: a model bundle (``default``, a bundled
    model's name or a file), a segmenter or an encoder, to go on from, instead of from scratch.
    ``pretrain`` and ``refine`` can be left out; ``refine`` needs frames in ``data``.
    ``label_share``: what part (up to 1) of each source of ``train`` and ``refine`` is learnt from
    with labels, its first frames; pre-training has all. ``benchmark``: how many frames of
    :mod:`training.segmentation.benchmark` to score, None for none."""

    name: str
    seed: int
    data: DataConfig
    finetune: FinetuneConfig
    pretrain: PretrainConfig | None = None
    refine: FinetuneConfig | None = None
    judge: StageConfig | None = None
    start: str | None = None
    label_share: float = 1.0
    benchmark: int | None = strata.FRAMES
    classes: Classes = DEFAULT
    model: ModelConfig = field(default_factory=ModelConfig)
    spec: SpectrogramSpec = field(default_factory=SpectrogramSpec)
    folder: Path = Path("build/training")
    task: ClassVar[str] = TASK_SEGMENTATION
    READ: ClassVar[dict] = {"classes": read_classes}
    NESTED: ClassVar[dict] = {
        "data": DataConfig,
        "pretrain": PretrainConfig,
        "finetune": FinetuneConfig,
        "refine": FinetuneConfig,
        "judge": StageConfig,
        "model": ModelConfig,
        "spec": SpectrogramSpec,
    }

    def __post_init__(self):
        if self.refine is not None and self.data.refine is None:
            raise UsageError(f"recipe {self.name}: refine has no frames; set them in data, refine")
        if (self.judge is None) != (self.data.judge is None):
            raise UsageError(
                f"recipe {self.name}: judge needs both its steps (judge) and frames (data, judge)"
            )
        if self.judge is not None and self.model.kind != "patch":
            raise UsageError(
                f"recipe {self.name}: only models of the kind patch have a judge; leave it out"
            )
        self._check_benchmark()
        self.check_label_share()
        for stage in CYCLES:
            config = getattr(self, stage)
            if config is not None and config.keep and self.start is None:
                raise UsageError(
                    f"recipe {self.name}: {stage}, keep holds on to what the model `start` says, "
                    "and there is none; set keep to 0"
                )
        for part in self.data.parts:
            sources = self.data.sources(part)
            for source in sources:
                self._check_rows(source)
                if source.rows != sources[0].rows:
                    raise UsageError(
                        f"recipe {self.name}: {part} joins frames of {sources[0].rows} and of "
                        f"{source.rows} rows; set them to the same number"
                    )
                self._check_classes(part, source)
                self._check_seeds(part, source)
                self._check_channels(part, source)

    def _check_classes(self, part: str, source: SourceConfig) -> None:
        try:
            source.check_classes(self.classes)
        except UsageError as error:
            raise UsageError(f"recipe {self.name}: {part}, {error}") from error

    def _check_rows(self, source: SourceConfig) -> None:
        if source.rows < 1 or source.rows % self.spec.row_multiple:
            raise UsageError(
                f"recipe {self.name}: frames of {source.rows} rows; expected multiples of "
                f"{self.spec.row_multiple}"
            )

    def _check_channels(self, part: str, source: SourceConfig) -> None:
        if len(self.spec.channels) > 1 and not isinstance(source, FramesConfig):
            raise UsageError(
                f"recipe {self.name}: {part} takes {source.kind}, which have the channel mean "
                f"only; the spec has {', '.join(self.spec.channels)}"
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

    def facts(self, stage: str) -> dict[str, str]:
        """Everything that the weights of ``stage`` depend on, by recipe key."""
        upto = list(PART_OF_STAGE)[: list(PART_OF_STAGE).index(stage) + 1]
        stages = [s for s in upto if getattr(self, s) is not None]
        fields = self.to_dict()
        names = ["seed", "start", "model", *stages]
        told: dict[str, object] = {"classes": len(self.classes)}
        if stage != "pretrain":
            names.append("label_share")
            told["classes"] = [(name, c.kinds, c.weight) for name, c in self.classes.items()]
        if self.start is not None:
            told["start's file"] = digest_of_bundle(self.start_info())
        facts = flat({name: fields[name] for name in names} | told)
        facts = {k: v for k, v in facts.items() if k.rpartition(".")[2] not in LOOKS}
        data = self.data
        taken = {f"data.{PART_OF_STAGE[s]}": data.sources(PART_OF_STAGE[s]) for s in stages}
        # Of one's own data, training has what these leave.
        held = [s for p in HELD_OUT for s in data.sources(p) if not isinstance(s, FramesConfig)]
        taken["data held out"] = tuple(held)
        facts |= {k: str([dataclasses.asdict(s) for s in sources]) for k, sources in taken.items()}
        return {"spec": self.spec.fingerprint, "stages": ", ".join(stages), **facts}

    def start_info(self) -> BundleInfo:
        """What the bundle ``start`` says of itself; raises BundleError where it is none of
        spectrograms."""
        info = read_bundle_info(find_model(self.start, self.task))
        if info.task not in STARTS:
            raise BundleError(
                f"{info.path} is a model for {info.task!r}, a start is one for "
                f"{' or '.join(map(repr, STARTS))}; `radiofm models` lists what there is"
            )
        return info

    def to_dict(self) -> dict:
        """JSON-ready, for the bundle."""
        return super().to_dict() | {"classes": self.classes.to_dict()}

    def stage_of(self, part: str) -> StageConfig | None:
        """The stage that trains on a part; None where none does."""
        stages = [s for s, trained in PART_OF_STAGE.items() if trained == part]
        return getattr(self, stages[0]) if stages else None


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop
