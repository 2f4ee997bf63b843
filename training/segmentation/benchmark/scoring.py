# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores a segmenter on the benchmark's frames, by part and signal-to-noise ratio.

Two policies of labels: what is on the air (as in training), and for the paper's part also the
whole band: every pixel of a carrier's channel for the whole frame, guard bands and idle resource
blocks too, as in the frames that the paper took.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor
from tqdm import tqdm

from ...calibrate import CalibrationError
from ...waveforms.side_by_side import band_truth
from .. import classes
from ..model import CalibratedSegmenter
from ..objective import confusion, predictions, scores
from . import strata
from .edges import edge_errors
from .frames import BenchmarkSet, code_fingerprint

HIGH_SNR_DB = 10.0
# What the paper calls medium
MEDIUM_SNR_DB = (10.0, 20.0)


@dataclass(frozen=True)
class FrameScore:
    """What a frame adds to a score: pixel counts (truth, predicted), the bins of a
    :class:`~training.calibrate.CalibrationError`, and its carriers' edges."""

    facts: dict
    counts: np.ndarray
    bins: np.ndarray
    edges: list[list[int] | None]


def score(model: CalibratedSegmenter, frames: BenchmarkSet) -> dict:
    """JSON-ready scores of ``model``, calibrated as it is.

    ``whole``: all frames (``all``) and those of 10 dB and more, with labels of what is on the
    air; ``mixed`` and ``paper_on_air``: the parts; ``paper``: the paper's part with whole-band
    labels. Each by signal-to-noise ratio (dB, as text) to :func:`summary`; a group without
    frames is left out.
    """
    on_air: list[FrameScore] = []
    whole_band: list[FrameScore] = []
    bar = partial(tqdm, desc=strata.NAME, unit="batch")
    for logits, truths in predictions(model, frames, progress=bar):
        probabilities = model.calibrated(logits).cpu()
        for shares, truth in zip(probabilities, truths.cpu(), strict=True):
            facts = frames.facts[len(on_air)]
            on_air.append(frame_score(shares, truth, facts))
            if facts["part"] == strata.PAPER:
                band = band_truth(truth, facts["sample_rate"], facts["carriers"])
                whole_band.append(frame_score(shares, band, facts))
    return {
        "name": strata.NAME,
        "frames": len(frames),
        "code": code_fingerprint(),
        **grouped(on_air, whole_band),
    }


def frame_score(probabilities: Tensor, truth: Tensor, facts: dict) -> FrameScore:
    """Of a frame's probabilities (classes, rows, cols) and truth (rows, cols), 255 = not
    scored."""
    mask, calibration = probabilities.argmax(0).numpy(), CalibrationError()
    calibration.add(probabilities[None], truth[None])
    counts = confusion(mask, truth.numpy(), len(classes.NAMES))
    return FrameScore(facts, counts, calibration.bins, edge_errors(mask, truth.numpy(), facts))


def grouped(on_air: list[FrameScore], whole_band: list[FrameScore]) -> dict:
    """The groups that :func:`score` returns."""
    parts = {p: [s for s in on_air if s.facts["part"] == p] for p in (strata.MIXED, strata.PAPER)}
    sections = {
        "whole": (on_air, {}),
        "mixed": (parts[strata.MIXED], _each(strata.MIXED_SNR_DB)),
        "paper": (whole_band, _each(strata.PAPER_SNR_DB) | {"10 to 20": _medium}),
        "paper_on_air": (parts[strata.PAPER], _each(strata.PAPER_SNR_DB) | {"10 to 20": _medium}),
    }
    return {
        name: {
            snr: summary(chosen)
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


def summary(frames: list[FrameScore]) -> dict:
    """Of one frame or more: ``frames``, pixel accuracy and IoU as
    :func:`~training.segmentation.objective.scores` has them, ``calibration_error`` (0 .. 1) and
    ``edges``: ``carriers`` measured, ``missed`` (share of them), and of the edges of the others
    ``median_bins`` and ``within_a_bin`` (share); None where there are none."""
    calibration = CalibrationError()
    calibration.bins = sum(s.bins for s in frames)
    carriers = [c for s in frames for c in s.edges]
    errors = np.array([e for c in carriers if c is not None for e in c])
    missed = sum(c is None for c in carriers)
    return {
        "frames": len(frames),
        **scores(sum(s.counts for s in frames)),
        "calibration_error": round(calibration.value(), 4),
        "edges": {
            "carriers": len(carriers),
            "missed": round(missed / len(carriers), 4) if carriers else None,
            "median_bins": float(np.median(errors)) if errors.size else None,
            "within_a_bin": round(float((errors <= 1).mean()), 4) if errors.size else None,
        },
    }
