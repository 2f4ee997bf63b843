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

from radiofm_core.errors import InputError
from radiofm_core.spectrum.recordings import META_SUFFIX, Recording, open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec

from ..data.annotations import UNMARKED, read_boxes, truth_of_boxes
from ..data.cutting import Place, frame_at, hops_of, places
from ..data.items import find_files

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


@dataclass(frozen=True)
class Source:
    """A recording. ``name``: its path in the folder, no suffix; ``hops``: of a row; ``boxes``: its
    annotations, with the numbers of ``labels``."""

    name: str
    recording: Recording
    hops: int
    labels: tuple[str, ...]
    boxes: list


class Frame(NamedTuple):
    """dB float32 (ROWS, cols), evidence as of ``OwnFrame``, labels' numbers uint8 (rows, cols)."""

    source: Source
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
        hops, name = hops_of(recording, spec), name.removesuffix(META_SUFFIX)
        sources.append(Source(name, recording, hops, *_annotated(recording)))
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


def choose_places(
    sources: list[Source], spec: SpectrogramSpec, most: int
) -> tuple[list[tuple[Source, Place]], int]:
    """At most ``most`` frames, as many of each recording as there are and the same number of long
    ones, spread over their time; and how many frames there are in all."""
    found = [
        [(one, place) for place in places(one.recording, spec.row_samples(one.hops), ROWS)]
        for one in sources
    ]
    total = sum(len(of_one) for of_one in found)
    each = most
    while sum(min(len(of_one), each) for of_one in found) > most and each > 1:
        each = max(1, min(each - 1, round(each * 0.9)))
    chosen = []
    for of_one in found:
        count = min(len(of_one), each)
        chosen += [of_one[round((i + 0.5) * len(of_one) / count - 0.5)] for i in range(count)]
    return chosen, total


def read_frames(chosen: list[tuple[Source, Place]], spec: SpectrogramSpec) -> Iterator[Frame]:
    """The frames. Raises InputError for damaged samples."""
    for source, place in chosen:
        level, evidence = frame_at(source.recording, place, spec, ROWS)
        shape = (place.rows, spec.cols)
        truth = truth_of_boxes(
            source.boxes, place.start, place.row_samples, shape, place.span, unmarked=UNMARKED
        )
        resolution = spec.resolution(source.recording.sample_rate, source.hops)
        yield Frame(source, place, level, evidence, resolution, truth)


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
    labels = frame.source.labels
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
