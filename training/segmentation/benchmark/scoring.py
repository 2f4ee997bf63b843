# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores a segmenter on the benchmark's frames, by part and signal-to-noise ratio.

Two policies of labels: what is on the air (as in training), and for the paper's part also the
whole band: every pixel of a carrier's channel for the whole frame, guard bands and idle resource
blocks too, as in the frames that the paper took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...engine.calibration import CalibrationError
from ...waveforms.side_by_side import band_truth
from ...waveforms.span import IGNORE
from ..classes import Classes
from ..pixels import confusion, scores
from . import strata
from .edges import edge_errors
from .frames import BenchmarkSet

HIGH_SNR_DB = 10.0
# What the paper calls medium
MEDIUM_SNR_DB = (10.0, 20.0)


@dataclass(frozen=True)
class FrameScore:
    """What a frame adds to a score: pixel counts (truth, predicted), the bins of a
    :class:`~training.engine.calibration.CalibrationError`, and its carriers' edges."""

    facts: dict
    counts: np.ndarray
    bins: np.ndarray
    edges: list[list[int] | None]


def score_frames(
    answers: Iterable[tuple[Tensor, Tensor, Tensor]], frames: BenchmarkSet, classes: Classes
) -> dict:
    """JSON-ready scores of ``answers``: mask, confidence and truth of all frames in their order,
    (B, rows, cols) each.

    ``whole``: all frames (``all``) and those of 10 dB and more, with labels of what is on the
    air; ``mixed`` and ``paper_on_air``: the parts; ``paper``: the paper's part with whole-band
    labels. Each by signal-to-noise ratio (dB, as text) to :func:`summary`; a group without
    frames is left out.
    """
    on_air: list[FrameScore] = []
    whole_band: list[FrameScore] = []
    for batch in answers:
        for mask, confidence, truth in zip(*batch, strict=True):
            facts = frames.facts[len(on_air)]
            on_air.append(frame_score(mask, confidence, truth, facts, classes))
            if facts["part"] == strata.PAPER:
                numbers = classes.of_kinds()
                band = band_truth(truth, facts["sample_rate"], facts["carriers"], numbers)
                whole_band.append(frame_score(mask, confidence, band, facts, classes))
    parts = grouped(on_air, whole_band, classes.names)
    return {"name": strata.NAME, "frames": len(frames), **parts}


def frame_score(
    mask: Tensor, confidence: Tensor, truth: Tensor, facts: dict, classes: Classes
) -> FrameScore:
    """Of a frame's mask, confidences and truth, (rows, cols) each, 255 = not scored."""
    scored, error = truth != IGNORE, CalibrationError()
    error.add(confidence[scored], mask[scored] == truth[scored])
    counts = confusion(mask.numpy(), truth.numpy(), len(classes))
    edges = edge_errors(mask.numpy(), truth.numpy(), facts, classes)
    return FrameScore(facts, counts, error.bins, edges)


def grouped(on_air: list[FrameScore], whole_band: list[FrameScore], names: tuple[str, ...]) -> dict:
    """The groups that :func:`score_frames` returns."""
    parts = {p: [s for s in on_air if s.facts["part"] == p] for p in (strata.MIXED, strata.PAPER)}
    sections = {
        "whole": (on_air, {}),
        "mixed": (parts[strata.MIXED], _each(strata.MIXED_SNR_DB)),
        "paper": (whole_band, _each(strata.PAPER_SNR_DB) | {"10 to 20": _medium}),
        "paper_on_air": (parts[strata.PAPER], _each(strata.PAPER_SNR_DB) | {"10 to 20": _medium}),
    }
    return {
        name: {
            snr: summary(chosen, names)
            for snr, wanted in (groups | {">= 10": _high, "all": lambda snr_db: True}).items()
            if (chosen := [s for s in frames if wanted(s.facts["snr_db"])])
        }
        for name, (frames, groups) in sections.items()
    }


def _each(values: tuple[float, ...]) -> dict[str, Callable[[float], bool]]:
    return {f"{value:g}": value.__eq__ for value in values}


def _high(snr_db: float) -> bool:
    return snr_db >= HIGH_SNR_DB


def _medium(snr_db: float) -> bool:
    return MEDIUM_SNR_DB[0] <= snr_db <= MEDIUM_SNR_DB[1]


def summary(frames: list[FrameScore], names: tuple[str, ...]) -> dict:
    """Of one frame or more: ``frames``, pixel accuracy and IoU as
    :func:`~training.segmentation.pixels.scores` has them, ``calibration_error`` (0 .. 1) and
    ``edges``: ``carriers`` measured, ``missed`` (share of them), and of the edges of the others
    ``median_bins`` and ``within_a_bin`` (share); None where there are none."""
    calibration = CalibrationError()
    calibration.bins = sum(s.bins for s in frames)
    carriers = [c for s in frames for c in s.edges]
    errors = np.array([e for c in carriers if c is not None for e in c])
    missed = sum(c is None for c in carriers)
    return {
        "frames": len(frames),
        **scores(sum(s.counts for s in frames), names),
        "calibration_error": round(calibration.value(), 4),
        "edges": {
            "carriers": len(carriers),
            "missed": round(missed / len(carriers), 4) if carriers else None,
            "median_bins": float(np.median(errors)) if errors.size else None,
            "within_a_bin": round(float((errors <= 1).mean()), 4) if errors.size else None,
        },
    }
