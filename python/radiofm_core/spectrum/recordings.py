# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening recordings: a SigMF pair or a raw file of samples, checked before anything runs."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from ..errors import InputError, reason_of
from ..fields import finite_number
from ..input_path import input_path
from ..iso_time import parse_time
from .sample_data import DATATYPES, check_samples
from .spec import DEFAULT_FRAME_DURATION_S, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE

_WHAT = "a recording's file"
META_SUFFIX = ".sigmf-meta"
DATA_SUFFIX = ".sigmf-data"
# Hashing this much takes about half a second; larger data are not compared with core:sha512
MAX_CHECKSUM_BYTES = 256 << 20
MAX_META_BYTES = 64 << 20
MIN_FRAME_DURATION_S = 5e-3


@dataclass(frozen=True)
class Capture:
    """A stretch of samples without a retune or a gap.

    ``sample_start`` counts from the first sample of the data; ``center_frequency`` is in Hz;
    the first sample was taken ``time_s + time_frac`` seconds after 1970 (from 0 if unknown).
    """

    sample_start: int
    center_frequency: float
    time_s: int
    time_frac: float


@dataclass(frozen=True)
class Recording:
    """A checked recording. ``meta`` is the SigMF description, {} for a raw file."""

    data_path: Path
    datatype: str
    sample_rate: float
    num_samples: int
    start_byte: int
    captures: tuple[Capture, ...]
    meta: dict = field(repr=False, default_factory=dict)
    meta_path: Path | None = None

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_samples / self.sample_rate

    @property
    def capture_stops(self) -> tuple[int, ...]:
        """One past the last sample of each capture."""
        return (*(c.sample_start for c in self.captures[1:]), self.num_samples)

    @property
    def suitable_frame_duration(self) -> float:
        """Seconds: short recordings get shorter frames, so finer rows, of which more fit in."""
        return min(max(self.duration, MIN_FRAME_DURATION_S), DEFAULT_FRAME_DURATION_S)

    @property
    def stem(self) -> str:
        """The name that results are called by."""
        path = self.meta_path or self.data_path
        return path.stem or path.name

    @property
    def sample_bytes(self) -> int:
        """Bytes of one complex sample."""
        return DATATYPES[self.datatype].itemsize


def open_recording(
    path: str | os.PathLike,
    sample_rate: float | None = None,
    center_frequency: float | None = None,
    datatype: str | None = None,
) -> Recording:
    """Open a SigMF pair (either file of it, or their common stem) or a raw file.

    Args:
        path: ``x.sigmf-meta``, ``x.sigmf-data``, ``x``, or a raw file.
        sample_rate: in Hz; needed for a raw file, overrides SigMF's.
        center_frequency: in Hz; 0 for a raw file when not given, overrides SigMF's.
        datatype: one of :data:`DATATYPES`; needed for a raw file, overrides SigMF's.

    Raises:
        InputError: anything about it that cannot be used, in one line.
    """
    path = input_path(path, _WHAT, "Recording")
    try:
        meta_path, data_path = find_files(path)
        meta = {} if meta_path is None else _read_meta(meta_path)
        if meta_path is not None:
            data_path = _data_of(meta, meta_path, data_path)
        return _open(meta, meta_path, data_path, sample_rate, center_frequency, datatype)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check the path and its rights"
        ) from error


def _open(meta, meta_path, data_path, sample_rate, center_frequency, datatype) -> Recording:
    shown = meta_path or data_path
    top = meta.get("global", {})
    datatype = _check_datatype(datatype or top.get("core:datatype"), shown)
    rate = _check_rate(sample_rate or top.get("core:sample_rate"), shown)
    if _whole(top.get("core:num_channels", 1), "core:num_channels", shown) != 1:
        raise InputError(
            f"{shown}: core:num_channels: expected 1, got {top['core:num_channels']}; split the "
            "recording into one file per channel"
        )
    raw_captures = meta.get("captures") or [{"core:sample_start": 0}]
    start_byte = _header_bytes(raw_captures, shown)
    trailing = _whole(top.get("core:trailing_bytes", 0), "core:trailing_bytes", shown)
    num_samples = _count_samples(data_path, datatype, start_byte, trailing)
    offset = _whole(top.get("core:offset", 0), "core:offset", shown)
    captures = _captures(raw_captures, offset, rate, center_frequency, shown)
    _check_extent(meta, offset, num_samples, shown)
    _check_checksum(top.get("core:sha512"), data_path)
    recording = Recording(
        data_path=data_path,
        datatype=datatype,
        sample_rate=rate,
        num_samples=num_samples,
        start_byte=start_byte,
        captures=captures,
        meta=meta,
        meta_path=meta_path,
    )
    check_samples(data_path, datatype, start_byte, num_samples)
    return recording


def find_files(path: Path) -> tuple[Path | None, Path]:
    """The files that a path stands for: a SigMF pair's (either of it, or their stem) or a raw one.

    Returns (meta file or None for a raw file, data file as far as the name tells). Raises
    InputError where there is no such file.
    """
    if path.name.endswith((META_SUFFIX, DATA_SUFFIX)):
        stem = path.with_suffix("")
    else:
        stem = path
        if not path.with_name(path.name + META_SUFFIX).exists():
            if path.is_dir():
                raise InputError(f"{path} is a folder; give {_WHAT}")
            if not path.exists():
                raise InputError(f"{path} does not exist; check the path")
            if path.suffix == ".sigmf":
                raise InputError(f"{path} is a SigMF archive; unpack it first: tar xf {path.name}")
            return None, path
    meta_path = stem.with_name(stem.name + META_SUFFIX)
    data_path = stem.with_name(stem.name + DATA_SUFFIX)
    if not meta_path.exists():
        if path == data_path and data_path.exists():
            return None, data_path
        raise InputError(f"{meta_path} does not exist; check the path")
    return meta_path, data_path


def _read_meta(meta_path: Path) -> dict:
    if meta_path.stat().st_size > MAX_META_BYTES:
        raise InputError(
            f"{meta_path} has {meta_path.stat().st_size} bytes, too large for SigMF metadata"
        )
    try:
        meta = json.loads(meta_path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{meta_path} is not valid JSON ({reason_of(error)}); fix it") from error
    parts = {"global": dict, "captures": list, "annotations": list}
    for key, kind in parts.items():
        if not isinstance(meta, dict) or not isinstance(meta.get(key, kind()), kind):
            raise InputError(
                f"{meta_path}: not SigMF metadata: expected a {kind.__name__} under {key!r}"
            )
    for key in ("captures", "annotations"):
        if not all(isinstance(item, dict) for item in meta.get(key, [])):
            raise InputError(f"{meta_path}: {key!r}: expected JSON objects only; correct it")
    if "global" not in meta:
        raise InputError(f"{meta_path}: not SigMF metadata: it has no 'global' object")
    return meta


def _data_of(meta: dict, meta_path: Path, data_path: Path) -> Path:
    """The data file that the description names, or else the one of the same stem."""
    named = meta["global"].get("core:dataset")
    if isinstance(named, str) and named and (meta_path.parent / named).is_file():
        return meta_path.parent / named
    if not data_path.is_file():
        only = meta["global"].get("core:metadata_only")
        why = "metadata only" if only else "the dataset is missing"
        raise InputError(f"{data_path} does not exist ({why}); put it beside {meta_path.name}")
    return data_path


def _check_datatype(datatype: object, shown: Path) -> str:
    known = ", ".join(DATATYPES)
    if datatype is None:
        raise InputError(f"{shown}: the sample format is unknown; give --datatype ({known})")
    # SigMF allows ci8_le; the byte order of single bytes says nothing
    name = re.sub(r"8_[lb]e$", "8", datatype) if isinstance(datatype, str) else datatype
    if not isinstance(name, str) or name not in DATATYPES:
        raise InputError(f"{shown}: datatype: expected one of {known}, got {datatype!r}")
    return name


def _check_rate(sample_rate: object, shown: Path) -> float:
    if sample_rate is None:
        raise InputError(f"{shown}: the sample rate is unknown; give --sample-rate in Hz")
    rate = finite_number(sample_rate)
    if rate is None or not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise InputError(
            f"{shown}: sample rate: expected {MIN_SAMPLE_RATE:g} to {MAX_SAMPLE_RATE:g} Hz, got "
            f"{sample_rate!r}; give --sample-rate"
        )
    return rate


def _whole(value: object, key: str, shown: Path) -> int:
    number = finite_number(value)
    if number is None or number < 0 or number != int(number) or number >= 2**63:
        raise InputError(
            f"{shown}: {key}: expected a non-negative integer, got {value!r}; correct it"
        )
    return int(value)


def _header_bytes(captures: list[dict], shown: Path) -> int:
    headers = [_whole(c.get("core:header_bytes", 0), "core:header_bytes", shown) for c in captures]
    if any(headers[1:]):
        raise InputError(
            f"{shown}: a header of {max(headers[1:])} bytes between captures cannot be read; "
            "split the recording into one file per capture"
        )
    return headers[0]


def _count_samples(data_path: Path, datatype: str, start_byte: int, trailing: int) -> int:
    size = data_path.stat().st_size
    if not data_path.is_file():
        raise InputError(f"{data_path} is not a plain file; record to a file first")
    if size == 0:
        raise InputError(f"{data_path} is empty (0 bytes); record it again")
    nbytes = size - start_byte - trailing
    width = DATATYPES[datatype].itemsize
    if nbytes <= 0:
        raise InputError(
            f"{data_path} has {size} bytes, no more than its header and trailer; it is truncated"
        )
    if nbytes % width:
        raise InputError(
            f"{data_path} holds {nbytes} bytes, not a multiple of a {width}-byte {datatype} "
            "sample; it is truncated, or of another datatype"
        )
    return nbytes // width


def _captures(raw, offset, rate, center_frequency, shown) -> tuple[Capture, ...]:
    """Captures in data order; one without a time or a frequency continues the one before it."""
    exact_rate = Fraction(rate)
    found: list[tuple[int, float, Fraction]] = []
    center, last, time = 0.0, 0, Fraction(0)
    for item in raw:
        index = _whole(item.get("core:sample_start", 0), "core:sample_start", shown) - offset
        if index < last:
            raise InputError(
                f"{shown}: core:sample_start {index} follows {last}; captures must be in "
                "ascending order and start within the data"
            )
        time += (index - last) / exact_rate
        last = index
        if "core:datetime" in item:
            time = parse_time(item["core:datetime"], shown)
        if "core:frequency" in item:
            center = finite_number(item["core:frequency"])
            if center is None:
                raise InputError(
                    f"{shown}: core:frequency: expected a frequency in Hz, got "
                    f"{item['core:frequency']!r}; correct it"
                )
        if found and found[-1][0] == index:
            found.pop()
        found.append((index, center if center_frequency is None else center_frequency, time))
    # Samples before the first capture: its frequency, its time counted backwards
    start, center, time = found[0]
    found[0] = (0, center, max(time - start / exact_rate, Fraction(0)))
    return tuple(_capture(*fields) for fields in found)


def _capture(start: int, center: float, time: Fraction) -> Capture:
    seconds = math.floor(time)
    # Just below a whole second a double could round up to 1.0
    fraction = min(float(time - seconds), math.nextafter(1.0, 0.0))
    return Capture(start, float(center), seconds, fraction)


def _check_extent(meta, offset, num_samples, shown) -> None:
    """A capture or annotation beyond the data shows that the data are truncated."""
    starts = [0]
    for item in (*meta.get("captures", []), *meta.get("annotations", [])):
        start = item.get("core:sample_start", 0)
        starts.append(_whole(start, "core:sample_start", shown) - offset)
    if max(starts) >= num_samples:
        raise InputError(
            f"{shown} describes sample {max(starts)}, but there are only {num_samples} samples: "
            "the data are truncated, or of another datatype"
        )


def _check_checksum(expected: object, data_path: Path) -> None:
    if not isinstance(expected, str) or data_path.stat().st_size > MAX_CHECKSUM_BYTES:
        return
    with data_path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").hexdigest()
    if digest != expected.lower():
        raise InputError(
            f"{data_path} does not match core:sha512 ({expected[:12]}…): it is truncated or was "
            "changed; copy it again, or remove core:sha512 from its .sigmf-meta"
        )
