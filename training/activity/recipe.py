# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe of an activity classifier: everything that its training depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from radiofm_core.bundle import TASK_ACTIVITY, TASK_SEGMENTATION, ClassInfo, read_bundle_info
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import UsageError

from ..engine.bundle_file import digest_of_bundle
from ..engine.recipe import DataBase, RecipeBase, flat
from ..engine.settings import FinetuneConfig, PretrainConfig
from .data.augment import Augmentation
from .data.clips import Clip
from .data.sources import KINDS, SourceConfig
from .model import ModelConfig

PartConfig = SourceConfig | tuple[SourceConfig, ...]
PARTS = ("pretrain", "train", "extra", "test")
COLORS = (
    "#5b6270", "#ff4fa3", "#ffa01e", "#7ddc5a", "#23c4ff",
    "#8a5bff", "#e8d44d", "#2ab7a9", "#b0623d", "#d9dde6",
)  # fmt: skip


@dataclass(frozen=True)
class DataConfig(DataBase):
    """The sets: ``train`` with labels, ``extra`` (labelled, learnt from beside ``train``, also in
    cross-validation, and never scored), ``pretrain`` (labels are not looked at; ``train`` where it
    is left out), ``test`` for the last score alone: nothing is chosen or fitted by it."""

    train: PartConfig
    pretrain: PartConfig | None = None
    test: PartConfig | None = None
    extra: PartConfig | None = None
    SOURCES: ClassVar[tuple] = (PARTS, KINDS)

    def clips(self, part: str) -> list[Clip]:
        """Read a part; raises InputError."""
        return [clip for source in self.sources(part) for clip in source.clips()]


@dataclass(frozen=True)
class Recipe(RecipeBase):
    """A whole run; results go below ``folder``. ``start``: a model bundle of the spectrogram
    segmenter whose encoder is taken, or none. ``folds``: cross-validation over the groups (runs,
    subjects, recordings) of ``train``, which also calibrates the confidences; 0: none. ``classes``:
    name and colour of each, in the model's order; by default the labels of ``train`` in the order
    of the alphabet. ``label_share``: what part (up to 1) of the clips of ``train`` is learnt from
    with labels, drawn by the seed, at least one; pre-training has all."""

    name: str
    seed: int
    data: DataConfig
    finetune: FinetuneConfig
    pretrain: PretrainConfig | None = None
    start: str | None = None
    folds: int = 0
    label_share: float = 1.0
    classes: dict = field(default_factory=dict)
    model: ModelConfig = field(default_factory=ModelConfig)
    augment: Augmentation = field(default_factory=Augmentation)
    spec: CsiSpec = field(default_factory=CsiSpec)
    folder: Path = Path("build/training")
    task: ClassVar[str] = TASK_ACTIVITY
    NESTED: ClassVar[dict] = {
        "data": DataConfig,
        "pretrain": PretrainConfig,
        "finetune": FinetuneConfig,
        "model": ModelConfig,
        "augment": Augmentation,
        "spec": CsiSpec,
    }

    def __post_init__(self):
        self.check_label_share()
        if self.folds == 1 or self.folds < 0:
            raise UsageError(f"recipe {self.name}: folds is {self.folds}; expected 0, or 2 or more")

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the model's order.

        Raises:
            InputError: the clips of ``train`` cannot be read.
            UsageError: fewer than two, or a label of ``train`` that is none of them.
        """
        labels = classes_of(self.data.clips("train"))
        names = tuple(self.classes) or labels
        for label in labels:
            if label not in names:
                raise UsageError(
                    f"recipe {self.name}: train has the label {label!r}, which is none of the "
                    f"classes {', '.join(names)}; add it to classes"
                )
        if len(names) < 2:
            raise UsageError(
                f"recipe {self.name}: the labels of train are {names}; expected two or more"
            )
        return names

    @property
    def class_infos(self) -> tuple[ClassInfo, ...]:
        """For a bundle."""
        return tuple(
            ClassInfo(name, self.classes.get(name, COLORS[i % len(COLORS)]))
            for i, name in enumerate(self.class_names)
        )

    def facts(self, stage: str) -> dict[str, str]:
        """Everything that the weights of ``pretrain`` or of what follows it depend on."""
        fields = self.to_dict()
        names, parts = ["seed", "start", "model", "pretrain", "augment"], ["pretrain"]
        told: dict[str, object] = {"classes": tuple(self.classes)}
        if stage != "pretrain":
            names, parts = [*names, "finetune", "label_share"], [*parts, "train", "extra"]
        if self.start is not None:
            told["start's file"] = digest_of_bundle(read_bundle_info(self.start, TASK_SEGMENTATION))
        data = {f"data.{part}": str(self.data.sources(part)) for part in parts}
        return {"spec": self.spec.fingerprint, **flat({n: fields[n] for n in names} | told), **data}


def classes_of(clips: list[Clip]) -> tuple[str, ...]:
    """The labels of some clips, sorted."""
    return tuple(sorted({span.label for clip in clips for span in clip.spans}))
