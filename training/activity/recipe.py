# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe of an activity classifier: everything that its training depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from radiofm_core.csi.spec import CsiSpec
from radiofm_core.errors import UsageError

from ..engine.recipe import DataBase, RecipeBase
from ..engine.runs import flat
from ..engine.settings import FinetuneConfig, PretrainConfig
from .data.augment import Augmentation
from .data.clips import Clip
from .data.sources import KINDS, SourceConfig
from .model import ActivityConfig

PartConfig = SourceConfig | tuple[SourceConfig, ...]
PARTS = ("pretrain", "train", "extra", "test")
COLORS = (
    "#5b6270", "#ff4fa3", "#ffa01e", "#7ddc5a", "#23c4ff",
    "#8a5bff", "#e8d44d", "#2ab7a9", "#b0623d", "#d9dde6",
)  # fmt: skip


@dataclass(frozen=True)
class ActivityData(DataBase):
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
class ActivityRecipe(RecipeBase):
    """A whole run; results go below ``folder``. ``start``: a model bundle of the spectrogram
    segmenter whose encoder is taken, or none. ``folds``: cross-validation over the groups (runs,
    subjects, recordings) of ``train``, which also calibrates the confidences; 0: none.
    ``label_share``: what part (up to 1) of the clips of ``train`` is learnt from with labels, drawn
    by the seed, at least one; pre-training has all."""

    name: str
    seed: int
    data: ActivityData
    finetune: FinetuneConfig
    pretrain: PretrainConfig | None = None
    start: str | None = None
    folds: int = 0
    label_share: float = 1.0
    model: ActivityConfig = field(default_factory=ActivityConfig)
    augment: Augmentation = field(default_factory=Augmentation)
    spec: CsiSpec = field(default_factory=CsiSpec)
    folder: Path = Path("build/training")
    NESTED: ClassVar[dict] = {
        "data": ActivityData,
        "pretrain": PretrainConfig,
        "finetune": FinetuneConfig,
        "model": ActivityConfig,
        "augment": Augmentation,
        "spec": CsiSpec,
    }

    def __post_init__(self):
        self.check_label_share()
        if self.folds == 1 or self.folds < 0:
            raise UsageError(f"recipe {self.name}: folds is {self.folds}; give 0, or 2 and more")

    def facts(self, stage: str) -> dict[str, str]:
        """Everything that the weights of ``pretrain`` or of what follows it depend on."""
        fields = self.to_dict()
        names, parts = ["seed", "start", "model", "pretrain", "augment"], ["pretrain"]
        if stage != "pretrain":
            names, parts = [*names, "finetune", "label_share"], [*parts, "train", "extra"]
        data = {f"data.{part}": str(self.data.sources(part)) for part in parts}
        return {"spec": self.spec.fingerprint, **flat({n: fields[n] for n in names}), **data}


def classes_of(clips: list[Clip]) -> tuple[str, ...]:
    """The labels of some clips, sorted."""
    return tuple(sorted({span.label for clip in clips for span in clip.spans}))
