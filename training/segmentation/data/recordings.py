# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames from SigMF recordings, with truth from their annotations or without any."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.evidence import evidence_planes
from radiofm_core.spectrum.evidence_grid import memory_samples
from radiofm_core.spectrum.recordings import (
    META_SUFFIX,
    Recording,
    open_recording,
    read_samples,
)
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

from ...waveforms.span import IGNORE
from ..classes import Classes
from .annotations import read_boxes, truth_of_boxes
from .items import Item, OwnFrame, cut_rows, find_files
from .labels import label_classes
from .sources import RecordingsConfig


def find(config: RecordingsConfig) -> list[Item]:
    """The recordings in the source's folder; raises InputError for any that cannot be used."""
    items = []
    for name, path in find_files(config.folder, f"*{META_SUFFIX}"):
        recording = open_recording(path)
        name = name.removesuffix(META_SUFFIX)
        items.append(Item(name, name, (recording.data_path, path)))
    return items


def read(
    item: Item, config: RecordingsConfig, spec: SpectrogramSpec, classes: Classes
) -> Iterator[OwnFrame]:
    """The frames of a recording, none across a retune.

    What is shorter than a frame, but not than a row, goes on as its mirror image, which is not
    scored, as ``radiofm segment`` fills up the last rows of a recording.
    """
    meta_path = item.files[1]
    recording = open_recording(meta_path)
    duration = config.frame_duration or recording.suitable_frame_duration
    try:
        hops = spec.hops_per_row(recording.sample_rate, duration)
    except UsageError as error:
        raise InputError(f"{meta_path}: {error}") from error
    labels = label_classes(config.labels, classes)
    boxes = read_boxes(recording, labels) if config.labelled else None
    row_samples = spec.row_samples(hops)
    memory = memory_samples(spec, recording.sample_rate) if spec.evidence_lags else 0
    resolution = spec.resolution(recording.sample_rate, hops)
    for capture, stop in zip(recording.captures, recording.capture_stops, strict=True):
        total = (stop - capture.sample_start) // row_samples
        rows = min(total, config.rows)
        missing = ((0, config.rows - rows), (0, 0))
        for row in cut_rows(total, rows) if rows else ():
            start = capture.sample_start + row * row_samples
            first = max(capture.sample_start, start - memory)
            level, evidence = frame_at(recording, first, start, spec, hops, config.rows, rows)
            if boxes is None:
                truth = np.full((rows, spec.cols), IGNORE, np.uint8)
            else:
                span = (capture.center_frequency, recording.sample_rate)
                truth = truth_of_boxes(boxes, start, row_samples, (rows, spec.cols), span)
            truth = np.pad(truth, missing, constant_values=IGNORE)
            yield OwnFrame(np.pad(level, missing, "symmetric"), truth, resolution, evidence)


def frame_at(
    recording: Recording,
    first: int,
    start: int,
    spec: SpectrogramSpec,
    hops: int,
    frame_rows: int,
    rows: int,
) -> tuple[np.ndarray, np.ndarray]:
    """dB float32 (rows, cols), and evidence for ``frame_rows`` rows, of the frame of ``rows`` that
    begins at sample ``start``; its evidence knows what was from sample ``first`` on."""
    count = rows * spec.row_samples(hops)
    samples = start + count - first
    iq = read_samples(recording, first, samples)
    before, iq = torch.from_numpy(iq).split([start - first, count])
    level = spectrogram_db(iq, spec, hops, rows)[0].numpy()
    evidence = evidence_planes(iq, spec, recording.sample_rate, hops, before, frame_rows).numpy()
    if not np.isfinite(level).all():
        raise InputError(
            f"{recording.origin}: samples {start} to {start + count} hold values that are not "
            "finite; it is damaged: leave it out, or cut them off"
        )
    return level, evidence
