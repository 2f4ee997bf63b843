# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks that teach a new class: annotations in SigMF recordings, checked before anything is
made, and which of them are held back to score what was learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from radiofm_core.errors import InputError, UsageError
from radiofm_core.fields import finite_number
from radiofm_core.spectrum.detections import MIN_PIXELS
from radiofm_core.spectrum.recordings import Recording, open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

from ..classes import Classes
from ..data import recordings
from ..data.annotations import Box, box_in_frame, read_boxes
from ..data.cutting import Place, frame_at, hops_of
from ..data.items import in_fixed_order
from ..data.labels import check_mapping, label_classes
from ..data.sources import RecordingsConfig
from ..data.unmarked import rises

# To learn from some, and to score others
LEAST_MARKS = 2
HELD_SHARE = 0.25
# Held-back marks are about a quarter if they are so large a share of all
FAIR_SHARE = (0.15, 0.4)
# A mark holds something if its pixels rise further above the floor than those of noise alone: half
# of them by so much (dB) more, or the highest tenth, or, beyond the highest of noise, so many
PERCENTS = (50, 90, 99.9)
MORE_DB = (0.6, 0.9, 0.8)
LEAST_HIGH, LEAST_HIGH_SHARE = 8, 0.005


@dataclass(frozen=True)
class Mark:
    """An annotation of the new class: its ``number`` in its recording (from 1 on), and where."""

    number: int
    box: Box


@dataclass(frozen=True)
class Marked:
    """A recording with marks of the new class, by start. ``name``: its path in the folder, without
    suffix."""

    name: str
    path: Path
    recording: Recording
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Split:
    """Which part (0 to 1) of the time of which recordings, by name, is learnt from, and which is
    held back; and how many marks each has."""

    learn: dict[str, tuple[float, float]]
    held: dict[str, tuple[float, float]]
    learn_marks: int
    held_marks: int


def read_marks(
    folder: str, labels: Mapping[str, str], classes: Classes, lesson: str, spec: SpectrogramSpec
) -> list[Marked]:
    """The recordings of a folder that have marks of the class ``lesson``.

    Args:
        folder: of SigMF recordings.
        labels: from annotations' labels to classes.
        classes: all, the new one among them.
        lesson: the new one.
        spec: the model's.

    Raises:
        InputError: no marks, or too few; one that lies outside of its recording; an annotation
            that cannot be read; marks that hold noise only; a sample rate that the model does not
            take. One line, which names the first annotation of the kind.
    """
    check_mapping("--labels", dict(labels), classes)
    source = RecordingsConfig(str(folder))
    known = label_classes(labels, classes)
    number = classes.names.index(lesson)
    found: list[Marked] = []
    told: Counter[str] = Counter()
    for item in recordings.find(source):
        recording = open_recording(item.files[1])
        labels_there = _labels_of(recording, known)
        told += labels_there
        if any(known[label] == number for label in labels_there):
            _check_rate(recording, spec)
        marks = tuple(_marks(recording, known, number))
        # what is wrong with the other annotations
        read_boxes(recording, known, may_be_none=True)
        if marks:
            found.append(Marked(item.name, item.files[1], recording, marks))
    _check_count(found, folder, lesson, told)
    _check_signal(found, lesson, spec)
    return found


def _labels_of(recording: Recording, known: Mapping[str, int]) -> Counter[str]:
    """How often each label comes; raises InputError for an unknown one."""
    out: Counter[str] = Counter()
    for place, annotation in enumerate(recording.meta.get("annotations") or [], 1):
        text = annotation.get("core:label", "")
        label = text.strip().casefold() if isinstance(text, str) else None
        if label == "":
            raise InputError(
                f"{recording.meta_path}: annotation {place} has no core:label; set it to what it "
                "is, or to ignore, or remove the annotation"
            )
        if label not in known:
            raise InputError(
                f"{recording.meta_path}: annotation {place} has the label {text!r}, expected one "
                f"of {', '.join(sorted(known))}; correct it, or say what it is: --labels "
                f"{text or 'LABEL'}:other, or --labels {text or 'LABEL'}:ignore"
            )
        out[label] += 1
    return out


def _marks(recording: Recording, known: Mapping[str, int], lesson: int) -> list[Mark]:
    """By start; raises InputError for one that lies outside of the recording."""
    offset = recording.meta.get("global", {}).get("core:offset", 0)
    marks = []
    for place, annotation in enumerate(recording.meta.get("annotations") or [], 1):
        if known[annotation.get("core:label", "").strip().casefold()] != lesson:
            continue
        where = f"{recording.meta_path}: annotation {place}"
        start = finite_number(annotation.get("core:sample_start", 0))
        start = None if start is None else start - offset
        count = finite_number(annotation.get("core:sample_count", 0))
        if start is None or count is None or count <= 0:
            raise InputError(
                f"{where} covers {annotation.get('core:sample_count')!r} samples from "
                f"{annotation.get('core:sample_start')!r} on; a mark needs core:sample_start and "
                "core:sample_count"
            )
        if start < 0 or start + count > recording.num_samples:
            raise InputError(
                f"{where} covers samples {start:.0f} to {start + count:.0f}, outside of the "
                f"recording, which has {recording.num_samples}; correct its core:sample_start and "
                "core:sample_count"
            )
        # edges, and whether they meet the span
        alone = {"annotations": [annotation]}
        [box] = read_boxes(_with_meta(recording, alone), known)
        marks.append(Mark(place, box))
    return sorted(marks, key=lambda mark: mark.box.start)


def _with_meta(recording: Recording, fields: dict) -> Recording:
    return replace(recording, meta=recording.meta | fields)


def _check_rate(recording: Recording, spec: SpectrogramSpec) -> None:
    try:
        spec.hops_per_row(recording.sample_rate, recording.suitable_frame_duration)
    except UsageError as error:
        raise InputError(f"{recording.meta_path}: {error}") from error


def _check_count(found: list[Marked], folder: str, lesson: str, told: Counter[str]) -> None:
    count = sum(len(one.marks) for one in found)
    if count >= LEAST_MARKS:
        return
    others = ", ".join(f"{n} {label!r}" for label, n in told.most_common()) or "none at all"
    raise InputError(
        f"{folder} has {count or 'no'} annotation{'' if count == 1 else 's'} with the label "
        f"{lesson!r} (labels there: {others}); mark {LEAST_MARKS} bursts or more (20 are a good "
        "start): set their core:label, or give --labels THEIRS:" + lesson
    )


def _check_signal(found: list[Marked], lesson: str, spec: SpectrogramSpec) -> None:
    empty: list[tuple[Marked, Mark]] = []
    count = 0
    for one in found:
        for mark in one.marks:
            count += 1
            if not holds_signal(one.recording, mark.box, spec):
                empty.append((one, mark))
    if not empty:
        return
    one, mark = empty[0]
    rate, box = one.recording.sample_rate, mark.box
    band = f"{max(box.low_hz, -1e12) / 1e6:.6g} to {min(box.high_hz, 1e12) / 1e6:.6g} MHz"
    raise InputError(
        f"{len(empty)} of {count} marks of {lesson!r} hold nothing that rises above the noise; the "
        f"first is annotation {mark.number} of {one.path}, samples {box.start} to {box.stop} "
        f"({box.start / rate * 1e3:.2f} to {box.stop / rate * 1e3:.2f} ms), {band}; correct its "
        "time and edges, or remove it"
    )


def holds_signal(recording: Recording, box: Box, spec: SpectrogramSpec) -> bool:
    """Whether anything rises above the noise within a mark; True of one that is too small to
    tell."""
    hops = hops_of(recording, spec)
    row_samples = spec.row_samples(hops)
    index = max(i for i, c in enumerate(recording.captures) if c.sample_start <= box.start)
    opening, stop = recording.captures[index].sample_start, recording.capture_stops[index]
    rows = min(spec.rows, (stop - opening) // row_samples)
    if not rows:
        return True
    middle = (box.start + min(box.stop, stop)) // 2
    start = min(max(middle - rows * row_samples // 2, opening), stop - rows * row_samples)
    span = (recording.captures[index].center_frequency, recording.sample_rate)
    place = Place(start, row_samples, rows, span, start)
    level = frame_at(recording, place, spec, spec.rows)[0][:rows]
    first, end, low, high = box_in_frame(box, start, row_samples, spec.cols, span)
    inside = rises(level)[
        max(0, round(first)) : min(rows, max(round(end), round(first) + 1)),
        max(0, round(low)) if low > 0 else 0 : round(min(high, spec.cols)),
    ]
    if inside.size < MIN_PIXELS:
        return True
    middle, high, highest = np.add(_noise_rises(spec, hops), MORE_DB)
    enough = max(LEAST_HIGH, LEAST_HIGH_SHARE * inside.size)
    return bool(
        np.percentile(inside, PERCENTS[0]) >= middle
        or np.percentile(inside, PERCENTS[1]) >= high
        or (inside >= highest).sum() >= enough
    )


@lru_cache(maxsize=16)
def _noise_rises(spec: SpectrogramSpec, hops: int) -> tuple[float, ...]:
    """Percentiles PERCENTS of how far white noise alone rises above its floor, dB."""
    draw = torch.Generator().manual_seed(0)
    shape = (spec.rows * spec.row_samples(hops),)
    iq = torch.complex(torch.randn(shape, generator=draw), torch.randn(shape, generator=draw))
    level = spectrogram_db(iq, spec, hops, spec.rows)[0].numpy()
    return tuple(np.percentile(rises(level), PERCENTS))


def split_marks(found: list[Marked]) -> Split:
    """Hold back about a quarter of the marks: whole recordings where that comes near to it, and
    leaves others of the same sample rate to learn from; else the last quarter of the marks of each
    recording, from a time on at which none is on the air.

    Raises InputError where the marks cannot be parted in time.
    """
    count = sum(len(one.marks) for one in found)
    held: list[Marked] = []
    for one in in_fixed_order(found, lambda marked: marked.name):
        rest = [m for m in found if m is not one and m not in held]
        alike = any(m.recording.sample_rate == one.recording.sample_rate for m in rest)
        would = sum(len(m.marks) for m in (*held, one))
        if alike and would <= FAIR_SHARE[1] * count and _marks_in(held) < HELD_SHARE * count:
            held.append(one)
    if FAIR_SHARE[0] * count <= _marks_in(held):
        held_names = {one.name for one in held}
        learn = {one.name: (0.0, 1.0) for one in found if one.name not in held_names}
        held_parts = {one.name: (0.0, 1.0) for one in held}
        return Split(learn, held_parts, count - _marks_in(held), _marks_in(held))
    return _split_in_time(found, count)


def _marks_in(some: list[Marked]) -> int:
    return sum(len(one.marks) for one in some)


def _split_in_time(found: list[Marked], count: int) -> Split:
    learn, held, held_marks = {}, {}, 0
    for one in found:
        parted = _parted(one.marks)
        if parted is None:
            learn[one.name] = (0.0, 1.0)
            continue
        share = parted[0] / one.recording.num_samples
        learn[one.name], held[one.name] = (0.0, share), (share, 1.0)
        held_marks += parted[1]
    if not held:
        raise InputError(
            f"{found[0].path}: all marks are on the air at once, so that none can be held back to "
            "score what was learnt; mark bursts at other times, or in another recording"
        )
    return Split(learn, held, count - held_marks, held_marks)


def _parted(marks: tuple[Mark, ...]) -> tuple[int, int] | None:
    """(sample from which on marks are held back, how many): the nearest to a quarter; None where
    there is no such sample."""
    wanted = max(1, round(HELD_SHARE * len(marks)))
    options = []
    for first in range(1, len(marks)):
        end = max(mark.box.stop for mark in marks[:first])
        if end <= marks[first].box.start:
            held = len(marks) - first
            options.append((abs(held - wanted), (end + marks[first].box.start) // 2, held))
    if not options:
        return None
    _, sample, held = min(options)
    return sample, held
