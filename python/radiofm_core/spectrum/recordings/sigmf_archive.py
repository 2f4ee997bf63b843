# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF archives (tar) and collections: several recordings under one name.

Nothing is unpacked: the samples of a recording are a range of the archive's bytes. A recording in
an archive is named as if the archive were a folder: ``x.sigmf/recording``.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import InputError, reason_of
from .found import Found
from .sigmf import MAX_META_BYTES, describe, parse_meta
from .suffixes import COLLECTION_SUFFIX, DATA_SUFFIX, META_SUFFIX, is_archive_name

# Of the recordings in an archive, how many an error names
_MOST_NAMED = 3


@dataclass(frozen=True)
class _Range:
    """Bytes of an archive."""

    place: int
    size: int


def split_archive(path: Path) -> tuple[Path, str] | None:
    """(an archive, the name of a recording in it, or nothing) that a path names, or None."""
    for archive in (path, *path.parents):
        if is_archive_name(archive.name) and archive.is_file():
            inside = "" if archive == path else path.relative_to(archive).as_posix()
            return archive, inside.removesuffix(META_SUFFIX).removesuffix(DATA_SUFFIX)
    return None


def archive_names(data_path: Path, shown: Path) -> list[str]:
    """The names of the recordings in an archive, sorted.

    Args:
        data_path: the archive, not compressed.
        shown: what errors call it.

    Raises:
        InputError: it is no archive, or one with paths that lead outside.
    """
    ranges, _ = _read_ranges(data_path, shown)
    return sorted(n.removesuffix(META_SUFFIX) for n in ranges if n.endswith(META_SUFFIX))


def read_archive(data_path: Path, shown: Path, inside: str) -> Found:
    """What a recording in an archive tells; the only one, where ``inside`` names none.

    Raises:
        InputError: as for :func:`archive_names`; it is not there, or one of several.
    """
    ranges, is_cut_short = _read_ranges(data_path, shown)
    names = sorted(n.removesuffix(META_SUFFIX) for n in ranges if n.endswith(META_SUFFIX))
    name = inside or (names[0] if len(names) == 1 else "")
    if not names:
        raise InputError(f"{shown}: a SigMF archive without a recording (a .sigmf-meta)")
    if name not in names:
        first = ", ".join(f"{shown}/{known}" for known in names[:_MOST_NAMED])
        more = ", …" if len(names) > _MOST_NAMED else ""
        raise InputError(
            f"{shown} holds {len(names)} recordings{', not ' + inside if inside else ''}; give one "
            f"of them: {first}{more}"
        )
    member = shown / (name + META_SUFFIX)
    meta = parse_meta(_read_meta(data_path, ranges[name + META_SUFFIX], member), member)
    place, size = _data_range(meta, name, ranges, member)
    missing = place + size - data_path.stat().st_size
    found = describe(meta, member, data_path, place, size - max(missing, 0))
    found.lies_in = member
    if missing > 0 or is_cut_short:
        found.warnings.append(f"{shown.name}: the archive is cut short")
    return found


def collection_members(path: Path) -> list[Path]:
    """The descriptions of the recordings that a collection names, which lie beside it.

    Raises:
        InputError: it is no collection, or names paths outside of its folder.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        streams = content["collection"]["core:streams"]
        names = [stream["name"] for stream in streams]
        if not all(isinstance(name, str) and name for name in names):
            raise ValueError("names of streams must be texts")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else reason_of(error)
        raise InputError(f"{path}: not a SigMF collection ({reason}); correct it") from error
    for name in names:
        _refuse_outside(name, path)
    if not names:
        raise InputError(f"{path}: a SigMF collection without recordings")
    return [path.parent / (name.removesuffix(META_SUFFIX) + META_SUFFIX) for name in names]


def is_collection(path: Path) -> bool:
    """By its name."""
    return path.name.endswith(COLLECTION_SUFFIX)


def _read_ranges(data_path: Path, shown: Path) -> tuple[dict[str, _Range], bool]:
    """(place of each file in the archive, whether it ends in the middle of one)."""
    ranges: dict[str, _Range] = {}
    try:
        with tarfile.open(data_path, "r:", errorlevel=0) as archive:
            while (member := archive.next()) is not None:
                _refuse_outside(member.name, shown)
                if member.isreg() and not member.issparse():
                    name = str(PurePosixPath(member.name))
                    ranges[name] = _Range(member.offset_data, member.size)
    except tarfile.ReadError as error:
        if not ranges:
            raise InputError(
                f"{shown} is not a tar archive ({reason_of(error)}); get it again"
            ) from error
        return ranges, True
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise InputError(f"{shown} is damaged ({reason_of(error)}); get it again") from error
    return ranges, False


def _refuse_outside(name: str, shown: Path) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise InputError(f"{shown} names {name!r}, a path outside of it: nothing of it is read")


def _read_meta(data_path: Path, place: _Range, member: Path) -> bytes:
    if place.size > MAX_META_BYTES:
        raise InputError(f"{member} has {place.size} bytes, too large for SigMF metadata")
    with data_path.open("rb") as file:
        file.seek(place.place)
        return file.read(place.size)


def _data_range(meta: dict, name: str, ranges: dict[str, _Range], member: Path) -> tuple[int, int]:
    """(first byte, number of bytes) of the samples."""
    named = meta["global"].get("core:dataset")
    names = [name + DATA_SUFFIX]
    if isinstance(named, str) and named:
        _refuse_outside(named, member)
        names.insert(0, str(PurePosixPath(name).parent / named))
    for one in names:
        if one in ranges:
            return ranges[one].place, ranges[one].size
    raise InputError(f"{member}: its samples ({names[0]}) are not in the archive")
