# SPDX-License-Identifier: GPL-3.0-or-later
"""Truth per pixel from a recording's SigMF annotations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from radiofm_core import keys
from radiofm_core.errors import InputError
from radiofm_core.fields import finite_number
from radiofm_core.outputs.bursts import CONTINUOUS_SHARE
from radiofm_core.outputs.sigmf_annotations import EXTENSION
from radiofm_core.spectrum.recordings import Recording

from ...waveforms.span import IGNORE, NOISE

# What a model is asked about, if it is not noise
UNMARKED = 254
# As in generated frames: half of a pixel makes it the emission's, an eighth leaves it as it was.
OWN_COVER = 0.5
LEAST_COVER = 0.12


@dataclass(frozen=True)
class Box:
    """An annotated emission: samples [start, stop) of the data, edges in Hz (absolute), class."""

    start: int
    stop: int
    low_hz: float
    high_hz: float
    label: int


def read_boxes(
    recording: Recording,
    labels: Mapping[str, int],
    may_be_none: bool = False,
    unsure: int | None = None,
) -> list[Box]:
    """The recording's annotations, the largest first. A box that ``radiofm segment`` wrote for an
    emission with too many bursts to list is IGNORE: it covers their pauses, too.

    Args:
        recording: an opened SigMF recording.
        labels: from label in lower case to class (``label_classes``).
        may_be_none: whether a recording without annotations has no boxes, or is an error.
        unsure: a class; boxes of it that ``radiofm segment`` wrote are IGNORE, too.

    Raises:
        InputError: no annotations, an unknown label, or a box that cannot be: one line.
    """
    annotations = recording.meta.get("annotations") or []
    if not annotations and not may_be_none:
        raise InputError(
            f"{recording.meta_path} has no annotations, expected labels; annotate the signals "
            "(without any: one annotation 'noise'), or set labelled: false for pre-training"
        )
    boxes = [_box(recording, n, a, labels, unsure) for n, a in enumerate(annotations, 1)]

    def area(box: Box) -> float:
        return (box.stop - box.start) * min(box.high_hz - box.low_hz, recording.sample_rate)

    return sorted(boxes, key=area, reverse=True)


def _box(
    recording: Recording,
    number: int,
    annotation: dict,
    labels: Mapping[str, int],
    unsure: int | None,
) -> Box:
    where = f"{recording.meta_path}: annotation {number}"
    text = annotation.get("core:label", "")
    label = labels.get(text.strip().casefold()) if isinstance(text, str) else None
    if label is None:
        raise InputError(
            f"{where}: expected a label out of {', '.join(sorted(labels))}, got {text!r}; map it "
            f"to one of these in the recipe, for instance labels: {{{text!r}: ignore}}"
        )
    start = annotation.get("core:sample_start", 0) - recording.meta["global"].get("core:offset", 0)
    count = annotation.get("core:sample_count", recording.num_samples - start)
    if finite_number(count) is None or count <= 0:
        raise InputError(f"{where} covers {count!r} samples; correct its core:sample_count")
    active_s = finite_number(annotation.get(f"{EXTENSION}:{keys.ACTIVE_TIME}"))
    if label == unsure and str(annotation.get("core:generator", "")).startswith(EXTENSION):
        label = IGNORE
    if active_s is not None and active_s < CONTINUOUS_SHARE * count / recording.sample_rate:
        label = IGNORE
    low, high = (annotation.get(f"core:freq_{edge}_edge") for edge in ("lower", "upper"))
    if low is None and high is None:
        low, high = -math.inf, math.inf
    elif finite_number(low) is None or finite_number(high) is None or low >= high:
        raise InputError(
            f"{where} spans from {low!r} to {high!r} Hz; set core:freq_lower_edge below "
            "core:freq_upper_edge, or neither for the whole bandwidth"
        )
    # no further than the data, or sums of its pixels would go beyond their types
    start, stop = max(int(start), 0), min(int(start + count), recording.num_samples)
    box = Box(start, stop, float(low), float(high), label)
    _check_in_span(recording, box, where, text)
    return box


def _check_in_span(recording: Recording, box: Box, where: str, text: str) -> None:
    """Edges that never meet the span are not in the captures' terms: all would become noise."""
    half = recording.sample_rate / 2
    seen = [
        c.center_frequency
        for c, stop in zip(recording.captures, recording.capture_stops, strict=True)
        if c.sample_start < box.stop and stop > box.start
    ]
    if any(box.low_hz < f + half and box.high_hz > f - half for f in seen):
        return
    spans = ", ".join(f"{(f - half) / 1e6:g} to {(f + half) / 1e6:g} MHz" for f in seen[:2])
    raise InputError(
        f"{where} ({text}), {box.low_hz / 1e6:g} to {box.high_hz / 1e6:g} MHz, lies outside the "
        f"recorded band ({spans or 'none'}); correct its edges or the capture's core:frequency"
    )


def truth_of_boxes(
    boxes: list[Box],
    start: int,
    row_samples: int,
    shape: tuple[int, int],
    span: tuple,
    unmarked: int = NOISE,
) -> np.ndarray:
    """Truth of one frame: ``unmarked``, where no box covers half a pixel or more.

    Args:
        boxes: the largest first; smaller ones lie on top.
        start: the frame's first sample.
        row_samples: samples of a row.
        shape: (rows, cols).
        span: (centre, sample rate) in Hz.

    Returns:
        uint8 (rows, cols); IGNORE where boxes cover a pixel partly.
    """
    center, rate = span
    truth = np.full(shape, unmarked, np.uint8)
    total: dict[int, np.ndarray] = {}
    for box in boxes:
        first_row, end_row, low_col, high_col = box_in_frame(
            box, start, row_samples, shape[1], (center, rate)
        )
        in_time = _cover(first_row, end_row, shape[0])
        in_band = _cover(low_col, high_col, shape[1])
        rows, cols = np.nonzero(in_time)[0], np.nonzero(in_band)[0]
        if not len(rows) or not len(cols):
            continue
        part = np.ix_(rows, cols)
        # Boxes of one class add up: they may meet within a pixel.
        covered = total.setdefault(box.label, np.zeros(shape, np.float32))
        covered[part] += np.outer(in_time[rows], in_band[cols])
        own = covered[part] >= OWN_COVER
        partly = (covered[part] > LEAST_COVER) & ~own
        truth[part] = np.where(own, box.label, np.where(partly, IGNORE, truth[part]))
    return truth


def box_in_frame(
    box: Box, start: int, row_samples: int, cols: int, span: tuple[float, float]
) -> tuple[float, float, float, float]:
    """(first row, end row, low column, high column) of a box in a frame that begins at sample
    ``start``, which may lie outside of it; arguments as of :func:`truth_of_boxes`. Column c reaches
    from c to c + 1: the bin's width around (c - cols / 2) bins from the centre."""
    center, rate = span
    width = rate / cols
    from_edge = center - rate / 2 - width / 2
    rows = ((box.start - start) / row_samples, (box.stop - start) / row_samples)
    return (*rows, (box.low_hz - from_edge) / width, (box.high_hz - from_edge) / width)


def _cover(low: float, high: float, count: int) -> np.ndarray:
    """Share of each of ``count`` cells, the first from 0 to 1, in [low, high)."""
    cells = np.arange(count)
    return np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0, None)
