# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reader of one format found, before the user's own words and the name's are added."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from .facts import Facts


@dataclass(frozen=True)
class Segment:
    """A capture as a file tells it; None is what it does not tell.

    ``sample_start`` from the first sample of the data, Hz, seconds since 1970, bytes before it
    that are no samples.
    """

    sample_start: int = 0
    center_frequency: float | None = None
    time: Fraction | None = None
    header_bytes: int = 0


@dataclass
class Found:
    """Where the samples are, and what the file itself tells of them.

    ``shown`` is the file as the user knows it, which errors name; ``name`` what it tells by its
    name; ``header`` what its header told, ``header_kind`` what that is called, ``may_be_local``
    whether some programs write local times there; ``data_bytes``
    those from ``start_byte`` on, headers between segments among them, None: to the file's end.
    ``lies_in`` is the file of the user's that the data are a part of, or were unpacked from;
    ``stem`` what results are called by where the file's name does not say; ``described`` the last
    sample that a description tells something of.
    """

    data_path: Path
    shown: Path
    header: Facts = field(default_factory=Facts)
    header_kind: str = ""
    start_byte: int = 0
    data_bytes: int | None = None
    segments: list[Segment] = field(default_factory=lambda: [Segment()])
    meta: dict = field(default_factory=dict)
    meta_path: Path | None = None
    lies_in: Path | None = None
    stem: str = ""
    described: int = 0
    may_be_local: bool = False
    inferred: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    kept: object = None
