# SPDX-License-Identifier: GPL-3.0-or-later
"""MATLAB's ``.mat`` files, and what goes wrong with them."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from radiofm_core.errors import InputError, reason_of

# Numbers in the format (MathWorks, "MAT-File Format", version 5): of elements, of classes of arrays
# (double to uint64) and of the types of their values
MATRIX, COMPRESSED = 14, 15
FIRST_NUMERIC, LAST_NUMERIC = 6, 15
VALUE_TYPES = (1, 2, 3, 4, 5, 6, 7, 9, 12, 13)
COMPLEX = 0x0800
# An array's flags, shape and name are within these
HEAD_BYTES = 1024


def load_numbers(path: Path, key: str) -> np.ndarray | None:
    """The array of real numbers under ``key``; None if there is none.

    Raises InputError: as :func:`call_reader`.
    """
    if not call_reader(may_hold_numbers, path, key=key):
        return None
    return call_reader(scipy.io.loadmat, path, variable_names=[key]).get(key)


def may_hold_numbers(path: Path, key: str) -> bool:
    """Whether what is under ``key``, if anything is, are numbers (looked at in version 5 alone).

    Raises ValueError if they are complex, or of a type that the format does not know: SciPy (1.17)
    looks such a type up beyond the end of its table, which ends the process.
    """
    if scipy.io.matlab.matfile_version(path)[0] != 1:
        return True
    with path.open("rb") as file:
        order = "<" if file.read(128)[126:] == b"IM" else ">"
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            begin = file.tell()
            head = file.read(min(size, HEAD_BYTES))
            if kind == COMPRESSED:
                head = zlib.decompressobj().decompress(head, HEAD_BYTES)
                kind, head = struct.unpack_from(f"{order}I", head)[0], head[8:]
            if kind == MATRIX and not _may_be_numbers(head, order, key):
                return False
            file.seek(begin + size)
    return True


def _may_be_numbers(head: bytes, order: str, key: str) -> bool:
    """Of one array, as :func:`may_hold_numbers`; True if it has another name."""
    (flags,) = struct.unpack_from(f"{order}I", head, 8)
    at = 0
    name = b""
    for _ in ("flags", "shape", "name"):
        word, size = struct.unpack_from(f"{order}II", head, at)
        # up to four bytes stand in the tag itself
        is_small = word >> 16
        name = head[at + 4 :][:is_small] if is_small else head[at + 8 :][:size]
        at += 8 if is_small else 8 + (size + 7) // 8 * 8
    if name != key.encode():
        return True
    if not FIRST_NUMERIC <= flags & 0xFF <= LAST_NUMERIC:
        return False
    if flags & COMPLEX:
        raise ValueError("complex numbers; real ones are needed")
    (word,) = struct.unpack_from(f"{order}I", head, at)
    value_type = word & 0xFFFF if word >> 16 else word
    if value_type not in VALUE_TYPES:
        raise ValueError(f"values of the type {value_type}, which the format does not know")
    return True


def call_reader(function: Callable, path: Path, **options) -> Any:
    """What ``function`` of ``scipy.io`` (``loadmat``, ``whosmat``) returns of a file.

    Raises InputError: of version 7.3, or damaged, or not to be read.
    """
    try:
        with warnings.catch_warnings():
            # "returned data may be corrupt", "unreadable variable": then they are not data
            warnings.simplefilter("error", UserWarning)
            return function(path, **options)
    except NotImplementedError as error:
        raise InputError(
            f"{path} is of MATLAB's version 7.3, which is not read; save it with '-v7'"
        ) from error
    # A damaged file can make the reader raise nearly every kind of exception.
    except Exception as error:
        reason = reason_of(error)
        raise InputError(f"{path} cannot be read as a .mat file ({reason}); save it again") from (
            error
        )
