# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file of samples from a stream holds, as its SigMF description tells it."""

from __future__ import annotations

import bisect
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .. import keys
from ..iso_time import sigmf_time
from ..spectrum.recordings import DATA_SUFFIX, META_SUFFIX
from ..version import __version__
from .sigmf_emissions import (
    EXTENSION,
    SIGMF_VERSION,
    annotation,
    declared_extensions,
    generator,
)

# SigMF has no higher frequency
_MOST_HZ = 1e12


class Stretch(Protocol):
    """Samples that follow each other: ``radiofm_python.sample_stretch``."""

    offset: int  # of the first one in the stream
    samples: int
    sample_rate: float  # S/s
    center_frequency: float  # Hz
    time_s: int  # of the first one: whole seconds since 1970
    time_frac: float  # and the rest of a second
    begins: bool  # a retune or a gap lies before it


@dataclass
class _Piece:
    """Samples of the file that follow each other in the stream, without a retune."""

    place: int  # of the first one in the file
    offset: int  # in the stream
    samples: int
    center_frequency: float
    time: str | None


class RecordedFile:
    """A SigMF pair that is being written: ``stem`` with the two suffixes."""

    def __init__(self, stem: Path, datatype: str, sample_rate: float):
        self.stem = stem
        self.sample_rate = sample_rate
        self._datatype = datatype
        self._pieces: list[_Piece] = []
        # identifiers differ from those of every other file
        self._scope = str(uuid.uuid4())

    @property
    def data_path(self) -> Path:
        """Of the samples."""
        return self.stem.with_name(self.stem.name + DATA_SUFFIX)

    @property
    def meta_path(self) -> Path:
        """Of the description."""
        return self.stem.with_name(self.stem.name + META_SUFFIX)

    @property
    def samples(self) -> int:
        """In the file."""
        return self._pieces[-1].place + self._pieces[-1].samples if self._pieces else 0

    @property
    def captures(self) -> int:
        """How many there are."""
        return len(self._pieces)

    @property
    def start(self) -> int:
        """The first sample in the stream."""
        return self._pieces[0].offset if self._pieces else 0

    @property
    def stop(self) -> int:
        """One past the last sample in the stream."""
        return self._pieces[-1].offset + self._pieces[-1].samples if self._pieces else 0

    def _begin(self, first: Stretch) -> None:
        """Tell of the first sample before it is there."""
        self.add(first)
        self._pieces[0].samples = 0

    def add(self, stretch: Stretch) -> None:
        """Samples that were written behind those before."""
        last = self._pieces[-1] if self._pieces else None
        if last is not None and not stretch.begins and stretch.offset == self.stop:
            last.samples += stretch.samples
            return
        if last is not None and last.samples == 0:
            self._pieces.pop()
        time = sigmf_time(stretch.time_s, stretch.time_frac)
        self._pieces.append(
            _Piece(self.samples, stretch.offset, stretch.samples, stretch.center_frequency, time)
        )

    def text(self, emissions: Iterable[dict], complete: bool) -> bytes:
        """The description, as the file holds it.

        Args:
            emissions: keys as in messages; their samples are the stream's.
            complete: whether no more samples are to come.
        """
        meta = {
            "global": self._global_fields(complete),
            "captures": [_capture(piece) for piece in self._pieces],
            "annotations": self.annotations(emissions),
        }
        return json.dumps(meta, indent=2, ensure_ascii=False).encode() + b"\n"

    def annotations(self, emissions: Iterable[dict]) -> list[dict]:
        """Of those emissions that samples of the file belong to, by start."""
        found = []
        for emission in emissions:
            placed = self._placed(emission)
            if placed is not None:
                found.append(annotation(placed, 0, generator(), self._scope, self._span))
        return sorted(found, key=lambda item: item["core:sample_start"])

    def _placed(self, emission: dict) -> dict | None:
        """The emission with its samples in the file; None where the file has none of it."""
        first, last = self._touched(emission[keys.START_OFFSET], emission[keys.END_OFFSET])
        if first > last:
            return None
        start, end = self._pieces[first], self._pieces[last]
        begin = max(emission[keys.START_OFFSET] - start.offset, 0) + start.place
        stop = min(emission[keys.END_OFFSET] - end.offset, end.samples) + end.place
        if stop <= begin:
            return None
        return {**emission, keys.START_OFFSET: begin, keys.END_OFFSET: stop}

    def _touched(self, start: int, stop: int) -> tuple[int, int]:
        """The first and the last piece with samples in [start, stop) of the stream."""
        first = bisect.bisect_right(self._pieces, start, key=lambda p: p.offset + p.samples)
        last = bisect.bisect_left(self._pieces, stop, key=lambda p: p.offset) - 1
        return first, last

    def _span(self, start: int, stop: int) -> tuple[float, float]:
        """(lowest, highest Hz) that the receiver saw in samples [start, stop) of the file."""
        first = bisect.bisect_right(self._pieces, start, key=lambda p: p.place) - 1
        last = bisect.bisect_left(self._pieces, stop, key=lambda p: p.place)
        tuned = [p.center_frequency for p in self._pieces[first:last]]
        return min(tuned) - self.sample_rate / 2, max(tuned) + self.sample_rate / 2

    def _global_fields(self, complete: bool) -> dict:
        return {
            "core:datatype": self._datatype,
            "core:sample_rate": self.sample_rate,
            "core:version": SIGMF_VERSION,
            "core:num_channels": 1,
            "core:offset": 0,
            "core:recorder": f"gr-radiofm {__version__}",
            "core:extensions": declared_extensions(),
            f"{EXTENSION}:complete": complete,
        }


def _capture(piece: _Piece) -> dict:
    fields = {"core:sample_start": piece.place, "core:frequency": piece.center_frequency}
    if piece.time is not None:
        fields["core:datetime"] = piece.time
    if not abs(piece.center_frequency) <= _MOST_HZ:
        del fields["core:frequency"]
    return fields
