# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a folder are recordings, by their names."""

from __future__ import annotations

import os
from pathlib import Path

from .suffixes import (
    AMBIGUOUS_SUFFIXES,
    META_SUFFIX,
    RAW_SUFFIXES,
    SDRIQ_SUFFIX,
    WAV_SUFFIXES,
    is_archive_name,
    suffix_of,
)

# Beside every description that `radiofm segment` writes
_RESULT_SUFFIX = ".mask.npz"


def is_recording_name(path: str | os.PathLike, any_raw: bool = False) -> bool:
    """Whether a file's name says that it is a recording: nothing is opened.

    Args:
        path: of the file; of a SigMF pair the description counts, not the data.
        any_raw: whether names that tell no sample format count, such as ``x.bin``: where the
            user gives one.
    """
    name = os.path.basename(os.fspath(path))
    if name.startswith("."):
        return False
    if name.endswith(META_SUFFIX) or is_archive_name(name):
        return True
    suffix = suffix_of(name)
    if suffix in AMBIGUOUS_SUFFIXES:
        return any_raw
    return suffix in RAW_SUFFIXES or suffix in (*WAV_SUFFIXES, SDRIQ_SUFFIX)


def find_recordings(folder: str | os.PathLike, any_raw: bool = False) -> list[Path]:
    """The recordings in a folder and in those below it, by path.

    Hidden files and folders are left out, and what ``radiofm segment`` wrote, and links to folders.

    Args:
        folder: where to look.
        any_raw: see :func:`is_recording_name`.

    Raises:
        OSError: the folder cannot be read; those below it that cannot are left out.
    """
    folder = Path(folder)
    os.listdir(folder)
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = set(names)
        found += [
            Path(place, name)
            for name in names
            if is_recording_name(name, any_raw) and not is_result(name, here)
        ]
    return sorted(found)


def is_result(name: str, beside: set[str]) -> bool:
    """Whether a file was written by ``radiofm segment``, by the names ``beside`` it."""
    return name.endswith(META_SUFFIX) and name.removesuffix(META_SUFFIX) + _RESULT_SUFFIX in beside
