# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of a segmenter: what its recipe says of them, and which truth belongs to which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from radiofm_core.bundle import ClassInfo
from radiofm_core.errors import UsageError

from ..engine.recipe_files import build, overlaid
from ..waveforms.kinds import KINDS, WIFI
from ..waveforms.span import IGNORE

# What a label may be mapped to beside the classes: its pixels are not scored
IGNORED = "ignore"
# The label that `radiofm segment` gives what the model is not sure of: no class, whatever it is
UNKNOWN = "unknown"


@dataclass(frozen=True)
class ClassConfig:
    """One class: its ``color`` (#rrggbb) in pictures, the ``kinds`` of generated signals that
    belong to it (:data:`training.waveforms.kinds.KINDS`; none: all that no other class names;
    null: no generated signals at all, but what recordings' labels say), and its ``weight`` in the
    loss (about the inverse square root of its share of the pixels)."""

    color: str
    kinds: tuple[str, ...] | None = ()
    weight: float = 1.0

    def __post_init__(self):
        if not (isinstance(self.color, str) and re.fullmatch("#[0-9a-fA-F]{6}", self.color)):
            raise UsageError(f"color: expected one such as '#23c4ff', got {self.color!r}")
        for kind in self.kinds or ():
            if kind not in KINDS:
                raise UsageError(f"kinds: expected some of {', '.join(KINDS)}, got {kind!r}")
        if not self.weight > 0:
            raise UsageError(f"weight is {self.weight}; expected a number above 0")

    @property
    def takes_rest(self) -> bool:
        """Whether it has all generated signals that no other class names."""
        return self.kinds is not None and not self.kinds


class Classes(Mapping[str, ClassConfig]):
    """The classes by name, in mask order; the first is what is there where nothing is sent.

    Raises UsageError: fewer than two, or kinds of which it is not clear where they belong.
    """

    def __init__(self, configs: Mapping[str, ClassConfig]):
        self._configs = dict(configs)
        if len(self) < 2:
            raise UsageError(f"expected two classes or more, found {', '.join(self) or 'none'}")
        for name in self:
            if name in (IGNORED, UNKNOWN) or not (isinstance(name, str) and name.isprintable()):
                raise UsageError(f"{name!r} cannot be the name of a class; choose another")
        taken = [kind for config in self.values() for kind in config.kinds or ()]
        for kind in taken:
            if taken.count(kind) > 1:
                raise UsageError(f"kind {kind!r} is in two classes; leave it in one")
        takes_rest = [name for name, config in self.items() if config.takes_rest]
        if len(takes_rest) > 1:
            raise UsageError(
                f"{' and '.join(takes_rest)} have no kinds: only one class may take the remaining "
                "kinds; name the kinds of the others"
            )
        left = [kind for kind in KINDS if kind not in taken]
        if left and not takes_rest:
            raise UsageError(
                f"no class has the kind {left[0]!r}; add it to the kinds of one, or leave one "
                "class without kinds to take the remaining ones"
            )
        if self.of_kind("noise"):
            raise UsageError(
                f"the first class is {self.names[0]!r}, and the kind 'noise' is in "
                f"{self.names[self.of_kind('noise')]!r}; put that class first"
            )

    def __getitem__(self, name: str) -> ClassConfig:
        return self._configs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._configs)

    def __len__(self) -> int:
        return len(self._configs)

    def __eq__(self, other) -> bool:
        # in this order: it is the masks'
        return isinstance(other, Classes) and [*self.items()] == [*other.items()]

    def __hash__(self) -> int:
        return hash(self.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """In mask order."""
        return tuple(self)

    @property
    def infos(self) -> tuple[ClassInfo, ...]:
        """For a bundle."""
        return tuple(ClassInfo(name, config.color) for name, config in self.items())

    @property
    def weights(self) -> tuple[float, ...]:
        """For the loss."""
        return tuple(config.weight for config in self.values())

    @property
    def rest(self) -> str | None:
        """The class that has all generated signals which no other names, if there is one."""
        return next((name for name, config in self.items() if config.takes_rest), None)

    def of_kind(self, kind: str) -> int:
        """The class that a kind of generated signals belongs to."""
        number = next((i for i, c in enumerate(self.values()) if kind in (c.kinds or ())), None)
        if number is None:
            number = next(i for i, c in enumerate(self.values()) if c.takes_rest)
        return number

    def of_kinds(self, kinds: Sequence[str] = KINDS) -> np.ndarray:
        """uint8 (256,): the class by a kind's number in ``kinds``; IGNORE for other numbers."""
        table = np.full(256, IGNORE, np.uint8)
        table[: len(kinds)] = [self.of_kind(kind) for kind in kinds]
        return table

    def to_dict(self) -> dict:
        """As :func:`read_classes` reads it, JSON-ready."""
        return {
            name: {
                "color": c.color,
                "kinds": None if c.kinds is None else list(c.kinds),
                "weight": c.weight,
            }
            for name, c in self.items()
        }


DEFAULT = Classes(
    {
        "noise": ClassConfig("#5b6270", ("noise",)),
        "lte": ClassConfig("#23c4ff", ("lte",), 1.7),
        "nr": ClassConfig("#ffa01e", ("nr",), 2.0),
        "wifi": ClassConfig("#7ee081", WIFI, 2.5),
        "other": ClassConfig("#ff4fa3", weight=1.9),
    }
)


def read_classes(fields: object, where: str) -> Classes:
    """The classes of a recipe's section ``classes``: by name what :class:`ClassConfig` has, laid
    over those of :data:`DEFAULT`; null takes one away. Raises UsageError, which begins with
    ``where``."""
    if not isinstance(fields, Mapping):
        raise UsageError(f"{where}: expected names of classes, each with a color, got {fields!r}")
    configs = {
        name: build(ClassConfig, config, f"{where}, {name}")
        for name, config in overlaid(DEFAULT.to_dict(), dict(fields)).items()
        if config is not None
    }
    try:
        return Classes(configs)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error
