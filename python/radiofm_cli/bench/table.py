# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as a table for people."""

from __future__ import annotations

from collections.abc import Mapping

from ..console import table
from .results import Section
from .targets import TARGETS

HEADER = ("figure", "value", "range", "target", "")


def table_lines(sections: Mapping[str, Section]) -> list[str]:
    """A line for each figure: value, smallest and largest repetition, target."""
    rows = []
    for name, section in sections.items():
        for figure, value, raw in section.walk(name):
            spread = f"{_number(min(raw))} .. {_number(max(raw))}" if len(raw) > 1 else ""
            target = TARGETS.get(figure)
            verdict = "" if target is None else ("met" if target.is_met(value) else "missed")
            rows.append((figure, _number(value), spread, str(target or ""), verdict))
    return table(HEADER, rows)


def machine_lines(machine: Mapping) -> list[str]:
    """What the figures were measured on."""
    load = ", ".join(map(str, machine["load_average"]))
    return [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['ram_gb']:g} GB, "
        f"{' '.join(machine['flags'])}",
        f"radiofm {machine['radiofm']} ({machine['revision']}), GNU Radio {machine['gnuradio']}, "
        f"PyTorch {machine['torch']}, NumPy {machine['numpy']}; load average {load}",
    ]


def _number(value: float) -> str:
    """Three digits that count, and no exponent."""
    if value == int(value) and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
