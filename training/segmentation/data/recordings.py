# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames from SigMF recordings, with truth from their annotations or without any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from radiofm_core.errors import InputError
from radiofm_core.spectrum.recordings import META_SUFFIX, Recording, open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec

from ...waveforms.span import IGNORE
from ..classes import Classes
from .annotations import UNMARKED, Box, read_boxes, truth_of_boxes
from .cutting import Place, frame_at, hops_of, places
from .items import Item, OwnFrame, find_files
from .labels import label_classes
from .sources import UNMARKED_NOISE, RecordingsConfig
from .unmarked import leave_out_noise, model_truth


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
    """The frames of a recording, and where they lie; rows with which one is filled up are not
    scored."""
    recording = open_recording(item.files[1])
    hops = hops_of(recording, spec, config.frame_duration)
    boxes = boxes_of(recording, config, classes) if config.labelled else None
    row_samples = spec.row_samples(hops)
    resolution = spec.resolution(recording.sample_rate, hops)
    lesson = None if config.lesson is None else classes.names.index(config.lesson)
    for place in places(recording, row_samples, config.rows, item.part, config.step):
        if lesson is not None and not _holds(place, boxes or (), lesson):
            continue
        level, evidence = frame_at(recording, place, spec, config.rows)
        truth = np.full(level.shape, IGNORE, np.uint8)
        if boxes is not None:
            truth[: place.rows] = _truth(
                boxes, place, level, evidence, resolution, config, spec, classes
            )
        yield OwnFrame(level, truth, resolution, evidence), place


def count_frames(config: RecordingsConfig, spec: SpectrogramSpec, classes: Classes) -> int:
    """How many frames a source has."""
    count = 0
    lesson = None if config.lesson is None else classes.names.index(config.lesson)
    for item in find(config):
        recording = open_recording(item.files[1])
        row_samples = spec.row_samples(hops_of(recording, spec, config.frame_duration))
        boxes = boxes_of(recording, config, classes) if lesson is not None else ()
        for place in places(recording, row_samples, config.rows, item.part, config.step):
            count += lesson is None or _holds(place, boxes, lesson)
    return count


def boxes_of(recording: Recording, config: RecordingsConfig, classes: Classes) -> list[Box]:
    """The annotations of a recording as the source takes them."""
    asks_model = config.unmarked != UNMARKED_NOISE
    rest = next((n for n, name in enumerate(classes) if classes[name].takes_rest), None)
    labels = label_classes(config.labels, classes)
    return read_boxes(recording, labels, asks_model, rest if asks_model else None)


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
