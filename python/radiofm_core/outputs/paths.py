# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the results of a recording, or of a file of CSI, lie."""

from __future__ import annotations

from pathlib import Path

from ..spectrum.recordings import META_SUFFIX


def result_paths(folder: Path, stem: str) -> dict[str, Path]:
    """The files that a recording called ``stem`` gets in ``folder``."""
    suffixes = {"picture": ".png", "sigmf": META_SUFFIX, "jsonl": ".jsonl", "mask": ".mask.npz"}
    return {kind: folder / f"{stem}{suffix}" for kind, suffix in suffixes.items()}


def activity_paths(folder: Path, stem: str) -> dict[str, Path]:
    """The files that a file of CSI called ``stem`` gets in ``folder``."""
    return {"jsonl": folder / f"{stem}.jsonl", "picture": folder / f"{stem}.png"}
