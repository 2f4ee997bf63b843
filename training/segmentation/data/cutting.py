# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the frames of a recording lie, and the frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.evidence import evidence_planes
from radiofm_core.spectrum.evidence_grid import memory_samples
from radiofm_core.spectrum.recordings import Recording, read_samples
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

from .items import cut_rows

WHOLE = (0.0, 1.0)


class Place(NamedTuple):
    """Where a frame lies in its recording: its first sample, samples of a row, rows before it is
    filled up, (centre, sample rate) in Hz, and the first sample that may be looked at before it."""

    start: int
    row_samples: int
    rows: int
    span: tuple[float, float]
    opening: int


def hops_of(recording: Recording, spec: SpectrogramSpec, duration: float | None = None) -> int:
    """Hops of a row where a frame covers ``duration`` seconds, by default as ``radiofm segment``
    cuts the recording. Raises InputError: its sample rate cannot be used."""
    try:
        return spec.hops_per_row(
            recording.sample_rate, duration or recording.suitable_frame_duration
        )
    except UsageError as error:
        raise InputError(f"{recording.meta_path}: {error}") from error


def places(
    recording: Recording,
    row_samples: int,
    frame_rows: int,
    part: tuple[float, float] = WHOLE,
    step: int | None = None,
) -> Iterator[Place]:
    """The frames of a ``part`` of a recording's time, none across a retune: one every ``step``
    rows, by default ``frame_rows``, and of what is shorter than a frame one of fewer rows."""
    begin, end = (round(share * recording.num_samples) for share in part)
    for capture, stop in zip(recording.captures, recording.capture_stops, strict=True):
        opening = max(capture.sample_start, begin)
        total = max(0, min(stop, end) - opening) // row_samples
        rows = min(total, frame_rows)
        span = (capture.center_frequency, recording.sample_rate)
        for row in cut_rows(total, rows, step) if rows else ():
            yield Place(opening + row * row_samples, row_samples, rows, span, opening)


def frame_at(
    recording: Recording, place: Place, spec: SpectrogramSpec, frame_rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """dB float32 (frame_rows, cols) and evidence of a frame; what is shorter goes on as its mirror
    image, as ``radiofm segment`` fills up the last rows of a recording. Raises InputError: damaged
    samples."""
    memory = memory_samples(spec, recording.sample_rate) if spec.evidence_lags else 0
    first = max(place.opening, place.start - memory)
    end = place.start + place.rows * place.row_samples
    hops = place.row_samples // spec.hop
    iq = torch.from_numpy(read_samples(recording, first, end - first))
    before, iq = iq.split([place.start - first, end - place.start])
    level = spectrogram_db(iq, spec, hops, place.rows)[0].numpy()
    if not np.isfinite(level).all():
        raise InputError(
            f"{recording.origin}: samples {place.start} to {end} hold values that are not finite; "
            "it is damaged: leave it out, or cut them off"
        )
    evidence = evidence_planes(iq, spec, recording.sample_rate, hops, before, frame_rows).numpy()
    missing = frame_rows - place.rows
    return np.pad(level, ((0, missing), (0, 0)), "symmetric"), evidence
