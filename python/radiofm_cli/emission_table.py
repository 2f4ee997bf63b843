# SPDX-License-Identifier: GPL-3.0-or-later
"""Emissions as people read them in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from radiofm_core import keys
from radiofm_core.bundle import BundleInfo
from radiofm_core.outputs.evidence_words import emission_name, evidence_words
from radiofm_core.outputs.terminal import colored, use_color
from radiofm_core.outputs.units import display_name, readable_hz, readable_time
from radiofm_core.spectrum.recordings import Recording

from .console import table

HEADER = ("label", "centre", "width", "start", "length", "on air", "SNR", "confidence")
# A column of its own where there is any
EVIDENCE = "evidence"


def recording_line(recording: Recording, frames: int) -> str:
    """What was segmented."""
    center = readable_hz(recording.captures[0].center_frequency)
    return (
        f"{recording.stem}: {center}, {recording.sample_rate / 1e6:g} MS/s, "
        f"{readable_time(recording.duration)}, {frames} frame{'s' if frames != 1 else ''}"
    )


def emission_row(emission: dict, start: float, span: float) -> tuple[str, ...]:
    """One emission's cells; ``start`` and the recording's length ``span`` in seconds."""
    duration = emission[keys.DURATION]
    on_air = emission[keys.ACTIVE_TIME] / duration if duration else 1.0
    return (
        emission_name(emission),
        f"{emission[keys.CENTER_FREQUENCY] / 1e6:.3f} MHz",
        f"{emission[keys.BANDWIDTH] / 1e6:.3f} MHz",
        f"{start * 1e3:.2f} ms" if span < 10 else f"{start:.3f} s",
        readable_time(duration),
        f"{on_air * 100:.0f} %",
        f"{emission[keys.SNR_DB]:.1f} dB",
        f"{emission[keys.CONFIDENCE]:.2f}",
    )


def emission_table(
    emissions: Sequence[dict], recording: Recording, info: BundleInfo, total: int
) -> list[str]:
    """Lines: a table of ``emissions``, of which there are ``total``."""
    if not emissions:
        return ["  no emission found: only noise detected"]
    starts = [e[keys.START_OFFSET] / recording.sample_rate for e in emissions]
    span = recording.duration
    rows = [emission_row(e, s, span) for e, s in zip(emissions, starts, strict=True)]
    lines = table(HEADER, rows)
    words = [EVIDENCE, *map(evidence_words, emissions)]
    if any(words[1:]):
        lines = [f"{line}  {text}".rstrip() for line, text in zip(lines, words, strict=True)]
    if use_color(sys.stdout):
        colors = {display_name(c.name): c.color for c in info.classes}
        for index, emission in enumerate(emissions, start=1):
            name = display_name(emission[keys.LABEL])
            if name in colors:
                lines[index] = lines[index].replace(name, colored(name, colors[name]), 1)
    if total > len(emissions):
        lines.append(f"  … and {total - len(emissions)} smaller ones, see the .jsonl")
    return lines
