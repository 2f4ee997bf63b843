# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples that come through a pipe: ``rtl_sdr ... - | radiofm segment - ...``."""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from ...errors import InputError
from .unpacking import TemporaryFile, taken_from

STANDARD_INPUT = "-"
_STDIN = 0
_CHUNK = 1 << 20
_POLL_S = 0.2


@dataclass(frozen=True)
class Taken:
    """What came through a pipe, and when it began to (seconds since 1970)."""

    file: TemporaryFile
    time: Fraction


# A pipe can be read only once
_taken: dict[str, Taken] = {}


def is_pipe(path: str | os.PathLike) -> bool:
    """Whether a path is standard input (``-``), or of something that is read once, such as a
    named pipe."""
    if os.fspath(path) == STANDARD_INPUT:
        return True
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def take_pipe(path: str | os.PathLike, stop: Callable[[], bool] = lambda: False) -> Taken:
    """Read a pipe up to its end, or until ``stop`` says so, into a temporary file; asked again,
    what was taken.

    Raises:
        InputError: nothing comes, or there is no room for it.
    """
    named = os.fspath(path)
    if named not in _taken:
        refuse_terminal(named)
        began = now()
        kind = "stdin" if named == STANDARD_INPUT else "pipe"
        name = f"{kind}_{datetime.fromtimestamp(float(began), UTC):%Y%m%dT%H%M%SZ}"
        descriptor = _opened(named)
        try:
            file = taken_from(lambda: _read(descriptor, stop), name, f"what comes from {named}")
        except OSError as error:
            raise InputError(f"{named}: cannot be read ({error.strerror or error})") from error
        finally:
            if named != STANDARD_INPUT:
                os.close(descriptor)
        _taken[named] = Taken(file, began)
    return _taken[named]


def refuse_terminal(named: str) -> None:
    """Raise InputError where standard input is meant, and nothing is piped into it."""
    if named == STANDARD_INPUT and os.isatty(_STDIN):
        raise InputError(
            "standard input is a terminal; pipe samples into it, such as: rtl_sdr -f 796M -s "
            "2.048M - | radiofm segment - --datatype cu8 --sample-rate 2.048M --out DIR"
        )


def now() -> Fraction:
    """Seconds since 1970."""
    return Fraction(time.time_ns(), 10**9)


def shown_name(taken: Taken) -> Path:
    """What it is called in errors and results."""
    return Path(taken.file.path.name)


def _opened(named: str) -> int:
    return _STDIN if named == STANDARD_INPUT else os.open(named, os.O_RDONLY)


def _read(descriptor: int, stop: Callable[[], bool]) -> bytes:
    while not stop():
        if select.select([descriptor], [], [], _POLL_S)[0]:
            return os.read(descriptor, _CHUNK)
    return b""
