# SPDX-License-Identifier: GPL-3.0-or-later
"""Which recordings are to be segmented, and where the results of each go."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import InputError, UsageError
from ..spectrum.recordings import (
    DATA_SUFFIX,
    META_SUFFIX,
    is_recording_name,
    recordings_in,
)
from ..spectrum.recordings.folders import is_result
from ..spectrum.recordings.suffixes import is_compressed_name, stem_of
from .record import RECORDS_FOLDER, is_inside

# Called with a path, why nothing below it is segmented, and whether that is a fault
Tell = Callable[[Path, str, bool], None]


@dataclass(frozen=True)
class Place:
    """A recording and its place in the results.

    Attributes:
        path: what is opened.
        name: the recording as seen from the folder that was given, with ``/``: it identifies the
            recording within the results.
        stem: its results are ``stem``.jsonl and so on, as seen from the folder of results.
        size: bytes of its samples as they are stored, for the progress bar.
    """

    path: Path
    name: str
    stem: str
    size: int


def find_places(
    inputs: Iterable[Path], out: Path, tell: Tell, any_raw: bool = False
) -> list[Place]:
    """The recordings that files and folders stand for, in the order of the inputs, then by name.

    Results lie below ``out`` as the recordings lie below the folder that was given. Recordings of
    one folder that differ in their suffix alone have results that are called by their whole names.

    Args:
        inputs: files and folders; folders are searched with all that are below them.
        out: the folder of results; it is never searched.
        tell: what is left out without being asked: a folder that cannot be read, a link to a
            folder, results of an earlier run.
        any_raw: whether names count that tell no sample format.

    Raises:
        InputError: a folder that is given cannot be read.
        UsageError: ``out`` is one of the folders, or two recordings would have the same results.
    """
    found: dict[Path, tuple[str, int]] = {}
    for given in inputs:
        if not given.is_dir():
            path = _described(given)
            _add(found, path, path.parent)
            continue
        if given.resolve() == out.resolve():
            raise UsageError(
                f"--out {out} is the folder of the recordings; give another folder for the results"
            )
        for path in _search(given, out.resolve(), tell, any_raw):
            _add(found, path, given)
    for path, (name, _) in found.items():
        if not is_inside(name):
            tell(path, "has a name that leads out of its archive", True)
    return _placed({path: of for path, of in found.items() if is_inside(of[0])})


def _search(folder: Path, out: Path, tell: Tell, any_raw: bool) -> Iterator[Path]:
    """The recordings below a folder, by name; of links to folders nothing."""
    try:
        waiting = [(folder, sorted(os.scandir(folder), key=lambda entry: entry.name))]
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be read ({error.strerror or error}); check its rights"
        ) from error
    while waiting:
        _, entries = waiting.pop()
        names = {entry.name for entry in entries}
        below = []
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(path)
            elif entry.is_symlink() and path.is_dir():
                why = "is a link to a folder, which is not followed; give it as an input"
                tell(path, why, False)
            elif is_recording_name(entry.name, any_raw) and not is_result(entry.name, names):
                yield path
        for path in reversed(below):
            if path.resolve() == out:
                continue
            try:
                waiting.append((path, sorted(os.scandir(path), key=lambda entry: entry.name)))
            except OSError as error:
                tell(path, f"cannot be read ({error.strerror or error}); check its rights", True)
                continue
            if any(entry.name == RECORDS_FOLDER for entry in waiting[-1][1]):
                tell(path, "holds results of another run, which are not segmented", False)
                waiting.pop()


def _add(found: dict[Path, tuple[str, int]], path: Path, folder: Path) -> None:
    """What a file holds, by its path as seen from a folder."""
    held = _recordings_in(path)
    for each in held:
        name = PurePosixPath(each.relative_to(folder)).as_posix()
        found.setdefault(each, (name, _size(path) // len(held)))


def _recordings_in(path: Path) -> list[Path]:
    """Those of a SigMF archive or a collection; a file that cannot be read, or would have to be
    unpacked for it, is told of when it is opened."""
    try:
        return [path] if is_compressed_name(path.name) else [Path(p) for p in recordings_in(path)]
    except InputError:
        return [path]


def _described(path: Path) -> Path:
    """The description of a SigMF pair, of which either file or their stem is given."""
    meta = path.with_name(path.name.removesuffix(DATA_SUFFIX) + META_SUFFIX)
    return meta if meta.is_file() else path


def _size(path: Path) -> int:
    """Bytes of the samples; 0 where that is not known."""
    if path.name.endswith(META_SUFFIX):
        path = path.with_name(path.name.removesuffix(META_SUFFIX) + DATA_SUFFIX)
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _placed(found: dict[Path, tuple[str, int]]) -> list[Place]:
    """Give each its results' name, no two the same."""
    alike = defaultdict(list)
    for path, (name, _) in found.items():
        folder, _, file = name.rpartition("/")
        alike[_joined(folder, stem_of(file))].append(path)
    stems: dict[str, Path] = {}
    places = []
    for path, (name, size) in found.items():
        folder, _, file = name.rpartition("/")
        stem = _joined(folder, stem_of(file))
        # x.wav and x.cs16 of one folder: the second would replace what is of the first
        if len(alike[stem]) > 1:
            stem = name
        other = stems.setdefault(stem, path)
        if other != path:
            if _same_file(other, path):
                continue
            raise UsageError(
                f"{other} and {path} would both write {stem}.jsonl; write them into two folders"
            )
        places.append(Place(path, name, stem, size))
    return places


def _same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _joined(folder: str, stem: str) -> str:
    return f"{folder}/{stem}" if folder else stem
