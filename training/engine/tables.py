# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of runs that are compared, in Markdown."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cell:
    """The records of a variant at a label share, by seed."""

    variant: str
    share: float
    by_seed: dict[int, dict]

    def values(self, number: Callable[[dict], float | None]) -> list[float]:
        """``number`` of each record that has it."""
        found = (number(r) for r in self.by_seed.values())
        return [v for v in found if v is not None]

    def differences(self, other: Cell, number: Callable[[dict], float | None]) -> list[float]:
        """``number`` less that of ``other``, seed by seed, of the seeds that both have."""
        pairs = (
            (number(record), number(other.by_seed[seed]))
            for seed, record in self.by_seed.items()
            if seed in other.by_seed
        )
        return [a - b for a, b in pairs if a is not None and b is not None]


def spread(values: list[float], show: str = "{:.3f}") -> str:
    """Mean (least to most); the value alone where there is one, a dash where there is none."""
    if not values:
        return "–"
    mean = show.format(sum(values) / len(values))
    if len(values) == 1:
        return mean
    return f"{mean} ({show.format(min(values))} to {show.format(max(values))})"


def different(values: Iterable[str]) -> str:
    """Each once."""
    return "; ".join(dict.fromkeys(values))


def listed(lines: list[str]) -> str:
    """A list in Markdown."""
    return "\n".join(f"- {line}" for line in lines)


def percent(share: float) -> str:
    """A part of 1 in words."""
    return f"{100 * share:g} %"


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """In Markdown."""
    ruled = ("---",) * len(heads)
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ruled, *rows))


def rows_of(path: Path) -> list[dict[str, str]]:
    """Of a stage's log, by the names of its columns; none where it is not there."""
    try:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:  # weights that came without their log
        return []
