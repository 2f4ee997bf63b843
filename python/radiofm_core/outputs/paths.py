# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the results of a recording lie."""

from __future__ import annotations

from pathlib import Path

from ..recordings import META_SUFFIX


def result_paths(folder: Path, stem: str) -> dict[str, Path]:
    """The files that a recording called ``stem`` gets in ``folder``."""
    suffixes = {"picture": ".png", "sigmf": META_SUFFIX, "jsonl": ".jsonl", "mask": ".mask.npz"}
    return {kind: folder / f"{stem}{suffix}" for kind, suffix in suffixes.items()}
