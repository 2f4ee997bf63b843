# SPDX-License-Identifier: GPL-3.0-or-later
"""Which reader a path is for, and the recordings that it stands for."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from ...errors import InputError
from .facts import time_words
from .file_meta import HEADER_SUFFIX, find_file_meta
from .found import Found
from .pipes import is_pipe, shown_name, take_pipe
from .raw import read_raw
from .sdriq import HEADER_BYTES, find_sdriq
from .sigmf import find_files, read_pair
from .sigmf_archive import (
    archive_names,
    collection_members,
    is_collection,
    read_archive,
    split_archive,
)
from .suffixes import META_SUFFIX, is_compressed_name, stem_of
from .unpacking import TemporaryFile, unpacked
from .wav import is_wav, read_wav


def find(path: Path) -> Found:
    """What a path tells of a recording, by whichever reader.

    Raises:
        InputError: nothing that can be read is there.
        OSError: the system does not let it.
    """
    if is_pipe(path):
        return _of_pipe(path)
    archive = split_archive(path)
    if archive is not None:
        return _of_archive(*archive)
    meta_path, data_path = find_files(path)
    if meta_path is not None:
        return read_pair(meta_path, data_path)
    if is_collection(path):
        return _of_collection(path)
    if is_compressed_name(path.name) and path.is_file():
        file = unpacked(path)
        return _unpacked_found(_of_file(file.path, path), path, file)
    if path.name.endswith(HEADER_SUFFIX) and path.with_suffix("").is_file():
        path = path.with_suffix("")
    return _of_file(path, path)


def recordings_in(path: str | os.PathLike) -> list[str]:
    """What to open, each by ``open_recording``, of a path: itself, or all recordings of an archive
    or a collection that holds several.

    Raises:
        InputError: an archive or a collection that cannot be read.
    """
    named, path = os.fspath(path), Path(path)
    try:
        if is_collection(path) and path.is_file():
            return [str(member) for member in collection_members(path)]
        archive = split_archive(path)
        if archive is None or archive[1]:
            return [named]
        data_path = unpacked(path).path if is_compressed_name(path.name) else path
        names = archive_names(data_path, path)
        return [named] if len(names) < 2 else [f"{named}/{name}" for name in names]
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check the path and its rights"
        ) from error


def recording_stem(path: str | os.PathLike) -> str:
    """What the results of a recording are called by, from its path alone."""
    path = Path(path)
    archive = split_archive(path)
    if archive is not None:
        return _archive_stem(*archive)
    if path.with_name(path.name + META_SUFFIX).exists():
        return path.name
    return stem_of(path.name)


def _archive_stem(archive: Path, inside: str) -> str:
    stem = stem_of(archive.name)
    return f"{stem}_{inside.replace('/', '_')}" if inside else stem


def _of_file(data_path: Path, shown: Path) -> Found:
    """Of a file by its content, or else a raw one."""
    if not data_path.is_file():
        return Found(data_path, shown)
    with data_path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    if is_wav(head):
        return read_wav(data_path, shown)
    return (
        find_sdriq(head, data_path, shown)
        or find_file_meta(data_path, shown)
        or read_raw(data_path, shown)
    )


def _unpacked_found(found: Found, path: Path, file: TemporaryFile) -> Found:
    found.kept = file
    found.lies_in = found.lies_in or path
    found.stem = found.stem or recording_stem(path)
    found.inferred.append(f"{path.name}: unpacked into {file.words()}")
    if file.is_cut_short:
        found.warnings.append(f"{path.name}: the compressed file is cut short")
    return found


def _of_archive(archive: Path, inside: str) -> Found:
    if not is_compressed_name(archive.name):
        found = read_archive(archive, archive, inside)
    else:
        file = unpacked(archive)
        found = _unpacked_found(read_archive(file.path, archive, inside), archive, file)
    found.stem = _archive_stem(archive, inside)
    return found


def _of_collection(path: Path) -> Found:
    members = collection_members(path)
    if len(members) > 1:
        names = ", ".join(member.name for member in members[:3])
        more = ", …" if len(members) > 3 else ""
        raise InputError(f"{path} holds {len(members)} recordings; give one of them: {names}{more}")
    return read_pair(*find_files(members[0]))


def _of_pipe(path: Path) -> Found:
    taken = take_pipe(path)
    file, shown = taken.file, shown_name(taken)
    if not file.size:
        raise InputError(f"nothing came from {path} (0 bytes)")
    found = _of_file(file.path, shown)
    found.kept, found.lies_in, found.stem = file, shown, shown.name
    if found.segments[0].time is None:
        found.segments[0] = dataclasses.replace(found.segments[0], time=taken.time)
    found.inferred.append(
        f"{shown.name}: taken from {path} into {file.words()}, from {time_words(taken.time)} on"
    )
    if file.problem:
        found.warnings.append(f"{file.problem}; what came before is used")
    return found
