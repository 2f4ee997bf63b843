# SPDX-License-Identifier: GPL-3.0-or-later
"""Section ``scaling``: several receivers in one process, frames to another one, memory."""

from __future__ import annotations

from pathlib import Path

from radiofm_core.bundle import BundleInfo

from .effort import Effort
from .live import add_latency, run_receivers
from .over_zmq import send_frames
from .results import Section
from .scene import FRAMES, write_scene

SAMPLE_RATE = 15.36e6
RECEIVERS = (1, 2, 4)


def measure_scaling(info: BundleInfo, effort: Effort, folder: Path) -> Section:
    """The section's figures.

    ``receivers_N``: N of them at 15.36 MS/s each, figures as those of the section ``live``, and
    ``memory_mb``, resident. ``memory_per_receiver_mb``: what each receiver after the first adds.
    ``zmq``: ``frames`` sent, ``frames_taken`` with an answer, ``tags_kept`` of them, and ``fps``
    of the process that segments.
    """
    recording = write_scene(folder, SAMPLE_RATE, info.spec)
    section = Section()
    memory = []
    for count in RECEIVERS:
        found = run_receivers(recording, info, count, effort.scaling_s)
        section.parts[f"receivers_{count}"] = part = Section()
        add_latency(part, found)
        memory.append(found["memory_mb"])
        part.add("memory_mb", memory[-1])
    added = (memory[-1] - memory[0]) / (RECEIVERS[-1] - RECEIVERS[0])
    section.add("memory_per_receiver_mb", added)
    section.parts["zmq"] = _over_zmq(info, effort, folder)
    return section


def _over_zmq(info: BundleInfo, effort: Effort, folder: Path) -> Section:
    repeats = max(1, effort.zmq_frames // FRAMES)
    recording = write_scene(folder, SAMPLE_RATE, info.spec, repeats)
    found = send_frames(recording, info)
    section = Section()
    section.add("frames", repeats * FRAMES)
    section.add("frames_taken", found["frames"])
    section.add("tags_kept", found["tags_kept"])
    section.add("fps", found["fps"])
    return section
