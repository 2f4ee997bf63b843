# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores a segmenter on the benchmark's frames, by part and signal-to-noise ratio: its pixels, and
the emissions that it reports.

Two policies of labels: what is on the air (as in training), and for the paper's part also the
whole band: every pixel of a carrier's channel for the whole frame, guard bands and idle resource
blocks too, as in the frames that the paper took.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from tqdm import tqdm

from radiofm_core.spectrum.spec import SpectrogramSpec

from ...engine.calibration import CalibrationError
from ...waveforms.side_by_side import band_truth
from ...waveforms.span import IGNORE
from ..classes import Classes
from ..pixels import confusion, scores
from ..shown import ALL, Segment, batches_of, groups_of, shown
from . import strata
from .edges import edge_errors
from .emission_scores import emission_scores
from .emissions import FrameReport, reported_emissions, true_emissions
from .frames import BenchmarkSet

HIGH_SNR_DB, FAIR_SNR_DB = 10.0, 0.0
# What the paper calls medium
MEDIUM_SNR_DB = (10.0, 20.0)


@dataclass(frozen=True)
class FrameScore:
    """What a frame adds to a score: pixel counts (truth, predicted), the bins of a
    :class:`~training.engine.calibration.CalibrationError`, its carriers' edges, and, where they
    were looked for, its emissions and the pixel counts after the verdicts on them."""

    facts: dict
    counts: np.ndarray
    bins: np.ndarray
    edges: list[list[int] | None]
    report: FrameReport | None = None
    verdict_counts: np.ndarray | None = None


def score_frames(
    segment: Segment,
    frames: BenchmarkSet,
    spec: SpectrogramSpec,
    classes: Classes,
    model_judge: Callable | None = None,
    way: str = ALL,
) -> dict:
    """JSON-ready scores of what ``segment`` answers to the frames.

    ``whole``: all frames, with labels of what is on the air; ``mixed`` and ``paper_on_air``: the
    parts; ``paper``: the paper's part with whole-band labels, pixels alone. Each by signal-to-noise
    ratio (dB, as text; ``all``) to :func:`summary`. ``scenarios``: by scenario, of 0 dB and more. A
    group without frames is left out. ``way``: of which evidence was shown.

    Args:
        segment: the model.
        frames: of the benchmark.
        spec: the model's.
        classes: the model's.
        model_judge: its own judge of emissions, if it has one.
        way: one of :data:`~training.segmentation.shown.WAYS`.
    """
    on_air: list[FrameScore] = []
    whole_band: list[FrameScore] = []
    finds = _finds_emissions()
    numbers = np.arange(len(frames))
    for index in tqdm(batches_of(numbers), desc=strata.NAME, unit="batch"):
        batch = shown(frames.batch(index), way, spec)
        answer = segment(batch.level, batch.resolution, batch.evidence)
        for n, number in enumerate(index):
            facts, truth = frames.facts[number], batch.truth[n]
            mask, confidence = answer[0][n], answer[1][n]
            found = None
            if finds:
                groups = groups_of(batch, n, answer, spec, classes.names)
                owners = frames.emission_of[number]
                found = reported_emissions(
                    groups, classes.names, model_judge, truth.numpy(), owners
                )
            on_air.append(frame_score(mask, confidence, truth, facts, classes, found))
            if facts["part"] == strata.PAPER:
                kinds = classes.of_kinds()
                band = band_truth(truth, facts["sample_rate"], facts["carriers"], kinds)
                whole_band.append(frame_score(mask, confidence, band, facts, classes))
    parts = grouped(on_air, whole_band, classes.names)
    return {"name": strata.NAME, "frames": len(frames), "way": way, **parts}


def _finds_emissions() -> bool:
    """Whether the part is installed that finds emissions; a line where it is not."""
    try:
        import gnuradio.radiofm.runtime.frame_groups  # noqa: F401
    except ImportError as error:
        print(
            f"emissions are not scored: the GNU Radio module cannot be imported ({error}); run "
            "./dev build and use its Python (.venv/bin/python)",
            file=sys.stderr,
        )
        return False
    return True


def frame_score(
    mask: Tensor,
    confidence: Tensor,
    truth: Tensor,
    facts: dict,
    classes: Classes,
    found: tuple | None = None,
) -> FrameScore:
    """Of a frame's mask, confidences and truth, (rows, cols) each, 255 = not scored; ``found``:
    what :func:`.emissions.reported_emissions` answered."""
    scored, error = truth != IGNORE, CalibrationError()
    error.add(confidence[scored], mask[scored] == truth[scored])
    counts = confusion(mask.numpy(), truth.numpy(), len(classes))
    if found is None:
        edges = edge_errors(mask.numpy(), truth.numpy(), facts, classes)
        return FrameScore(facts, counts, error.bins, edges)
    verdict_mask, reported = found
    edges = edge_errors(verdict_mask, truth.numpy(), facts, classes)
    report = FrameReport.of(true_emissions(facts, classes), reported)
    after = confusion(verdict_mask, truth.numpy(), len(classes))
    return FrameScore(facts, counts, error.bins, edges, report, after)


def grouped(on_air: list[FrameScore], whole_band: list[FrameScore], names: tuple[str, ...]) -> dict:
    """The groups that :func:`score_frames` returns."""
    parts = {p: [s for s in on_air if s.facts["part"] == p] for p in (strata.MIXED, strata.PAPER)}
    mixed, paper = _each(strata.MIXED_SNR_DB), _each(strata.PAPER_SNR_DB) | {"10 to 20": _medium}
    sections = {
        "whole": (on_air, mixed),
        "mixed": (parts[strata.MIXED], mixed),
        "paper": (whole_band, paper),
        "paper_on_air": (parts[strata.PAPER], paper),
    }
    out = {
        name: {
            snr: summary(chosen, names, with_labels=name == "whole" and snr in BARS_OF)
            for snr, wanted in (groups | WIDE_GROUPS).items()
            if (chosen := [s for s in frames if wanted(s.facts["snr_db"])])
        }
        for name, (frames, groups) in sections.items()
    }
    fair = [s for s in on_air if _fair(s.facts["snr_db"])]
    out["scenarios"] = {
        scenario: summary([s for s in fair if s.facts["scenario"] == scenario], names)
        for scenario in dict.fromkeys(s.facts["scenario"] for s in fair)
    }
    return out


def _each(values: tuple[float, ...]) -> dict[str, Callable[[float], bool]]:
    return {f"{value:g}": value.__eq__ for value in values}


def _high(snr_db: float) -> bool:
    return snr_db >= HIGH_SNR_DB


def _fair(snr_db: float) -> bool:
    return snr_db >= FAIR_SNR_DB


def _medium(snr_db: float) -> bool:
    return MEDIUM_SNR_DB[0] <= snr_db <= MEDIUM_SNR_DB[1]


def _any(snr_db: float) -> bool:
    return True


WIDE_GROUPS = {">= 0": _fair, ">= 10": _high, "all": _any}
# Groups of the whole benchmark that tell what was taken for what
BARS_OF = (">= 0", ">= 10", "all")


def summary(frames: list[FrameScore], names: tuple[str, ...], with_labels: bool = False) -> dict:
    """Of one frame or more: ``frames``, pixel accuracy and IoU as
    :func:`~training.segmentation.pixels.scores` has them, ``calibration_error`` (0 .. 1) and
    ``edges``: ``carriers`` measured, ``missed`` (share of them), and of the edges of the others
    ``median_bins`` and ``within_a_bin`` (share); None where there are none. Where emissions were
    looked for, ``verdict``: accuracy and IoU of the mask that follows the verdicts, of which the
    edges are then, too, and ``emissions``: :func:`.emission_scores.emission_scores`."""
    calibration = CalibrationError()
    calibration.bins = sum(s.bins for s in frames)
    carriers = [c for s in frames for c in s.edges]
    errors = np.array([e for c in carriers if c is not None for e in c])
    missed = sum(c is None for c in carriers)
    out = {
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
    reports = [(s.facts, s.report) for s in frames if s.report is not None]
    if reports:
        after = sum(s.verdict_counts for s in frames)
        out["verdict"] = scores(after, names)
        out["emissions"] = emission_scores(reports, names, with_labels)
    return out
