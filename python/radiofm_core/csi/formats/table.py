# SPDX-License-Identifier: GPL-3.0-or-later
"""``.csv`` files of plain amplitudes: a packet on each line, a subcarrier in each column.

Columns are separated by commas, semicolons, tabs or blanks. A first line may name them: then those
called ``time_s`` or ``time`` are seconds, those that end in a number are amplitudes, and if there
are none of the latter, all others are. Without names, a first column that ascends from line to line
is the time in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

import numpy as np

from ...errors import InputError
from ..capture import Tally
from ..clocks import ABSOLUTE_S, seconds_to_ns
from ..packet import CsiPacket
from . import plain

NAME = "table of amplitudes"
ADVICE = "write a packet a line and a subcarrier a column, numbers alone"

# A line of 512 subcarriers of nine antennas has 4608 numbers
MAX_LINE_BYTES = 1 << 17
_LEAST_COLUMNS = 8
# Lines that are looked at before the first is used, and how many have to ascend
_LOOK_AHEAD, _LEAST_ASCENDING = 64, 8
_SEPARATORS = re.compile(r"\s*[,;\t]\s*|\s+")
_AMPLITUDE_NAME = re.compile(r"(?:.*\D)?\d+")
_TIME_LIMIT_S = 2**63 / 1e9


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    if b"\0" in head:
        return False
    lines = [line for line in head[:MAX_LINE_BYTES].split(b"\n") if line.strip()][:2]
    return any(_is_row(line) for line in lines) and _is_row(lines[-1])


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a file; without times all have the time 0.

    Args:
        file: at its beginning.
        tally: where lines that cannot be used are counted.

    Raises:
        InputError: not even one column of amplitudes; without the file's name.
    """
    lines = iter(lambda: file.readline(MAX_LINE_BYTES), b"")
    first = [line for line in islice(lines, _LOOK_AHEAD) if line.strip()]
    names = None if not first or _is_row(first[0]) else _fields(first.pop(0))
    rows = [row for row in map(_row, first) if row is not None]
    if not rows:
        tally.skip("line that holds no numbers", len(first))
        return
    columns = _columns(names, rows)
    antennas, count = plain.split_antennas(len(columns.amplitudes))
    indices = plain.indices_of(count)
    for line in (*first, *lines):
        row = _row(line)
        if row is None:
            if line.strip():
                tally.skip("line that holds no numbers")
            continue
        if len(row) != columns.count:
            tally.skip(f"line without {columns.count} columns")
            continue
        values = row[columns.amplitudes]
        time_s = 0.0 if columns.time is None else float(row[columns.time])
        if (values < 0).any():
            tally.skip(plain.NEGATIVE)
            continue
        if not abs(time_s) < _TIME_LIMIT_S:
            tally.skip("time out of range")
            continue
        yield CsiPacket(
            csi=plain.float_or_complex(values).reshape(antennas, count),
            subcarriers=indices,
            time_ns=seconds_to_ns(time_s),
            time_is_absolute=columns.is_absolute,
        )


@dataclass(frozen=True)
class _Columns:
    """Which columns are what: ``time`` is None where none is."""

    count: int
    amplitudes: np.ndarray
    time: int | None
    is_absolute: bool


def _columns(names: list[str] | None, rows: list[np.ndarray]) -> _Columns:
    count = len(rows[0])
    if names is None or len(names) != count:
        time = 0 if _is_time(rows) else None
        chosen = [place for place in range(count) if place != time]
    else:
        small = [name.strip('"').lower() for name in names]
        time = next((small.index(name) for name in plain.TIME_NAMES if name in small), None)
        numbered = [k for k, name in enumerate(small) if _AMPLITUDE_NAME.fullmatch(name)]
        chosen = [k for k in numbered or range(count) if k != time]
    if not chosen:
        raise InputError(f"its {count} columns hold no amplitudes; {ADVICE}")
    is_absolute = time is not None and float(rows[0][time]) >= ABSOLUTE_S
    return _Columns(count, np.array(chosen), time, is_absolute)


def _is_time(rows: list[np.ndarray]) -> bool:
    """Whether the first column is a time: it ascends, and nearly always no amplitude does so."""
    count = len(rows[0])
    column = np.array([row[0] for row in rows if len(row) == count])
    if not (np.diff(column) > 0).all() or len(column) < 2:
        return False
    is_known = plain.is_layout(count - 1) and not plain.is_layout(count)
    return is_known or len(column) >= _LEAST_ASCENDING


def _is_row(line: bytes) -> bool:
    row = _row(line)
    return row is not None and len(row) >= _LEAST_COLUMNS


def _row(line: bytes) -> np.ndarray | None:
    """float64 (columns,); None of a line with anything but numbers."""
    try:
        return np.array(_fields(line), dtype=np.float64)
    except ValueError:
        return None


def _fields(line: bytes) -> list[str]:
    text = line.decode("latin-1").strip().strip(",;")
    return _SEPARATORS.split(text) if text else []
