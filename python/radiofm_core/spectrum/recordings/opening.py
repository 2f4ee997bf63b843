# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening recordings of any format, checked before anything runs."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import InputError
from ...fields import finite_number
from ...input_path import input_path
from ..datatypes import DATATYPES, datatype_of
from ..sample_data import check_samples
from ..spec import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from .captures import make_captures
from .combining import combine
from .facts import center_words
from .finding import find
from .found import Found
from .recording import Recording
from .sigmf import WHAT
from .suffixes import AMBIGUOUS_SUFFIXES, suffix_of


def open_recording(
    path: str | os.PathLike,
    sample_rate: float | None = None,
    center_frequency: float | None = None,
    datatype: str | None = None,
) -> Recording:
    """Open a recording, of whatever program.

    What is given here counts most, then what a header or a description says, then the file's name.

    Args:
        path: either file of a SigMF pair or their stem, a SigMF archive (``x.sigmf``, or
            ``x.sigmf/name`` of one of several), a WAV file of I and Q, a file of GNU Radio's File
            Meta Sink, a raw file; also compressed (.gz, .bz2, .xz, .zst). ``-`` is standard input,
            up to its end, as is any pipe.
        sample_rate: in Hz; needed where no header and no name tells it.
        center_frequency: in Hz; 0 where nothing tells it.
        datatype: one of :data:`DATATYPES`, or another program's name of it; needed where no header
            and no name tells it.

    Raises:
        InputError: anything about it that cannot be used, in one line.
    """
    path = input_path(path, WHAT, "Recording")
    try:
        return _checked(find(path), sample_rate, center_frequency, datatype)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check the path and its rights"
        ) from error


def _checked(found: Found, sample_rate, center_frequency, datatype) -> Recording:
    shown = found.shown
    facts = combine(found, sample_rate, center_frequency, datatype)
    name = check_datatype(facts.datatype, shown)
    rate = check_rate(facts.sample_rate, shown)
    num_samples = _count_samples(found, name)
    if found.described >= num_samples:
        raise InputError(
            f"{shown} describes sample {found.described}, but there are only {num_samples} "
            "samples: the data are truncated, or of another datatype"
        )
    segments = [s for s in found.segments if s.sample_start < num_samples]
    captures = make_captures(segments, rate, center_frequency)
    centers = sorted({capture.center_frequency for capture in captures})
    if len(centers) > 1 and not found.meta:
        found.inferred.append(
            f"{shown.name}: retuned, from {center_words(centers[0])} to {center_words(centers[-1])}"
        )
    told = check_samples(
        found.data_path,
        name,
        found.start_byte,
        min(captures[1].sample_start if len(captures) > 1 else num_samples, num_samples),
        found.lies_in or (shown if found.kept else found.data_path),
    )
    if told:
        found.warnings.append(f"{shown.name}: {told}; is there a signal in it?")
    return Recording(
        data_path=found.data_path,
        datatype=name,
        sample_rate=rate,
        num_samples=num_samples,
        start_byte=found.start_byte,
        captures=captures,
        meta=found.meta,
        meta_path=found.meta_path,
        source=found.lies_in,
        name=found.stem,
        inferred=tuple(found.inferred),
        warnings=tuple(found.warnings),
        kept=found.kept,
    )


def check_datatype(datatype: object, shown: Path) -> str:
    """The key of DATATYPES that is meant; raises InputError, also where nothing tells it."""
    if datatype is None:
        why = AMBIGUOUS_SUFFIXES.get(suffix_of(shown.name), "")
        suffix = f" ({suffix_of(shown.name)}: {why})" if why else ""
        raise InputError(
            f"{shown}: the sample format is unknown{suffix}; give --datatype "
            f"({', '.join(DATATYPES)})"
        )
    try:
        return datatype_of(datatype)
    except InputError as error:
        raise InputError(f"{shown}: {error}") from error


def check_rate(sample_rate: object, shown: Path) -> float:
    """A sample rate in S/s that can be used; raises InputError."""
    if sample_rate is None:
        raise InputError(f"{shown}: the sample rate is unknown; give --sample-rate in Hz")
    rate = finite_number(sample_rate)
    if rate is None or not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise InputError(
            f"{shown}: sample rate: expected {MIN_SAMPLE_RATE:g} to {MAX_SAMPLE_RATE:g} Hz, got "
            f"{sample_rate!r}; give --sample-rate"
        )
    return rate


def _count_samples(found: Found, datatype: str) -> int:
    """Whole samples; what is left of the last one is told."""
    size = found.data_path.stat().st_size
    shown = found.lies_in or (found.shown if found.kept else found.data_path)
    if not found.data_path.is_file():
        raise InputError(f"{shown} is not a plain file; record to a file first")
    if size == 0:
        raise InputError(f"{shown} is empty (0 bytes); record it again")
    nbytes = size - found.start_byte if found.data_bytes is None else found.data_bytes
    nbytes -= sum(segment.header_bytes for segment in found.segments)
    width = DATATYPES[datatype].itemsize
    if nbytes < width:
        raise InputError(
            f"{shown} has {size} bytes, no {width}-byte {datatype} sample beside its header and "
            "trailer; it is truncated, or of another datatype"
        )
    if nbytes % width:
        found.warnings.append(
            f"{shown.name}: its last {nbytes % width} of {nbytes} bytes are no whole {datatype} "
            "sample and are left out: it was cut short, or is of another datatype"
        )
    return nbytes // width
