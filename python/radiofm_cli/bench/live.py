# SPDX-License-Identifier: GPL-3.0-or-later
"""Section ``live``: one receiver that nothing holds up, at three sample rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radiofm_core.bundle import BundleInfo
from radiofm_core.spectrum.recordings import Recording

from . import child
from .effort import Effort
from .results import Section
from .scene import write_scene

SAMPLE_RATES = (15.36e6, 30.72e6, 61.44e6)


def measure_live(info: BundleInfo, effort: Effort, folder: Path) -> Section:
    """The section's figures, by MS/s: ``frames`` that were due, ``lost_frames`` of them, and
    ``latency_p50_ms`` and ``latency_p99_ms`` from a frame's last sample to its message (see
    :mod:`.receivers`)."""
    section = Section()
    for rate in SAMPLE_RATES:
        recording = write_scene(folder, rate, info.spec)
        found = run_receivers(recording, info, 1, effort.live_s)
        section.parts[f"{rate / 1e6:g}"] = part = Section()
        add_latency(part, found)
    return section


def run_receivers(recording: Recording, info: BundleInfo, count: int, seconds: float) -> dict:
    """:func:`.receivers.receive` in a new process."""
    return child.call_on("receivers", recording, info, count=count, seconds=seconds)


def add_latency(section: Section, found: dict) -> None:
    """The figures of a run; no latencies where no frame had an answer."""
    section.add("frames", found["frames"])
    section.add("lost_frames", found["lost_frames"])
    if found["latency_ms"]:
        for percent in (50, 99):
            section.add(f"latency_p{percent}_ms", np.percentile(found["latency_ms"], percent))
    section.raw["latency_ms"] = found["latency_ms"]
