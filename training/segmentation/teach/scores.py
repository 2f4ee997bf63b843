# SPDX-License-Identifier: GPL-3.0-or-later
"""What a segmenter knows of a class that it was taught, and what that cost the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from radiofm_core.spectrum.detections import NOISE_CLASS
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.verdict import ModelJudge

from ...waveforms.span import IGNORE
from ..benchmark.emission_scores import emission_scores
from ..benchmark.emissions import (
    MIN_CONFIDENCE,
    FrameReport,
    Reported,
    TrueEmission,
    box_in_groups,
    lies_on,
)
from ..benchmark.truth import NO_EMISSION, Box
from ..data import recordings
from ..data.annotations import box_in_frame
from ..data.cutting import Place
from ..data.items import Item, OwnFrame
from ..data.sources import RecordingsConfig
from ..data.store import Batch, FrameSet
from ..pixels import confusion, scores
from ..recipe import Recipe
from ..shown import Segment, batches_of, groups_of

# Marks are seen by whoever made them
SEEN_DB = 99.0


@dataclass(frozen=True)
class Judged:
    """A model to be scored: how it segments, its judge of emissions, and its classes."""

    segment: Segment
    judge: ModelJudge | None
    names: tuple[str, ...]


@dataclass(frozen=True)
class HeldFrame:
    """A frame of held-back marks: as the reader gives it, and the marks in it, rows and columns.
    ``counted``: whether a mark is scored in this frame, and not in another that has more of it."""

    frame: OwnFrame
    rows: int
    marks: tuple[Box, ...]
    counted: tuple[bool, ...]


def held_frames(config: RecordingsConfig, recipe: Recipe) -> list[HeldFrame]:
    """The frames of the held-back parts of recordings that hold marks of ``config.lesson``."""
    return [
        held for item in recordings.find(config) for held in _of_recording(item, config, recipe)
    ]


def _of_recording(item: Item, config: RecordingsConfig, recipe: Recipe) -> Iterator[HeldFrame]:
    recording = open_recording(item.files[1])
    lesson = recipe.classes.names.index(config.lesson)
    boxes = recordings.boxes_of(recording, config, recipe.classes)
    marks = [box for box in boxes if box.label == lesson]
    placed = list(recordings.read_placed(item, config, recipe.spec, recipe.classes))
    seen = np.array([[_seen(mark, place) for mark in marks] for _, place in placed])
    best = seen.argmax(0) if len(placed) else ()
    for number, (frame, place) in enumerate(placed):
        there = [i for i in range(len(marks)) if seen[number, i] > 0]
        boxes = tuple(_clipped(marks[i], place, recipe.spec.cols) for i in there)
        yield HeldFrame(frame, place.rows, boxes, tuple(best[i] == number for i in there))


def _seen(mark, place: Place) -> int:
    """Samples of a mark in a frame."""
    end = place.start + place.rows * place.row_samples
    return max(0, min(mark.stop, end) - max(mark.start, place.start))


def _clipped(mark, place: Place, cols: int) -> Box:
    first, end, low, high = box_in_frame(mark, place.start, place.row_samples, cols, place.span)
    return Box(max(0.0, first), min(float(place.rows), end), max(0.0, low), min(float(cols), high))


def score_marks(model: Judged, held: Sequence[HeldFrame], recipe: Recipe, lesson: str) -> dict:
    """How many of the held-back marks the blocks would report, each by itself, with the right label
    and a box that overlaps by half, JSON-ready: ``marks``, ``found``, ``reported`` (as the class,
    where it can be told whether that is right: on a mark, or where something else surely is),
    ``precision``, ``recall``, ``f1`` (None where nothing is there), and ``iou`` of its pixels, of
    those that are scored. Marks of fewer pixels than a detection has are left out."""
    reports, hit, either = [], 0, 0
    number = recipe.classes.names.index(lesson)
    for one in held:
        batch = _batch(one.frame)
        answer = model.segment(batch.level, batch.resolution, batch.evidence)
        found = _reported(model, batch, answer, one, recipe, number)
        reports.append(({}, found))
        said = answer[0][0].numpy() == number
        truth, scored = one.frame.truth == number, one.frame.truth != IGNORE
        hit += int((said & truth).sum())
        either += int(((said | truth) & scored).sum())
    told = emission_scores(reports, ("noise", lesson))
    return {
        "marks": told["true"],
        "found": sum(len(_right(report)) for _, report in reports),
        "reported": told["reported"],
        "precision": told["precision"],
        "recall": told["recall"],
        "f1": told["f1"],
        "iou": round(hit / either, 4) if either else None,
    }


def _right(report: FrameReport) -> list[int]:
    return [place for place in report.matches if report.true[place].visible]


def _batch(frame: OwnFrame) -> Batch:
    return Batch(
        torch.from_numpy(frame.level)[None, None],
        torch.from_numpy(frame.truth).long()[None],
        torch.tensor([frame.resolution], dtype=torch.float32),
        torch.from_numpy(frame.evidence.astype(np.float32))[None],
    )


def _reported(
    model: Judged, batch: Batch, answer: tuple, held: HeldFrame, recipe: Recipe, number: int
) -> FrameReport:
    lesson = recipe.classes.names[number]
    groups = groups_of(batch, 0, answer, recipe.spec, model.names)
    # what is surely something else is as wrong a place as noise
    truth = held.frame.truth
    truth = np.where((truth == number) | (truth == IGNORE), truth, NOISE_CLASS)
    emission_of = np.full(truth.shape, NO_EMISSION, np.uint8)
    true = []
    for place, (box, counted) in enumerate(zip(held.marks, held.counted, strict=True)):
        rows, cols = (slice(round(a), round(b)) for a, b in (box[:2], box[2:]))
        emission_of[rows, cols] = place
        pixels = int(emission_of[rows, cols].size) if counted else 0
        true.append(TrueEmission(lesson, lesson, None, SEEN_DB, pixels, (box,)))
    reported = [
        Reported(label, box, lies_on(truth[own], emission_of[own]), int(own.sum()))
        for label, box, own in _bursts(model, groups, held.marks)
        if label == lesson and own.any()
    ]
    return FrameReport.of(true, reported)


def _bursts(model: Judged, groups, marks: Sequence[Box]) -> Iterator[tuple[str, Box, np.ndarray]]:
    """Label, box and pixels (rows, cols) of each burst that the blocks report; those of one
    emission that lie in the same mark are one."""
    from gnuradio.radiofm.runtime.emission_judge import EmissionJudge

    mask, detections = EmissionJudge(model.names, model.judge).decide(groups, MIN_CONFIDENCE)
    sent = [b for b in groups.bursts if mask[groups.group_of == b.group].any()]
    joined: dict[tuple, list[tuple[str, Box]]] = {}
    for number, (burst, detection) in enumerate(zip(sent, detections, strict=True)):
        box = box_in_groups(burst, groups.geometry)
        within = next((i for i, mark in enumerate(marks) if _holds_middle(mark, box)), None)
        key = (burst.group, within) if within is not None else (burst.group, "", number)
        joined.setdefault(key, []).append((detection.label, box))
    for (group, *_), parts in joined.items():
        first, end, low, high = zip(*(box for _, box in parts), strict=True)
        box = Box(min(first), max(end), min(low), max(high))
        own = np.zeros(groups.group_of.shape, bool)
        own[int(box[0]) : int(box[1]), int(box[2]) : int(np.ceil(box[3]))] = True
        yield parts[0][0], box, own & (groups.group_of == group)


def _holds_middle(mark: Box, box: Box) -> bool:
    row, col = (box.first_row + box.end_row) / 2, (box.low_col + box.high_col) / 2
    return mark.first_row <= row <= mark.end_row and mark.low_col <= col <= mark.high_col


def score_kept(model: Judged, frames: FrameSet, recipe: Recipe) -> dict:
    """How well a model, one that was taught or the one before it, knows the other classes,
    JSON-ready: ``mean_iou`` and ``iou`` of the mask that follows the verdicts, which the blocks
    give out, ``pixels_mean_iou`` of the network's own, and ``claims``: how many emissions it calls
    by the new class, in ``frames`` frames. What is of the new class in them is not scored."""
    count = len(recipe.classes)
    names, number = recipe.classes.names, count - 1
    pixels = np.zeros((count, count), np.int64)
    verdicts, claims = pixels.copy(), 0
    from gnuradio.radiofm.runtime.emission_judge import EmissionJudge

    for index in tqdm(batches_of(np.arange(len(frames))), desc="old classes", unit="batch"):
        batch = frames.batch(index)
        answer = model.segment(batch.level, batch.resolution, batch.evidence)
        for n in range(len(index)):
            truth = batch.truth[n].numpy()
            is_new, truth = truth == number, np.where(truth == number, IGNORE, truth)
            groups = groups_of(batch, n, answer, recipe.spec, model.names)
            mask, _ = EmissionJudge(model.names, model.judge).decide(groups, MIN_CONFIDENCE)
            pixels += confusion(answer[0][n].numpy(), truth, count)
            verdicts += confusion(mask, truth, count)
            said = np.unique(groups.group_of[(mask == number) & (groups.group_of >= 0)])
            claims += sum(is_new[groups.group_of == group].mean() < 0.5 for group in said)
    told = scores(verdicts, names)
    return {
        "frames": len(frames),
        "mean_iou": told["mean_iou"],
        "pixels_mean_iou": scores(pixels, names)["mean_iou"],
        "iou": {name: told["iou"][name] for name in names[:number]},
        "claims": int(claims),
    }
