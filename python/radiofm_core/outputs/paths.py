# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the results of a recording, or of a file of CSI, lie."""

from __future__ import annotations

from pathlib import Path

from ..spectrum.recordings import META_SUFFIX

_SUFFIXES = {"picture": ".png", "sigmf": META_SUFFIX, "jsonl": ".jsonl", "mask": ".mask.npz"}
RESULT_KINDS = tuple(_SUFFIXES)


def result_paths(folder: Path, stem: str) -> dict[str, Path]:
    """The files that a recording called ``stem`` gets in ``folder``."""
    return {kind: folder / f"{stem}{suffix}" for kind, suffix in _SUFFIXES.items()}


def activity_paths(folder: Path, stem: str) -> dict[str, Path]:
    """The files that a file of CSI called ``stem`` gets in ``folder``."""
    return {"jsonl": folder / f"{stem}.jsonl", "picture": folder / f"{stem}.png"}
