# SPDX-License-Identifier: GPL-3.0-or-later
"""What models are for: a task has a folder of its own here and one entry in :data:`TASKS`."""

from __future__ import annotations

from dataclasses import dataclass

from .csi.model import ActivityModel
from .csi.spec import CsiSpec
from .model import Model
from .spec_fields import Spec
from .spectrum.encoder_model import EncoderModel
from .spectrum.model import SegmentationModel
from .spectrum.spec import SpectrogramSpec


@dataclass(frozen=True)
class Scores:
    """How the scores of a task's models are called.

    ``overall``: the keys of what is said of all classes together, each with its column's head; a
    dict with the last of them is one set of scores. ``by_class``: the key of a dict of one figure
    for each class.
    """

    overall: dict[str, str]
    by_class: str


@dataclass(frozen=True)
class Task:
    """What models can be for.

    ``name``: in bundles and recipes; ``unit``: what one thing that is answered is called;
    ``command``: what runs such a model on files; None: training alone takes it. ``default_model``:
    the bundled one that is taken where none is named. ``has_classes``: it tells classes apart.
    """

    name: str
    unit: str
    command: str | None
    spec: type[Spec]
    model: type[Model]
    default_model: str
    scores: Scores
    has_classes: bool = True


SEGMENTATION = Task(
    name="spectrogram-segmentation",
    unit="frame",
    command="segment",
    spec=SpectrogramSpec,
    model=SegmentationModel,
    default_model="segmenter-vit-tiny",
    scores=Scores({"pixel_accuracy": "accuracy", "mean_iou": "mIoU"}, "iou"),
)
# What pre-training makes, for other models to start from; it is scored by one that did
ENCODER = Task(
    name="spectrogram-encoder",
    unit="frame",
    command=None,
    spec=SpectrogramSpec,
    model=EncoderModel,
    default_model="encoder-vit-tiny",
    scores=SEGMENTATION.scores,
    has_classes=False,
)
ACTIVITY = Task(
    name="csi-activity",
    unit="window",
    command="activity",
    spec=CsiSpec,
    model=ActivityModel,
    default_model="activity-vit-tiny",
    scores=Scores({"accuracy": "accuracy"}, "recall"),
)
TASKS = {task.name: task for task in (SEGMENTATION, ENCODER, ACTIVITY)}
# What is meant where no task is named
DEFAULT = SEGMENTATION
