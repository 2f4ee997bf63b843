# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF: a description in JSON beside, or in an archive with, the samples."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ...errors import InputError, reason_of
from ...fields import finite_number
from ...iso_time import parse_time
from .facts import Facts
from .found import Found, Segment
from .suffixes import COMPRESSED_SUFFIXES, DATA_SUFFIX, META_SUFFIX
from .unpacking import unpacked

WHAT = "a recording's file"
# Hashing this much takes about half a second; larger data are not compared with core:sha512
MAX_CHECKSUM_BYTES = 256 << 20
MAX_META_BYTES = 64 << 20
_CHUNK = 1 << 20


def find_files(path: Path) -> tuple[Path | None, Path]:
    """The files that a path stands for: a SigMF pair's (either of it, or their stem) or another.

    Returns (meta file or None for another one, data file as far as the name tells). Raises
    InputError where there is no such file.
    """
    if path.name.endswith((META_SUFFIX, DATA_SUFFIX)):
        stem = path.with_suffix("")
    else:
        stem = path
        if not path.with_name(path.name + META_SUFFIX).exists():
            if path.is_dir():
                raise InputError(f"{path} is a folder; give {WHAT}")
            if not path.exists():
                raise InputError(f"{path} does not exist; check the path")
            return None, path
    meta_path = stem.with_name(stem.name + META_SUFFIX)
    data_path = stem.with_name(stem.name + DATA_SUFFIX)
    if not meta_path.exists():
        if path == data_path and data_path.exists():
            return None, data_path
        raise InputError(f"{meta_path} does not exist; check the path")
    return meta_path, data_path


def read_pair(meta_path: Path, data_path: Path) -> Found:
    """What a pair tells; its samples may be compressed.

    Raises:
        InputError: it is no SigMF, or its samples are not there.
    """
    if meta_path.stat().st_size > MAX_META_BYTES:
        raise InputError(
            f"{meta_path} has {meta_path.stat().st_size} bytes, too large for SigMF metadata"
        )
    meta = parse_meta(meta_path.read_bytes(), meta_path)
    data_path = _data_of(meta, meta_path, data_path)
    packed, kept = None, None
    if not data_path.exists():
        packed = data_path.with_name(data_path.name + _packing(data_path))
        kept = unpacked(packed)
        data_path = kept.path
    found = describe(meta, meta_path, data_path, 0, data_path.stat().st_size)
    found.meta_path, found.lies_in, found.kept = meta_path, packed, kept
    if kept is not None:
        found.inferred.append(f"{packed.name}: unpacked into {kept.words()}")
    return found


def parse_meta(text: bytes, shown: Path) -> dict:
    """The description that a text is; raises InputError."""
    try:
        meta = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown} is not valid JSON ({reason_of(error)}); fix it") from error
    parts = {"global": dict, "captures": list, "annotations": list}
    for key, kind in parts.items():
        if not isinstance(meta, dict) or not isinstance(meta.get(key, kind()), kind):
            raise InputError(
                f"{shown}: not SigMF metadata: expected a {kind.__name__} under {key!r}"
            )
    for key in ("captures", "annotations"):
        if not all(isinstance(item, dict) for item in meta.get(key, [])):
            raise InputError(f"{shown}: {key!r}: expected JSON objects only; correct it")
    if "global" not in meta:
        raise InputError(f"{shown}: not SigMF metadata: it has no 'global' object")
    return meta


def describe(meta: dict, shown: Path, data_path: Path, place: int, size: int) -> Found:
    """What a description tells of the ``size`` bytes from ``place`` on in a data file.

    Raises:
        InputError: it contradicts itself, or them.
    """
    top = meta["global"]
    if whole(top.get("core:num_channels", 1), "core:num_channels", shown) != 1:
        raise InputError(
            f"{shown}: core:num_channels: expected 1, got {top['core:num_channels']}; split the "
            "recording into one file per channel"
        )
    offset = whole(top.get("core:offset", 0), "core:offset", shown)
    trailing = whole(top.get("core:trailing_bytes", 0), "core:trailing_bytes", shown)
    segments = _segments(meta.get("captures") or [{}], offset, shown)
    header_bytes = segments[0].header_bytes
    segments[0] = Segment(segments[0].sample_start, segments[0].center_frequency, segments[0].time)
    _check_checksum(top.get("core:sha512"), data_path, place, size, shown)
    return Found(
        data_path,
        shown,
        Facts(top.get("core:datatype"), top.get("core:sample_rate")),
        "SigMF description",
        place + header_bytes,
        size - header_bytes - trailing,
        segments,
        meta,
        described=_last_sample(meta, offset, shown),
    )


def whole(value: object, key: str, shown: Path) -> int:
    """A non-negative integer of a description; raises InputError."""
    number = finite_number(value)
    if number is None or number < 0 or number != int(number) or number >= 2**63:
        raise InputError(
            f"{shown}: {key}: expected a non-negative integer, got {value!r}; correct it"
        )
    return int(value)


def _data_of(meta: dict, meta_path: Path, data_path: Path) -> Path:
    """The data file that the description names, or else the one of the same stem."""
    named = meta["global"].get("core:dataset")
    if isinstance(named, str) and Path(named).name != named and named:
        # by the standard, and so that a description from elsewhere names no other file of this host
        raise InputError(
            f"{meta_path}: core:dataset: expected the name of a file beside it, got {named!r}; "
            "correct it"
        )
    if isinstance(named, str) and named and (meta_path.parent / named).is_file():
        return meta_path.parent / named
    if not data_path.is_file() and not _packing(data_path):
        only = meta["global"].get("core:metadata_only")
        why = "metadata only" if only else "the dataset is missing"
        raise InputError(f"{data_path} does not exist ({why}); put it beside {meta_path.name}")
    return data_path


def _packing(data_path: Path) -> str:
    """The suffix under which a data file lies there compressed; empty where it does not."""
    names = {suffix: data_path.with_name(data_path.name + suffix) for suffix in COMPRESSED_SUFFIXES}
    return next((suffix for suffix, path in names.items() if path.is_file()), "")


def _segments(captures: list[dict], offset: int, shown: Path) -> list[Segment]:
    segments, last = [], 0
    for item in captures:
        index = whole(item.get("core:sample_start", 0), "core:sample_start", shown) - offset
        if index < last:
            raise InputError(
                f"{shown}: core:sample_start {index} follows {last}; captures must be in "
                "ascending order and start within the data"
            )
        last, center, time = index, None, None
        if "core:datetime" in item:
            time = parse_time(item["core:datetime"], shown)
        if "core:frequency" in item:
            center = finite_number(item["core:frequency"])
            if center is None:
                raise InputError(
                    f"{shown}: core:frequency: expected a frequency in Hz, got "
                    f"{item['core:frequency']!r}; correct it"
                )
        header_bytes = whole(item.get("core:header_bytes", 0), "core:header_bytes", shown)
        segments.append(Segment(index, center, time, header_bytes))
    return segments


def _last_sample(meta: dict, offset: int, shown: Path) -> int:
    """The last one that a capture or an annotation begins at."""
    starts = [0]
    for item in (*meta.get("captures", []), *meta.get("annotations", [])):
        start = item.get("core:sample_start", 0)
        starts.append(whole(start, "core:sample_start", shown) - offset)
    return max(starts)


def _check_checksum(expected: object, data_path: Path, place: int, size: int, shown: Path) -> None:
    if not isinstance(expected, str) or size > MAX_CHECKSUM_BYTES:
        return
    with data_path.open("rb") as file:
        file.seek(place)
        hashed = hashlib.sha512()
        while size > 0 and (chunk := file.read(min(size, _CHUNK))):
            hashed.update(chunk)
            size -= len(chunk)
    digest = hashed.hexdigest()
    if digest != expected.lower():
        name = data_path.name if shown.parent == data_path.parent else shown.name
        raise InputError(
            f"{shown.parent / name} does not match core:sha512 ({expected[:12]}…): it is truncated "
            "or was changed; copy it again, or remove core:sha512 from its .sigmf-meta"
        )
