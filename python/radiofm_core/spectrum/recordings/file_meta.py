# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of GNU Radio's *File Meta Sink*: headers of serialised PMTs between the samples, or in a
file of their own beside them (``x.hdr``)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from ...errors import InputError
from ...fields import finite_number
from ..datatypes import DATATYPES
from .facts import Facts, rate_words
from .found import Found, Segment
from .pmt_data import read_pmt

HEADER_SUFFIX = ".hdr"
# A dict whose first pair begins with a symbol
MAGIC = b"\x09\x07\x02"
_KEYS = {"rx_rate", "size", "type", "cplx", "strt", "bytes"}
# gr_file_types
_DATATYPES = {0: "ci8", 1: "ci16_le", 2: "ci32_le", 5: "cf32_le", 6: "cf64_le"}
_READ_BYTES = (1 << 12, 1 << 20)
# Two times are one where they differ by less: a double in the file holds them, s
_CLOSE_S = Fraction(1, 10**8)


@dataclass(frozen=True)
class _Header:
    """Of a segment: S/s, where its samples begin in the file of the header, their bytes, Hz, s."""

    datatype: str
    rate: float
    start: int
    data_bytes: int
    center: float | None
    time: Fraction | None


def find_file_meta(data_path: Path, shown: Path) -> Found | None:
    """What such a file tells; None where it is none.

    Args:
        data_path: the file.
        shown: what errors call it; the detached header lies beside it.

    Raises:
        InputError: it is one that cannot be used.
    """
    beside = shown.with_name(shown.name + HEADER_SUFFIX)
    if beside.is_file():
        with beside.open("rb") as file:
            if _read_header(file, 0, beside) is not None:
                return _detached(file, beside, data_path, shown)
    with data_path.open("rb") as file:
        if file.read(len(MAGIC)) == MAGIC and _read_header(file, 0, shown) is not None:
            return _inline(file, data_path, shown)
    return None


def _inline(file: BinaryIO, data_path: Path, shown: Path) -> Found:
    size, place = data_path.stat().st_size, 0
    pieces: list[tuple[int, int, _Header]] = []
    warnings = []
    while place < size:
        header = _read_header(file, place, shown)
        if header is None:
            warnings.append(
                f"{shown.name}: {size - place} bytes from byte {place} on are no segment of it, "
                "and are left out"
            )
            break
        length = header.data_bytes
        if length == 0 and _read_header(file, header.start, shown) is None:
            length = size - header.start  # the sink was not closed
        pieces.append((header.start, length, header))
        place = header.start + length
    return _found(pieces, size, data_path, shown, warnings)


def _detached(file: BinaryIO, beside: Path, data_path: Path, shown: Path) -> Found:
    size, place, start = data_path.stat().st_size, 0, 0
    pieces: list[tuple[int, int, _Header]] = []
    while (header := _read_header(file, place, beside)) is not None:
        pieces.append((start, header.data_bytes, header))
        start += header.data_bytes
        place = header.start
    first, _, last = pieces[-1]
    if start < size:
        pieces[-1] = (first, size - first, last)
    return _found(pieces, size, data_path, shown, [])


def _found(pieces, size: int, data_path: Path, shown: Path, warnings: list[str]) -> Found:
    """From (start in the data file, bytes, header) of each segment."""
    last_start, last_bytes, _ = pieces[-1]
    missing = last_start + last_bytes - size
    if missing > 0:
        warnings.append(f"{shown.name}: its last {missing} bytes are missing: it is cut short")
        pieces = [(a, min(n, size - a), h) for a, n, h in pieces if a < size]
    pieces = [piece for piece in pieces if piece[1] > 0]
    if not pieces:
        raise InputError(f"{shown} holds headers of GNU Radio's File Meta Sink, but no samples")
    segments = _segments(pieces, shown)
    start_byte, (end_start, end_bytes, first) = pieces[0][0], pieces[-1]
    return Found(
        data_path,
        shown,
        Facts(first.datatype, first.rate),
        "file_meta header",
        start_byte,
        end_start + end_bytes - start_byte,
        segments,
        warnings=warnings,
    )


def _segments(pieces, shown: Path) -> list[Segment]:
    """Each segment that begins something new, or has a header before it."""
    segments: list[Segment] = []
    samples, end, before, length_before = 0, pieces[0][0], pieces[0][2], 0
    width = DATATYPES[before.datatype].itemsize
    for start, length, header in pieces:
        if header.datatype != before.datatype or header.rate != before.rate:
            raise InputError(
                f"{shown}: changes from {before.datatype} at {rate_words(before.rate)} to "
                f"{header.datatype} at {rate_words(header.rate)} at sample {samples}; split it "
                "there"
            )
        if length_before % width:
            raise InputError(
                f"{shown}: a segment of {length_before} bytes before sample {samples} holds no "
                f"whole {header.datatype} samples; it is damaged"
            )
        time = _new_time(header, before, length_before // width) if segments else header.time
        is_new = not segments or time is not None or header.center != before.center
        if is_new or start > end:
            segments.append(Segment(samples, header.center, time, start - end))
        samples += length // width
        end, before, length_before = start + length, header, length
    return segments


def _new_time(header: _Header, before: _Header, samples: int) -> Fraction | None:
    """The time of a header where a receiver told one anew. The sink counts it on itself from the
    header before, and at a tag without a time does not."""
    if header.time is None or before.time is None:
        return header.time
    passed = header.time - before.time
    counted = samples / Fraction(header.rate)
    if passed == 0 or abs(passed - counted) < _CLOSE_S:
        return None
    return header.time


def _read_header(file: BinaryIO, place: int, shown: Path) -> _Header | None:
    """The header at a place of a file; None where there is none.

    Raises:
        InputError: it tells of samples that cannot be read.
    """
    for count in _READ_BYTES:
        file.seek(place)
        data = file.read(count)
        try:
            header, end = read_pmt(data)
            extras, _ = read_pmt(data, end)
        except ValueError:
            if len(data) < count:
                return None
            continue
        if not isinstance(header, dict) or not header.keys() >= _KEYS:
            return None
        return _checked(header, extras if isinstance(extras, dict) else {}, place, shown)
    return None


def _checked(header: dict, extras: dict, place: int, shown: Path) -> _Header:
    kind, size = header["type"], header["size"]
    if header["cplx"] is not True:
        raise InputError(f"{shown}: GNU Radio's file_meta of real samples, expected complex ones")
    datatype = _DATATYPES.get(kind) if type(kind) is int else None
    if datatype is None:
        raise InputError(
            f"{shown}: GNU Radio's file_meta of type {kind!r}, expected byte (0), short (1), int "
            "(2), float (5) or double (6)"
        )
    if type(size) is not int or size <= 0 or size % DATATYPES[datatype].itemsize:
        raise InputError(
            f"{shown}: GNU Radio's file_meta of items of {size!r} bytes, expected whole complex "
            f"samples of {DATATYPES[datatype].itemsize} bytes"
        )
    start, length = header["strt"], header["bytes"]
    rate = finite_number(header["rx_rate"])
    if not (type(start) is int and 0 < start <= _READ_BYTES[-1] and type(length) is int):
        raise InputError(f"{shown}: a header of GNU Radio's file_meta that is damaged")
    if rate is None or length < 0:
        raise InputError(
            f"{shown}: GNU Radio's file_meta with the rate {header['rx_rate']!r} and "
            f"{length} bytes; it is damaged"
        )
    told = {**extras, **header}
    center = finite_number(told.get("rx_freq"))
    return _Header(datatype, rate, place + start, length, center, _time(told.get("rx_time")))


def _time(value: object) -> Fraction | None:
    """Of (whole seconds, the rest); None of 0, which the sink writes where nothing is known."""
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    numbers = [finite_number(part) for part in value]
    if None in numbers or not 0 <= numbers[0] < 2**40 or not 0 <= numbers[1] < 2**40:
        return None
    return Fraction(numbers[0]) + Fraction(numbers[1]) or None
