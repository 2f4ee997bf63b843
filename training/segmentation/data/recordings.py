# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames from SigMF recordings, with truth from their annotations or without any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

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
from .annotations import UNMARKED, Box, read_boxes, truth_of_boxes
from .items import Item, OwnFrame, cut_rows, find_files
from .labels import label_classes
from .sources import UNMARKED_NOISE, RecordingsConfig
from .unmarked import leave_out_noise, model_truth


class Place(NamedTuple):
    """Where a frame lies in its recording: its first sample, samples of a row, rows before it is
    filled up, (centre, sample rate) in Hz, and the first sample that may be looked at before it."""

    start: int
    row_samples: int
    rows: int
    span: tuple[float, float]
    opening: int


def find(config: RecordingsConfig) -> list[Item]:
    """The recordings in the source's folder; raises InputError for any that cannot be used, or is
    not there."""
    items = []
    for name, path in find_files(config.folder, f"*{META_SUFFIX}"):
        name = name.removesuffix(META_SUFFIX)
        part = config.part_of(name)
        if part is not None:
            items.append(Item(name, name, (open_recording(path).data_path, path), part))
    missing = set(config.only or ()) - {item.name for item in items}
    if missing:
        raise InputError(
            f"{config.folder} holds no {sorted(missing)[0]}{META_SUFFIX}; put it there, or leave "
            "it out of the recipe's `only`"
        )
    return items


def read(
    item: Item, config: RecordingsConfig, spec: SpectrogramSpec, classes: Classes
) -> Iterator[OwnFrame]:
    """The frames of :func:`read_placed`."""
    for frame, _ in read_placed(item, config, spec, classes):
        yield frame


def read_placed(
    item: Item, config: RecordingsConfig, spec: SpectrogramSpec, classes: Classes
) -> Iterator[tuple[OwnFrame, Place]]:
    """The frames of a recording, none across a retune, and where they lie.

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
    boxes = boxes_of(recording, config, classes) if config.labelled else None
    row_samples = spec.row_samples(hops)
    memory = memory_samples(spec, recording.sample_rate) if spec.evidence_lags else 0
    resolution = spec.resolution(recording.sample_rate, hops)
    lesson = None if config.lesson is None else classes.names.index(config.lesson)
    for place in _places(recording, item.part, row_samples, config):
        if lesson is not None and not _holds(place, boxes or (), lesson):
            continue
        rows, missing = place.rows, ((0, config.rows - place.rows), (0, 0))
        first = max(place.opening, place.start - memory)
        level, evidence = frame_at(recording, first, place.start, spec, hops, config.rows, rows)
        whole = np.pad(level, missing, "symmetric")
        truth = np.full((rows, spec.cols), IGNORE, np.uint8)
        if boxes is not None:
            truth = _truth(boxes, place, whole, evidence, resolution, config, spec, classes)
        truth = np.pad(truth, missing, constant_values=IGNORE)
        yield OwnFrame(whole, truth, resolution, evidence), place


def count_frames(config: RecordingsConfig, spec: SpectrogramSpec, classes: Classes) -> int:
    """How many frames a source has."""
    count = 0
    lesson = None if config.lesson is None else classes.names.index(config.lesson)
    for item in find(config):
        recording = open_recording(item.files[1])
        duration = config.frame_duration or recording.suitable_frame_duration
        row_samples = spec.row_samples(spec.hops_per_row(recording.sample_rate, duration))
        boxes = boxes_of(recording, config, classes) if lesson is not None else ()
        for place in _places(recording, item.part, row_samples, config):
            count += lesson is None or _holds(place, boxes, lesson)
    return count


def boxes_of(recording: Recording, config: RecordingsConfig, classes: Classes) -> list[Box]:
    """The annotations of a recording as the source takes them."""
    asks_model = config.unmarked != UNMARKED_NOISE
    rest = next((n for n, name in enumerate(classes) if classes[name].takes_rest), None)
    labels = label_classes(config.labels, classes)
    return read_boxes(recording, labels, asks_model, rest if asks_model else None)


def _places(
    recording: Recording, part: tuple[float, float], row_samples: int, config: RecordingsConfig
) -> Iterator[Place]:
    """Where the frames of a ``part`` of a recording's time lie."""
    begin, end = (round(share * recording.num_samples) for share in part)
    for capture, stop in zip(recording.captures, recording.capture_stops, strict=True):
        opening = max(capture.sample_start, begin)
        total = max(0, min(stop, end) - opening) // row_samples
        rows = min(total, config.rows)
        span = (capture.center_frequency, recording.sample_rate)
        for row in cut_rows(total, rows, config.step) if rows else ():
            yield Place(opening + row * row_samples, row_samples, rows, span, opening)


def _holds(place: Place, boxes: Sequence[Box], label: int) -> bool:
    """Whether any box of a class meets the frame."""
    end = place.start + place.rows * place.row_samples
    return any(b.label == label and b.start < end and b.stop > place.start for b in boxes)


def _truth(
    boxes: list[Box],
    place: Place,
    level: np.ndarray,
    evidence: np.ndarray,
    resolution: tuple[float, float],
    config: RecordingsConfig,
    spec: SpectrogramSpec,
    classes: Classes,
) -> np.ndarray:
    """uint8 (place.rows, cols) of a frame whose ``level`` is filled up."""
    shape = (place.rows, spec.cols)
    if config.unmarked == UNMARKED_NOISE:
        truth = truth_of_boxes(boxes, place.start, place.row_samples, shape, place.span)
    else:
        truth = truth_of_boxes(boxes, place.start, place.row_samples, shape, place.span, UNMARKED)
        said = model_truth(config.unmarked, level, evidence, resolution, spec, classes)
        truth = np.where(truth == UNMARKED, said[: place.rows], truth)
    if config.lesson is not None:
        label = classes.names.index(config.lesson)
        truth = leave_out_noise(truth, level[: place.rows], label)
    return truth


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
