# SPDX-License-Identifier: GPL-3.0-or-later
"""The numeric arrays in a ``.mat`` file (MathWorks, "MAT-File Format", versions 5 to 7).

SciPy's reader ends the process on some damaged files; this one reads nothing but numbers.
"""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np

from ...errors import InputError

MAGIC = b"MATLAB 5.0 MAT-file"
HDF5_MAGIC = b"MATLAB 7.3 MAT-file"
HEADER_BYTES = 128
# Zeros take a thousandth of their memory in a compressed array
MAX_UNPACKED_BYTES = 1 << 30

_MATRIX, _COMPRESSED = 14, 15
_INT8, _INT32, _UINT32 = 1, 5, 6
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
# Classes of arrays of numbers: double to uint64
_NUMBERS = range(6, 16)
_COMPLEX = 0x0800
_MAX_DIMENSIONS = 8


class _Damaged(Exception):
    """What is not as the format has it."""


def numeric_arrays(data: bytes) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays of numbers in a file, and the names of what else it holds.

    Args:
        data: the whole file.

    Returns:
        ``({name: array}, other names)``; arrays are real or complex, shaped as MATLAB shows them.

    Raises:
        InputError: damaged, or larger than MAX_UNPACKED_BYTES when unpacked; in one line, without
            the file's name.
    """
    try:
        return _arrays(data)
    except (_Damaged, struct.error, zlib.error, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"it is damaged ({error}); save it again") from error


def _arrays(data: bytes) -> tuple[dict[str, np.ndarray], list[str]]:
    order = {b"IM": "<", b"MI": ">"}.get(data[HEADER_BYTES - 2 : HEADER_BYTES])
    if order is None:
        raise _Damaged("its header ends early")
    found: dict[str, np.ndarray] = {}
    others: list[str] = []
    left = MAX_UNPACKED_BYTES
    at = HEADER_BYTES
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, at)
        body = data[at + 8 : at + 8 + size]
        if len(body) < size:
            raise _Damaged("an array is cut off")
        at += 8 + size
        if kind == _COMPRESSED:
            unpack = zlib.decompressobj()
            body = unpack.decompress(body, left + 1)
            if len(body) > left:
                raise InputError(
                    f"its arrays have more than {MAX_UNPACKED_BYTES} bytes; save fewer packets "
                    "per file"
                )
            left -= len(body)
            kind, size = struct.unpack_from(f"{order}II", body)
            body = body[8 : 8 + size]
        if kind == _MATRIX:
            name, array = _matrix(body, order)
            if array is None:
                others.append(name)
            else:
                found[name] = array
    return found, others


def _matrix(body: bytes, order: str) -> tuple[str, np.ndarray | None]:
    """(name, numbers); None of an array of something else."""
    parts = _parts(body, order)
    flags = _numbers(next(parts, None), order, _UINT32)
    shape = _numbers(next(parts, None), order, _INT32)
    name = bytes(_numbers(next(parts, None), order, _INT8).astype(np.uint8)).decode("latin-1")
    if not flags.size or not 2 <= shape.size <= _MAX_DIMENSIONS or (shape < 0).any():
        raise _Damaged("an array has no shape")
    if int(flags[0]) & 0xFF not in _NUMBERS:
        return name, None
    values = _numbers(next(parts, None), order)
    if int(flags[0]) & _COMPLEX:
        imaginary = _numbers(next(parts, None), order)
        if imaginary.size != values.size:
            raise _Damaged(f"{name!r} has parts of {values.size} and {imaginary.size} numbers")
        values = values.astype(np.float64) + 1j * imaginary.astype(np.float64)
    dimensions = tuple(int(length) for length in shape)
    if values.size != math.prod(dimensions):
        raise _Damaged(f"{name!r} has {values.size} numbers of {math.prod(dimensions)}")
    return name, values.reshape(dimensions, order="F")


def _parts(body: bytes, order: str):
    """(type, contents) of the elements of an array."""
    at = 0
    while at + 8 <= len(body):
        word, size = struct.unpack_from(f"{order}II", body, at)
        if small := word >> 16:
            # up to four bytes stand in the tag itself
            yield word & 0xFFFF, body[at + 4 : at + 4 + min(small, 4)]
            at += 8
            continue
        contents = body[at + 8 : at + 8 + size]
        if len(contents) < size:
            raise _Damaged("an array is cut off")
        yield word, contents
        at += 8 + (size + 7) // 8 * 8


def _numbers(part, order: str, wanted: int | None = None) -> np.ndarray:
    if part is None:
        raise _Damaged("an array ends early")
    kind, contents = part
    if kind not in _TYPES or wanted not in (None, kind):
        raise _Damaged(f"values of the type {kind}")
    return np.frombuffer(contents, order + _TYPES[kind])
