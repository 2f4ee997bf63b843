# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the frames of a recipe's sets come from, as typed fields.

A set of a recipe's ``data`` is one source or a list of them. The first key of a source tells its
kind: ``frames``, ``recordings``, ``matlab`` or ``images``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import ClassVar

from radiofm_core.errors import UsageError

from ...engine.recipe import SourceBase
from ..classes import Classes
from .labels import check_mapping

# What ``unmarked`` is, if no model
UNMARKED_NOISE = "noise"
FREQUENCY_GROWS = ("right", "up", "down")
LEVELS = ("db", "power", "image")
SCENES = ("all", "paper", "paper-on-air", "wide", "others", "arbitrary")
ALL_SCENES, PAPER_SCENES, ON_AIR_SCENES, WIDE_SCENES, OTHER_SCENES, ARBITRARY_SCENES = SCENES


class _Source(SourceBase):
    reads_numbers: ClassVar[bool] = True
    # how often each frame comes in training
    repeat: ClassVar[int] = 1

    def check_classes(self, classes: Classes) -> None:
        """Raises UsageError unless what it maps to are ``classes``."""


@dataclass(frozen=True)
class FramesConfig(_Source):
    """A set of generated frames, of the seeds ``first_seed`` .. ``first_seed + frames - 1``.

    ``scenes``: ``all`` kinds, labelled where they transmit (:mod:`training.waveforms.scene`), or
    those of the ``paper`` (:mod:`training.waveforms.side_by_side`), labelled by whole bands, or,
    ``paper-on-air``, where they transmit, or those of ``wide`` spans
    (:mod:`training.waveforms.wide_spans`), or of ``others`` than LTE, NR and Wi-Fi
    (:mod:`training.waveforms.other_spans`), or of ``arbitrary`` signals, of no standard
    (:mod:`training.waveforms.arbitrary_spans`).
    """

    frames: int
    first_seed: int
    rows: int = 256
    scenes: str = ALL_SCENES
    kind: ClassVar[str] = "frames"
    labelled: ClassVar[bool] = True

    def __post_init__(self):
        _check_choice(self, "scenes", SCENES)

    @property
    def seeds(self) -> range:
        """The seeds that the set's frames are drawn from."""
        return range(self.first_seed, self.first_seed + self.frames)


class _Files(_Source):
    """A source of users' files. Its kind is also the name of the field with its folder."""

    @property
    def folder(self) -> str:
        """Where the data lie."""
        return getattr(self, self.kind)


@dataclass(frozen=True)
class RecordingsConfig(_Files):
    """The SigMF recordings in the folder ``recordings`` and below.

    ``labels`` maps ``core:label`` (in any case) to a class of the recipe or to ignore (not scored);
    the classes' own names need no mapping, and ``unknown`` is not scored. ``labelled: false`` reads
    no annotations, for pre-training. ``frame_duration``: seconds that 256 rows cover, by default as
    ``radiofm segment`` cuts the recording. ``share``: how many of the recordings, as a part of 1.

    For recordings in which a few signals are annotated, and not all: ``unmarked``: what no
    annotation covers is ``noise``, or what the model of this name or file says there: of its
    classes where it is sure of them, and not scored where it is not, or where it says the class
    that takes the rest (``other``): an unmarked signal of a kind that it does not know looks like
    that; of annotations by ``radiofm segment``, those of that class are not scored, either.
    ``lesson``: a class; frames without an annotation of it are left out, and so are, of the
    score, those pixels within its annotations that do not rise above the noise. ``only``: by the
    recordings' names, which are taken, and which part of each one's time: ``{a: [0, 0.75]}``.
    ``step``: rows from the begin of one frame to that of the next, by default ``rows``.
    ``repeat``: how often each frame comes in training.
    """

    recordings: str
    labels: dict = field(default_factory=dict)
    labelled: bool = True
    rows: int = 256
    frame_duration: float | None = None
    share: float = 1.0
    unmarked: str = UNMARKED_NOISE
    lesson: str | None = None
    only: dict | None = None
    step: int | None = None
    repeat: int = 1
    kind: ClassVar[str] = "recordings"

    def __post_init__(self):
        _check_common(self)
        if self.frame_duration is not None:
            _above_zero(self, "frame_duration")
        for option in ("step", "repeat"):
            value = getattr(self, option)
            if not ((value is None and option == "step") or (type(value) is int and value > 0)):
                raise UsageError(f"{option}: expected a whole number from 1 on, got {value!r}")
        if not isinstance(self.unmarked, str) or not self.unmarked:
            raise UsageError(
                f"unmarked: expected noise, or a model's name or file, got {self.unmarked!r}"
            )
        if self.only is not None:
            object.__setattr__(self, "only", _checked_parts(self.only))

    def check_classes(self, classes: Classes) -> None:
        """Raises UsageError unless ``labels`` maps to ``classes``, and ``lesson`` is one."""
        check_mapping("labels", self.labels, classes)
        if self.lesson is not None and self.lesson not in classes:
            raise UsageError(
                f"lesson: {self.lesson!r} is no class; the classes are {', '.join(classes)}"
            )

    def part_of(self, name: str) -> tuple[float, float] | None:
        """Which part of a recording's time is taken; None: nothing of it."""
        return (0.0, 1.0) if self.only is None else self.only.get(name)


class _Pictures(_Files):
    def check_classes(self, classes: Classes) -> None:
        """Raises UsageError unless ``values`` maps to ``classes``."""
        check_mapping("values", self.values, classes)


@dataclass(frozen=True)
class MatlabConfig(_Pictures):
    """The spectrograms in the ``.mat`` files of the folder ``matlab`` and below, as MathWorks'
    example of 5G and LTE spectrum sensing makes them.

    A file that holds ``spectrogram_key`` is a frame; its mask is under ``mask_key`` in the same
    file, or in the one that has ``labels`` in its name in place of ``spect``. ``level`` says
    what its numbers are: ``db``, ``power`` (linear) or ``image`` (grey levels from 0, which
    stand for ``range_db``). ``frequency`` and ``recording``: as in :class:`ImagesConfig`, but by
    default each file is a recording of its own.
    """

    matlab: str
    spectrogram_key: str = "rxSpectrogram"
    mask_key: str = "data"
    values: dict = field(default_factory=lambda: {0: "noise", 127: "nr", 255: "lte"})
    sample_rate: float = 61.44e6
    duration: float = 40e-3
    level: str = "db"
    range_db: tuple[float, float] | None = None
    frequency: str = "right"
    labelled: bool = True
    rows: int = 256
    recording: str | None = None
    share: float = 1.0
    kind: ClassVar[str] = "matlab"

    def __post_init__(self):
        _check_common(self)
        _check_picture(self)
        _check_choice(self, "level", LEVELS)
        if self.level == "image" and self.range_db is None:
            raise UsageError("level image needs range_db: [dB of black, dB of white]")


@dataclass(frozen=True)
class ImagesConfig(_Pictures):
    """Pairs ``images/NAME.png`` and ``masks/NAME.png`` in the folder ``images``.

    Black and white of an image stand for ``range_db``; a mask's ``values`` for classes. The
    image covers ``sample_rate`` Hz and ``duration`` seconds; ``frequency`` tells where it grows:
    ``right`` (time runs down), ``up`` or ``down`` (time runs right). ``recording``: a regular
    expression that finds in NAME what tells its recording, by default NAME less its last number.
    """

    images: str
    range_db: tuple[float, float]
    sample_rate: float
    duration: float
    values: dict = field(default_factory=dict)
    frequency: str = "right"
    labelled: bool = True
    rows: int = 256
    recording: str | None = None
    share: float = 1.0
    kind: ClassVar[str] = "images"

    def __post_init__(self):
        _check_common(self)
        _check_picture(self)
        if self.labelled and not self.values:
            raise UsageError("images need values: the classes of mask values, as {0: noise}")


OwnConfig = RecordingsConfig | MatlabConfig | ImagesConfig
SourceConfig = FramesConfig | OwnConfig
KINDS = {c.kind: c for c in (FramesConfig, RecordingsConfig, MatlabConfig, ImagesConfig)}


def _check_common(config: OwnConfig) -> None:
    if not isinstance(config.folder, str) or not config.folder:
        raise UsageError(f"{config.kind}: expected a folder, got {config.folder!r}")
    _above_zero(config, "share")
    if config.share > 1:
        raise UsageError(f"share: expected a number up to 1, such as 0.25, got {config.share:g}")


def _checked_parts(only: object) -> dict[str, tuple[float, float]]:
    """``only`` with pairs of numbers."""
    if not isinstance(only, dict) or not only:
        raise UsageError(f"only: expected parts by recordings' names, got {only!r}")
    out = {}
    for name, part in only.items():
        try:
            begin, end = (float(x) for x in part)
        except (TypeError, ValueError):
            begin = end = math.nan
        if not 0 <= begin < end <= 1:
            raise UsageError(
                f"only: {name}: expected a part of its time such as [0, 0.75], got {part!r}"
            )
        out[str(name)] = (begin, end)
    return out


def _check_picture(config: MatlabConfig | ImagesConfig) -> None:
    for option in ("sample_rate", "duration"):
        _above_zero(config, option)
    _check_choice(config, "frequency", FREQUENCY_GROWS)
    try:
        re.compile(config.recording or "")
    except (re.error, TypeError) as error:
        raise UsageError(f"recording {config.recording!r} cannot be used ({error})") from error
    if config.range_db is None:
        return
    try:
        low, high = (float(x) for x in config.range_db)
        object.__setattr__(config, "range_db", (low, high))
    except (TypeError, ValueError):
        low = high = math.nan
    if not low < high:
        raise UsageError(
            "range_db: expected two ascending levels in dB (black, white), such as [-110, -30], "
            f"got {config.range_db!r}"
        )


def _above_zero(config, option: str) -> None:
    """Make the option a float: YAML takes 61.44e6 as a text."""
    value = getattr(config, option)
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise UsageError(f"{option}: expected a number above 0, got {value!r}")
    object.__setattr__(config, option, number)


def _check_choice(config, option: str, choices: tuple[str, ...]) -> None:
    if getattr(config, option) not in choices:
        raise UsageError(
            f"{option}: expected one of {', '.join(choices)}, got {getattr(config, option)!r}"
        )
