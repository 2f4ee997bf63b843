# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches of energy in the frames of recordings, found without a model and without labels.

Squares of 4 x 4 pixels are compared with the frame's noise. Those that lie :data:`RISE_DB` above
it, and that touch or have no more than :data:`GAP` squares between them, are a patch, if there are
at least :data:`LEAST_SQUARES` and one of them lies :data:`PEAK_DB` above the noise. What fills a
whole frame, without a gap or an edge, does not rise above anything and is no patch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.evidence_grid import memory_samples
from radiofm_core.spectrum.recordings import META_SUFFIX, Recording, open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec

from ..data.annotations import UNMARKED, read_boxes, truth_of_boxes
from ..data.items import cut_rows, find_files
from ..data.recordings import frame_at

ROWS = 256
# Pixels of a square's side
SQUARE = 4
RISE_DB, PEAK_DB = 4.0, 8.0
LEAST_SQUARES, GAP = 4, 4
# Of an emission's energy, what its duration and its bandwidth leave out (as ITU-R SM.328 has it)
UNCOUNTED = 0.01
# Of a frame, the strongest
MOST_PATCHES = 12
# The noise is the lowest level, in steps of STEP_DB, near which this share of the squares lies
NOISE_SHARE, NOISE_WIDTH_DB, STEP_DB = 0.03, 2.0, 0.5
# More labels than this cannot be told apart by a byte
MOST_LABELS = 250
_TOUCHING = np.ones((3, 3), bool)


class Place(NamedTuple):
    """A frame of a recording: its samples from ``start`` on, ``rows`` of ``row_samples``, around
    ``center_hz``; evidence may look back to the sample ``first``."""

    source: Source
    start: int
    rows: int
    center_hz: float
    first: int


@dataclass(frozen=True)
class Source:
    """A recording, and how its frames are cut. ``name``: its path in the folder, no suffix."""

    name: str
    recording: Recording
    hops: int
    row_samples: int
    labels: tuple[str, ...]
    boxes: list

    @property
    def rate(self) -> float:
        """Hz."""
        return self.recording.sample_rate


class Frame(NamedTuple):
    """dB float32 (ROWS, cols), evidence as of ``OwnFrame``, labels' numbers uint8 (rows, cols)."""

    place: Place
    level: np.ndarray
    evidence: np.ndarray
    resolution: tuple[float, float]
    truth: np.ndarray


class Patch(NamedTuple):
    """Energy in a frame. ``squares``: bool (ROWS / 4, cols / 4); ``rows`` and ``cols``: where
    all but 1 % of its energy begins and ends, in pixels; ``noise_db``: the frame's; ``label``: that
    of the annotations which cover most of its energy, or None."""

    squares: np.ndarray
    rows: tuple[int, int]
    cols: tuple[int, int]
    noise_db: float
    label: str | None


def open_sources(folder: str, spec: SpectrogramSpec) -> list[Source]:
    """The SigMF recordings in ``folder`` and below. Raises InputError: there are none, or one
    cannot be used."""
    sources = []
    for name, path in find_files(folder, f"*{META_SUFFIX}"):
        recording = open_recording(path)
        try:
            hops = spec.hops_per_row(recording.sample_rate, recording.suitable_frame_duration)
        except UsageError as error:
            raise InputError(f"{path}: {error}") from error
        labels, boxes = _annotated(recording)
        sources.append(
            Source(
                name.removesuffix(META_SUFFIX),
                recording,
                hops,
                spec.row_samples(hops),
                labels,
                boxes,
            )
        )
    return sources


def _annotated(recording: Recording) -> tuple[tuple[str, ...], list]:
    """The labels of a recording's annotations, and these as boxes of their numbers."""
    texts: dict[str, str] = {}
    for annotation in recording.meta.get("annotations") or []:
        text = annotation.get("core:label", "")
        if isinstance(text, str):
            texts.setdefault(text.strip().casefold(), text.strip())
    if len(texts) > MOST_LABELS:
        raise InputError(
            f"{recording.meta_path} has {len(texts)} labels, at most {MOST_LABELS} can be told "
            "apart; leave some out"
        )
    numbers = {text: number for number, text in enumerate(texts)}
    boxes = read_boxes(recording, numbers) if texts else []
    return tuple(texts.values()), boxes


def places(sources: list[Source], most: int) -> tuple[list[Place], int]:
    """At most ``most`` frames, as many of each recording as there are and the same number of long
    ones, spread over their time; and how many frames there are in all."""
    found = [_places(source) for source in sources]
    total = sum(len(of_one) for of_one in found)
    each = most
    while sum(min(len(of_one), each) for of_one in found) > most and each > 1:
        each = max(1, min(each - 1, round(each * 0.9)))
    chosen = []
    for of_one in found:
        count = min(len(of_one), each)
        chosen += [of_one[round((i + 0.5) * len(of_one) / count - 0.5)] for i in range(count)]
    return chosen, total


def _places(source: Source) -> list[Place]:
    recording, found = source.recording, []
    for capture, stop in zip(recording.captures, recording.capture_stops, strict=True):
        total = (stop - capture.sample_start) // source.row_samples
        rows = min(total, ROWS)
        for row in cut_rows(total, rows) if rows else ():
            start = capture.sample_start + row * source.row_samples
            center = capture.center_frequency
            found.append(Place(source, start, rows, center, capture.sample_start))
    return found


def read_frames(chosen: list[Place], spec: SpectrogramSpec) -> Iterator[Frame]:
    """The frames; what is shorter than one is filled up with its mirror image. Raises InputError
    for damaged samples."""
    for place in chosen:
        source = place.source
        memory = memory_samples(spec, source.rate) if spec.evidence_lags else 0
        first = max(place.first, place.start - memory)
        level, evidence = frame_at(
            source.recording, first, place.start, spec, source.hops, ROWS, place.rows
        )
        shape, span = (place.rows, spec.cols), (place.center_hz, source.rate)
        truth = truth_of_boxes(
            source.boxes, place.start, source.row_samples, shape, span, unmarked=UNMARKED
        )
        whole = np.pad(level, ((0, ROWS - place.rows), (0, 0)), "symmetric")
        yield Frame(place, whole, evidence, spec.resolution(source.rate, source.hops), truth)


def squares_db(level: np.ndarray) -> np.ndarray:
    """Mean power of each square of 4 x 4 pixels: dB (R, W) to dB (R / 4, W / 4)."""
    rows, cols = level.shape[0] // SQUARE, level.shape[1] // SQUARE
    power = 10.0 ** (level[: rows * SQUARE].astype(float) / 10)
    return 10 * np.log10(power.reshape(rows, SQUARE, cols, SQUARE).mean((1, 3)) + 1e-30)


def noise_db(squares: np.ndarray) -> float:
    """The lowest level around which squares gather: the noise, and not a filter's slope."""
    ordered = np.sort(squares, axis=None)
    levels = np.arange(ordered[0], ordered[-1] + STEP_DB, STEP_DB)
    lowest = np.searchsorted(ordered, levels)
    share = (np.searchsorted(ordered, levels + NOISE_WIDTH_DB) - lowest) / ordered.size
    [enough] = np.nonzero(share >= NOISE_SHARE)
    if not len(enough):
        return float(np.median(ordered))
    at = enough[0]
    # up to where no more squares come in
    while at + 1 < len(levels) and share[at + 1] > share[at]:
        at += 1
    return float(levels[at] + NOISE_WIDTH_DB / 2)


def find_patches(frame: Frame) -> list[Patch]:
    """The patches of a frame, the strongest :data:`MOST_PATCHES`, by their energy."""
    height = max(1, frame.place.rows // SQUARE)
    level = squares_db(frame.level)
    noise = noise_db(level[:height])
    rises = level > noise + RISE_DB
    rises[height:] = False
    joined = ndimage.binary_closing(np.pad(rises, GAP), np.ones((GAP + 1, GAP + 1)))
    numbers, count = ndimage.label(joined[GAP:-GAP, GAP:-GAP], structure=_TOUCHING)
    numbers *= rises
    found = []
    for number, around in enumerate(ndimage.find_objects(numbers, count), 1):
        if around is None:
            continue
        inside = numbers[around] == number
        if inside.sum() < LEAST_SQUARES or level[around][inside].max() < noise + PEAK_DB:
            continue
        squares = np.zeros_like(rises)
        squares[around] = inside
        energy = (10 ** (level[squares] / 10)).sum()
        found.append((energy, _patch(frame, squares, noise)))
    found.sort(key=lambda one: -one[0])
    return [patch for _, patch in found[:MOST_PATCHES]]


def _patch(frame: Frame, squares: np.ndarray, noise: float) -> Patch:
    height = frame.place.rows
    pixels = squares.repeat(SQUARE, 0).repeat(SQUARE, 1)[:height]
    above = 10 ** (frame.level[:height].astype(float) / 10) - 10 ** (noise / 10)
    energy = np.where(pixels, above.clip(min=0), 0.0)
    is_marked = frame.truth < MOST_LABELS
    by_label = np.bincount(frame.truth[is_marked], energy[is_marked], minlength=1)
    best = int(by_label.argmax())
    labels = frame.place.source.labels
    is_labelled = len(labels) > best and by_label[best] >= energy.sum() / 2
    return Patch(
        squares,
        _occupied(energy.sum(1)),
        _occupied(energy.sum(0)),
        noise,
        labels[best] if is_labelled else None,
    )


def _occupied(energy: np.ndarray) -> tuple[int, int]:
    """Where the stretch begins and ends that holds all but UNCOUNTED of the energy."""
    share = np.cumsum(energy) / energy.sum()
    first = int(np.searchsorted(share, UNCOUNTED / 2, "right"))
    last = int(np.searchsorted(share, 1 - UNCOUNTED / 2))
    return first, min(last, len(energy) - 1) + 1
