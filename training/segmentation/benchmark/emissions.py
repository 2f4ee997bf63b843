# SPDX-License-Identifier: GPL-3.0-or-later
"""The emissions that a model reports in a frame, held to those that are there.

Reported is what a segmenter block would report if the frame were all it had seen: the groups of the
mask, each with its verdict. A reported emission lies on the true one that owns most of its pixels;
on noise where noise does; and where most of its pixels are not scored, neither is it.

A report is right if a true emission has its label and a box that is alike (intersection over union
of :data:`LEAST_OVERLAP` and more with all that is seen of the emission or, without its skirts, with
its occupied bandwidth: both are called an emission's band); each true emission makes one report
right. True emissions of fewer scored pixels than a detection needs (:data:`MIN_PIXELS`), or fainter
than FAINT_DB, need not be reported: reports on them are neither right nor wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from radiofm_core.spectrum.detections import MIN_PIXELS, NOISE_CLASS

from ..classes import Classes
from .truth import NO_EMISSION, Box

LEAST_OVERLAP = 0.5
MIN_CONFIDENCE = 0.5
# SNR as heard, in half of the pixels; those below -9 dB are not scored at all
FAINT_DB = -6.0
# What a report lies on if on no true emission
ON_NOISE, NOT_SCORED = -1, -2


@dataclass(frozen=True)
class Reported:
    """An emission that a model reports: its ``label`` (a class or ``unknown``), where it is, what
    it lies ``on`` (place among the true ones, or ON_NOISE, NOT_SCORED), and its ``pixels``."""

    label: str
    box: Box
    on: int
    pixels: int


@dataclass(frozen=True)
class TrueEmission:
    """One that is there: its class's ``label``, kind, subcarrier spacing (Hz or None), median SNR
    as heard, and where: ``boxes``, each of which is right."""

    label: str
    kind: str
    subcarrier_hz: float | None
    snr_db: float
    pixels: int
    boxes: tuple[Box, ...]

    @property
    def visible(self) -> bool:
        """Whether it has to be reported."""
        return self.pixels >= MIN_PIXELS and self.snr_db >= FAINT_DB


def true_emissions(facts: dict, classes: Classes) -> list[TrueEmission]:
    """Of a frame's facts."""
    return [
        TrueEmission(
            label=classes.names[classes.of_kind(e["kind"])],
            kind=e["kind"],
            subcarrier_hz=e["subcarrier_hz"],
            snr_db=e["snr_db"],
            pixels=e["pixels"],
            boxes=(Box(*e["box"]), Box(*e["occupied"])),
        )
        for e in facts["emissions"]
    ]


def reported_emissions(
    groups,
    names: Sequence[str],
    model_judge: Callable | None,
    truth: np.ndarray,
    emission_of: np.ndarray,
) -> tuple[np.ndarray, list[Reported]]:
    """The mask after the verdicts, uint8 (rows, cols), and what is reported.

    Args:
        groups: :class:`gnuradio.radiofm.runtime.frame_groups.FrameGroups`.
        names: the classes'.
        model_judge: the model's own, or None.
        truth: (rows, cols) of classes.
        emission_of: (rows, cols), as :class:`.scenes.BenchmarkFrame` has it.
    """
    from gnuradio.radiofm.runtime.emission_judge import EmissionJudge

    judge = EmissionJudge(names, model_judge)
    mask, detections = judge.decide(groups, MIN_CONFIDENCE)
    class_of = np.zeros(len(groups.bands), np.uint8)
    there = groups.group_of >= 0
    class_of[groups.group_of[there]] = mask[there]
    sent = [burst for burst in groups.bursts if class_of[burst.group] != NOISE_CLASS]
    labels: dict[int, str] = {}
    boxes: dict[int, list[Box]] = {}
    for burst, detection in zip(sent, detections, strict=True):
        labels[burst.group] = detection.label
        boxes.setdefault(burst.group, []).append(box_in_groups(burst, groups.geometry))
    out = []
    for group, label in labels.items():
        own = groups.group_of == group
        on = lies_on(truth[own], emission_of[own])
        out.append(Reported(label, _around(boxes[group]), on, int(own.sum())))
    return mask, out


def box_in_groups(burst, geometry) -> Box:
    """Rows and columns of a burst of frame groups."""
    columns = [
        (hertz - geometry.center_frequency) / geometry.bin_width + geometry.cols / 2
        for hertz in (burst.low, burst.high)
    ]
    # column n is around n: it reaches from half a bin below to half a bin above, and the first
    # from the span's end on
    low, high = columns[0] + 0.5, columns[1] + 0.5
    low = 0.0 if columns[0] <= 0 else low
    high = float(geometry.cols) if columns[1] >= geometry.cols else high
    return Box(burst.first_row, burst.end_row, low, high)


def _around(boxes: Sequence[Box]) -> Box:
    first, end, low, high = zip(*boxes, strict=True)
    return Box(min(first), max(end), min(low), max(high))


def lies_on(truth: np.ndarray, emission_of: np.ndarray) -> int:
    """What a report lies on, from the truth and the true emission of each of its pixels."""
    owned = np.bincount(emission_of[emission_of != NO_EMISSION], minlength=1)
    noise = int((truth == NOISE_CLASS).sum())
    if 2 * (owned.sum() + noise) < len(truth):
        return NOT_SCORED
    return int(owned.argmax()) if owned.max() >= noise else ON_NOISE


@dataclass(frozen=True)
class FrameReport:
    """A frame's emissions: ``matches``: places of (true, reported) that are alike and have the same
    label; ``boxes``: the same whatever the label."""

    true: list[TrueEmission]
    reported: list[Reported]
    matches: dict[int, int]
    boxes: dict[int, int]

    @classmethod
    def of(cls, true: list[TrueEmission], reported: list[Reported]) -> FrameReport:
        """What is matched with what: the most alike first."""
        alike = [
            (overlap, i, j)
            for i, t in enumerate(true)
            for j, r in enumerate(reported)
            if (overlap := max(b.overlap(r.box) for b in t.boxes)) >= LEAST_OVERLAP
        ]
        alike.sort(key=lambda each: -each[0])
        right = [(i, j) for _, i, j in alike if true[i].label == reported[j].label]
        return cls(true, reported, _one_to_one(right), _one_to_one([(i, j) for _, i, j in alike]))

    def label_on(self, place: int) -> str | None:
        """Of the largest report that lies on a true emission or is matched with it; None where
        there is none."""
        found = [
            (r.pixels, r.label)
            for j, r in enumerate(self.reported)
            if r.on == place or self.matches.get(place) == j
        ]
        return max(found)[1] if found else None

    def labels_on(self, place: int) -> set[str]:
        """Of all reports that lie on it (or on ON_NOISE)."""
        return {r.label for r in self.reported if r.on == place}


def _one_to_one(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Each place once, the first pairs first."""
    out: dict[int, int] = {}
    for i, j in pairs:
        if i not in out and j not in out.values():
            out[i] = j
    return out
