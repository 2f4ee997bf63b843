# SPDX-License-Identifier: GPL-3.0-or-later
"""What the models of all tasks share: what a bundle says of its model, and the model once loaded.

``spectrum/model.py`` and ``csi/model.py`` have each task's own. PyTorch takes a second to import,
and only those who load a model need it: so it is imported in functions here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import BundleError
from .spec_fields import Spec

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ClassInfo:
    """A class: its name in messages and its colour (``#rrggbb``) in pictures."""

    name: str
    color: str


@dataclass(frozen=True)
class BundleInfo:
    """What a bundle says of itself (``radiofm.json``).

    ``metrics``: scores; under a precision's name those of the file as it answers in it.
    ``provenance``: where the weights came from, if not from ``recipe`` at ``git_revision``.
    """

    name: str
    path: Path
    format_version: int
    task: str
    classes: tuple[ClassInfo, ...]
    spec: Spec
    precisions: tuple[str, ...]
    recipe: dict
    data_fingerprint: str
    git_revision: str
    licence: str
    metrics: dict = field(default_factory=dict)
    provenance: dict = field(default_factory=dict)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes' names in the model's order."""
        return tuple(c.name for c in self.classes)


class Model(ABC):
    """A loaded model on its device, at its precision."""

    def __init__(self, info: BundleInfo, module, device: str, precision: str, judge=None):
        """``judge``: the module's method of that name, on the CPU, in fp32; if it has one."""
        self.info = info
        self.device = device
        self.precision = precision
        self._module = module
        self._judge = judge

    @classmethod
    @abstractmethod
    def example(cls, spec: Any) -> tuple:
        """What the module takes, of one empty frame or window of ``spec``."""

    @abstractmethod
    def answer_empty(self) -> object:
        """Answer one empty frame or window; raises whatever the model's code raises."""

    def _to_device(self, values: Tensor) -> Tensor:
        """A host's tensor on the model's device; a GPU fetches it from pinned memory itself."""
        if self.device == "cpu":
            return values
        return values.pin_memory().to(self.device, non_blocking=True)


def count_inputs(module) -> int:
    """How many inputs a TorchScript module takes; models of before a later input take fewer."""
    return len(module.forward.schema.arguments) - 1


def check_shapes(answers: tuple, expected: tuple[int, ...]) -> None:
    """Raise BundleError unless all ``answers`` of a model have the shape ``expected``."""
    shapes = [tuple(answer.shape) for answer in answers]
    if any(shape != expected for shape in shapes):
        told = ", ".join(map(str, shapes))
        raise BundleError(f"the model's output: expected shape {expected}, got {told}")
