# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own files, and which of them a set takes: whole recordings, never single frames."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from radiofm_core.errors import InputError, UsageError

from ...engine.folders import existing_folder

# More of a large file is not read to tell it from others
DIGEST_BYTES = 1 << 20


class OwnFrame(NamedTuple):
    """What a reader yields: level dB float32 (rows, cols), truth uint8 (rows, cols), the resolution
    (Hz per bin, s per row), and evidence planes (lags, 2, rows / row_multiple, cells), None where
    there are no samples to tell."""

    level: np.ndarray
    truth: np.ndarray
    resolution: tuple[float, float]
    evidence: np.ndarray | None = None


@dataclass(frozen=True)
class Item:
    """A file, or the files that belong together. ``name``: its path in the source's folder.
    ``recording``: what it was cut from. ``files``: the one with the signal first. ``part``: which
    part of its time is taken."""

    name: str
    recording: str
    files: tuple[Path, ...]
    part: tuple[float, float] = (0.0, 1.0)

    @cached_property
    def identity(self) -> str:
        """The same for copies of the same signal, whatever their names and labels."""
        return _digest(self.files[:1])

    @cached_property
    def digest(self) -> str:
        """Changes with any of the files."""
        return _digest(self.files)


def find_files(folder: str | Path, pattern: str) -> list[tuple[str, Path]]:
    """(path in the folder, path) of the files of a pattern in a folder and below, sorted.

    Raises InputError: no folder, or nothing of the pattern in it.
    """
    top = existing_folder(folder)
    found = sorted(p for p in top.rglob(pattern) if p.is_file())
    if not found:
        raise InputError(f"{folder} holds no {pattern} files; put the data there, or name another")
    return [(p.relative_to(top).as_posix(), p) for p in found]


def recording_of(name: str, pattern: str) -> str:
    """What the regular expression ``pattern`` finds in a file's name (its first group, if any)."""
    found = re.search(pattern, name)
    if not found:
        raise UsageError(
            f"recording {pattern!r} finds nothing in the name {name!r}; it must match every file"
        )
    return found.group(1 if found.re.groups else 0)


def take_share(items: list[Item], share: float, leave: int = 0) -> list[Item]:
    """The items of about ``share`` of the recordings, of at least one, in a fixed random order
    that depends on names alone. A share below 1 leaves at least ``leave`` recordings untaken,
    even if that is all."""
    recordings = sorted({i.recording for i in items}, key=_order)
    count = len(recordings)
    if share < 1:
        count = min(max(1, round(share * count)), max(0, count - leave))
    taken = set(recordings[:count])
    return [i for i in items if i.recording in taken]


def leave_out(items: list[Item], held_back: Iterable[Item], same_folder: bool) -> list[Item]:
    """The items of recordings of which none is in ``held_back``: neither the same signal nor,
    where both come from the ``same_folder``, another frame of the same recording; but for parts
    of its time that do not meet."""
    held_back = list(held_back)
    left = []
    for part in dict.fromkeys(i.part for i in items):
        own = [i for i in items if i.part == part]
        meeting = [i for i in held_back if i.part[0] < part[1] and part[0] < i.part[1]]
        signals = {i.identity for i in meeting}
        recordings = {i.recording for i in meeting} if same_folder else set()
        recordings |= {i.recording for i in own if i.identity in signals}
        left += [i for i in own if i.recording not in recordings]
    return left


def cut_rows(total: int, rows: int, step: int | None = None) -> Iterator[int]:
    """First rows of the frames cut from ``total`` rows: one after the other, or one every ``step``
    rows, and one that ends at the end where a quarter of a frame or more is left over."""
    last = 0
    for first in range(0, total - rows + 1, step or rows):
        yield first
        last = first + rows
    if last and total - last >= rows // 4:
        yield total - rows


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        try:
            size = path.stat().st_size
            digest.update(size.to_bytes(8, "little"))
            with path.open("rb") as file:
                digest.update(file.read(DIGEST_BYTES))
                file.seek(max(DIGEST_BYTES, size - DIGEST_BYTES))
                digest.update(file.read(DIGEST_BYTES))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    return digest.hexdigest()[:16]


def in_fixed_order(things: Iterable, name_of: Callable[[object], str]) -> list:
    """As :func:`take_share` takes them: at random, but always alike, and by names alone."""
    return sorted(things, key=lambda thing: _order(name_of(thing)))


def _order(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
