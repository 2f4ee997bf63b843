# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording that was opened: where its samples are, and what is known of them."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..datatypes import DATATYPES
from ..sample_data import read_iq
from ..spec import DEFAULT_FRAME_DURATION_S

MIN_FRAME_DURATION_S = 5e-3


@dataclass(frozen=True)
class Capture:
    """A stretch of samples without a retune or a gap.

    ``sample_start`` counts from the first sample of the data; ``center_frequency`` is in Hz;
    the first sample was taken ``time_s + time_frac`` seconds after 1970 (from 0 if unknown);
    ``header_bytes`` lie in the file between the capture before it and its first sample.
    """

    sample_start: int
    center_frequency: float
    time_s: int
    time_frac: float
    header_bytes: int = 0


@dataclass(frozen=True)
class Recording:
    """A checked recording.

    ``meta`` is the SigMF description, {} where there is none. ``inferred`` are lines that say what
    was taken from a header or a name, ``warnings`` what else a user has to know. ``source`` is
    what the data in ``data_path`` were taken from, where that is a temporary file or a part of an
    archive; ``name`` is what results are called by, if not by the file.
    """

    data_path: Path
    datatype: str
    sample_rate: float
    num_samples: int
    start_byte: int
    captures: tuple[Capture, ...]
    meta: dict = field(repr=False, default_factory=dict)
    meta_path: Path | None = None
    source: Path | None = None
    name: str = ""
    inferred: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    # a temporary file goes with its last user
    kept: object = field(repr=False, compare=False, default=None)

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
        return self.name or path.stem or path.name

    @property
    def origin(self) -> Path:
        """What a user knows the data by: the data file, or what it was taken from."""
        return self.source or self.data_path

    @property
    def shown(self) -> Path:
        """What to call it in an error: its description, if it has one."""
        return self.meta_path or self.origin

    @property
    def files(self) -> tuple[Path, ...]:
        """The user's files that it consists of: a temporary one is none."""
        data = self.data_path
        if self.kept is not None:
            places = (self.origin, *self.origin.parents)
            data = next((path for path in places if path.is_file()), None)
        return tuple(path for path in (self.meta_path, data) if path is not None)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one complex sample."""
        return DATATYPES[self.datatype].itemsize

    @property
    def is_whole_file(self) -> bool:
        """Whether the data file holds samples, and nothing else, and stays."""
        has_headers = self.start_byte or any(c.header_bytes for c in self.captures)
        has_trailer = self.meta.get("global", {}).get("core:trailing_bytes")
        if has_headers or has_trailer or self.source is not None:
            return False
        # less than a sample may follow, as where a recording was cut short
        rest = self.data_path.stat().st_size - self.num_samples * self.sample_bytes
        return rest < self.sample_bytes


def read_samples(recording: Recording, first: int, count: int) -> np.ndarray:
    """Samples as complex64 (count,), full scale 1.0, as the recording source plays them.

    Raises:
        InputError: the file ends before.
    """
    starts = [c.sample_start for c in recording.captures]
    index = max(bisect.bisect_right(starts, first) - 1, 0)
    skipped = sum(c.header_bytes for c in recording.captures[: index + 1])
    parts, stop = [], first + count
    while first < stop or not parts:
        index += 1
        end = min(starts[index], stop) if index < len(starts) else stop
        start_byte = recording.start_byte + skipped
        parts.append(
            read_iq(recording.data_path, recording.datatype, start_byte, first, end - first)
        )
        first = end
        skipped += recording.captures[index].header_bytes if index < len(starts) else 0
    return np.concatenate(parts)
