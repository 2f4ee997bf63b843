# SPDX-License-Identifier: GPL-3.0-or-later
"""Which code made a result."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

TOP = Path(__file__).parents[2]
# What trained weights and their scores depend on beside the recipe
CODE = ("training", "python/radiofm_core", ":(exclude)python/radiofm_core/models")
# Of `training`, what only arranges runs and tells of them; recipes stand in the records themselves
NOT_CODE = ("recipes", "studies", "results", "study")


def git_revision() -> str:
    """The checkout's commit (with ``+`` if it has changes), or ``unknown``."""
    return _git("describe", "--always", "--abbrev=12", "--dirty=+").strip() or "unknown"


def code_revision() -> str:
    """The last commit that changed the code that results depend on; with changes that are not
    committed, ``+`` and a digest of them. ``unknown`` outside of a git checkout."""
    paths = (*CODE, *(f":(exclude)training/{name}" for name in NOT_CODE))
    revision = _git("log", "-1", "--format=%h", "--abbrev=12", "--", *paths).strip()
    if not revision:
        return "unknown"
    changed = _git("diff", "HEAD", "--", *paths)
    if not changed:
        return revision
    return f"{revision}+{hashlib.sha256(changed.encode()).hexdigest()[:8]}"


def _git(*arguments: str) -> str:
    """What git prints; empty where it cannot."""
    try:
        done = subprocess.run(["git", *arguments], cwd=TOP, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.decode(errors="replace")
