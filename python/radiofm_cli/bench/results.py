# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures with the repetitions that they come from, and pairs of cases that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

T = TypeVar("T")


@dataclass
class Section:
    """The figures of one section, each with its raw values; a section may hold others."""

    figures: dict[str, float] = field(default_factory=dict)
    raw: dict[str, list[float]] = field(default_factory=dict)
    parts: dict[str, Section] = field(default_factory=dict)

    def add_median(self, name: str, values: Sequence[float]) -> None:
        """A figure that is the median of ``values``, one a repetition."""
        self.figures[name] = float(np.median(values))
        self.raw[name] = [float(value) for value in values]

    def add(self, name: str, value: float) -> None:
        """A figure that is measured once."""
        self.figures[name] = float(value)

    def to_dict(self) -> dict:
        """JSON-ready: figures and parts by their names, ``raw`` beside them."""
        parts = {name: part.to_dict() for name, part in self.parts.items()}
        return {**self.figures, **parts, **({"raw": self.raw} if self.raw else {})}

    def walk(self, name: str) -> Iterator[tuple[str, float, Sequence[float]]]:
        """(dotted name, value, raw values or none) of each figure, parts included."""
        for key, value in self.figures.items():
            yield f"{name}.{key}", value, self.raw.get(key, ())
        for key, part in self.parts.items():
            yield from part.walk(f"{name}.{key}")


def alternate(cases: Mapping[str, Callable[[], T]], repetitions: int) -> dict[str, list[T]]:
    """Run all cases in turn, ``repetitions`` times, every other time in reverse order.

    What slows the machine down for a while slows all of them, and none always comes first.

    Returns:
        What each case returned, in the order of the repetitions: entry ``i`` of one is the pair
        of entry ``i`` of another.
    """
    found: dict[str, list[T]] = {name: [] for name in cases}
    for repetition in range(repetitions):
        names = list(cases)
        for name in names if repetition % 2 == 0 else reversed(names):
            found[name].append(cases[name]())
    return found


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Quotients of pairs."""
    return [a / b for a, b in zip(above, below, strict=True)]
