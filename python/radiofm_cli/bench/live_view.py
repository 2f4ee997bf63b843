# SPDX-License-Identifier: GPL-3.0-or-later
"""Section ``view``: a live receiver with its window open, and the same without one, in turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radiofm_core.bundle import BundleInfo

from . import child
from .effort import Effort
from .live import run_receivers
from .results import Section, alternate
from .scene import write_scene

SAMPLE_RATES = (15.36e6, 61.44e6)
PAIRS = 2


def measure_live_view(info: BundleInfo, effort: Effort, folder: Path) -> Section:
    """The section's figures, by MS/s, each the median of PAIRS runs: ``draws_per_s`` of the
    waterfall; ``cpu_share`` of one core for the window and for taking its messages; the share of
    frames that were lost with the window (``lost_share``) and without (``lost_share_without``);
    ``memory_growth_mb`` from the first quarter of a run to its end (see :mod:`.viewer`)."""
    section = Section()
    for rate in SAMPLE_RATES:
        recording = write_scene(folder, rate, info.spec)
        found = alternate(
            {
                "with": lambda recording=recording: _view(recording, info, effort.live_s),
                "without": lambda recording=recording: run_receivers(
                    recording, info, 1, effort.live_s
                ),
            },
            PAIRS,
        )
        section.parts[f"{rate / 1e6:g}"] = part = Section()
        viewed = found["with"]
        part.add_median("draws_per_s", [each["draws"] / each["seconds"] for each in viewed])
        spent = [each["window_cpu_s"] + each["messages_cpu_s"] for each in viewed]
        part.add_median(
            "cpu_share", [cpu / each["seconds"] for cpu, each in zip(spent, viewed, strict=True)]
        )
        part.add_median("lost_share", [_lost(each) for each in viewed])
        part.add_median("lost_share_without", [_lost(each) for each in found["without"]])
        part.add_median("memory_growth_mb", [_growth(each["memories_mb"]) for each in viewed])
    return section


def _view(recording, info: BundleInfo, seconds: float) -> dict:
    return child.call_on("viewer", recording, info, seconds=seconds)


def _lost(found: dict) -> float:
    return found["lost_frames"] / max(found["frames"], 1)


def _growth(memories: list[float]) -> float:
    if len(memories) < 2:
        return 0.0
    return memories[-1] - float(np.median(memories[: max(len(memories) // 4, 1)]))
