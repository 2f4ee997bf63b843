# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of users' data."""

from __future__ import annotations

from pathlib import Path

from radiofm_core.errors import InputError


def existing_folder(folder: str | Path) -> Path:
    """Raises InputError unless ``folder`` is one."""
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{folder} is not a folder; check the recipe's path (from {Path.cwd()})")
    return path
