# SPDX-License-Identifier: GPL-3.0-or-later
"""One verdict for each emission, from all that is known of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .detections import NOISE_CLASS, UNKNOWN, Evidence
from .emission_statistics import EmissionStatistics
from .lags import ONE_FRAME_S, TWO_FRAMES_S, LagMeaning, controls_of, is_control, meaning_of

# Coherence is clear from so many times its floor on (noise alone exceeds it once in 200,000 times,
# exp(-k^2)), and from so many times the controls' on
CLEAR_FLOORS = 3.5
CLEAR_CONTROLS = 2.0
# A symbol's length that shows less than this share of the strongest one's is none
SYMBOL_SHARE = 0.5
# 30 kHz is said only where it is clearly stronger than 15 kHz: of 15 kHz, too, signals on every
# second carrier repeat within the symbol
HALF_SYMBOL = 2.0
MOST_SNR_DB = 40.0
# What stands out of the noise, and was taken for an emission, is noise only if that is so likely
LEAST_NOISE = 0.5

#: From float32 (emissions, features) to probabilities, float (emissions, classes)
ModelJudge = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class EmissionShape:
    """Where and when an emission is on in its frame: Hz, seconds, dB. ``cut_ends``: at how many
    ends of the span it may go on beyond, 0 to 2."""

    bandwidth: float
    on_time: float
    duration: float
    frame_duration: float
    snr_db: float
    cut_ends: int = 0


@dataclass(frozen=True)
class Verdict:
    """What an emission is.

    ``label``: a class's name, or ``unknown``; ``best``: the class index that fits best even so, 0
    where a model's judge is sure that it is noise; ``confidence``: its probability.
    ``subcarrier_spacing`` in Hz, None where not known. ``evidence``: what spoke for it, the
    clearest first.
    """

    label: str
    best: int
    confidence: float
    subcarrier_spacing: float | None = None
    evidence: tuple[Evidence, ...] = ()


def judge(
    statistics: EmissionStatistics,
    shape: EmissionShape,
    class_names: Sequence[str],
    min_confidence: float = 0.5,
    model_judge: ModelJudge | None = None,
) -> Verdict:
    """The verdict on an emission.

    Args:
        statistics: of all its pixels and cells.
        shape: as it is in its newest frame.
        class_names: the model's, in its order.
        min_confidence: below it the label is ``unknown``.
        model_judge: the model's own, which takes :func:`features`; without one the class of the
            largest mean vote wins.
    """
    if model_judge is None:
        probabilities = statistics.probabilities
    else:
        probabilities = np.array(model_judge(features(statistics, shape)[None])[0], float)
    best = int(np.argmax(probabilities))
    if best == NOISE_CLASS and probabilities[best] < LEAST_NOISE:
        best = 1 + int(np.argmax(probabilities[1:]))
    confidence = float(probabilities[best])
    spacing, evidence = find_evidence(statistics)
    label = class_names[best] if confidence >= min_confidence else UNKNOWN
    return Verdict(label, best, confidence, spacing, evidence)


def find_evidence(statistics: EmissionStatistics) -> tuple[float | None, tuple[Evidence, ...]]:
    """(subcarrier spacing in Hz or None, evidence): after which times the emission's samples
    clearly repeat, and what that says; the clearest first."""
    magnitudes, floors = statistics.magnitudes, statistics.floors
    excess = excess_coherence(statistics)
    clear: list[tuple[int, LagMeaning]] = []
    for index, lag in enumerate(statistics.lags):
        meaning = meaning_of(lag)
        controls = [magnitudes[i] for i in controls_of(lag, statistics.lags)]
        control = max([c for c in controls if np.isfinite(c)], default=0.0)
        if (
            meaning is not None
            and excess[index] >= max(CLEAR_FLOORS * floors[index], meaning.least)
            and magnitudes[index] >= CLEAR_CONTROLS * control
        ):
            clear.append((index, meaning))
    spacing, symbols = _spacing([(excess[i], m) for i, m in clear if m.spacing_hz])
    clear_lags = [m.lag_s for _, m in clear]
    found = [
        Evidence(
            lag=float(statistics.lags[i]),
            coherence=float(min(magnitudes[i], 1.0)),
            floor=float(floors[i]),
            meaning=_words(m, spacing),
        )
        for i, m in clear
        if (not m.spacing_hz or m in symbols)
        and not (m.lag_s == TWO_FRAMES_S and ONE_FRAME_S in clear_lags)
    ]
    found.sort(key=lambda each: -each.coherence / max(each.floor, 1e-30))
    return spacing, tuple(found)


def excess_coherence(statistics: EmissionStatistics) -> np.ndarray:
    """Coherence by lag without what the controls show, too: that of narrow carriers; NaN where
    it cannot be judged."""
    magnitudes = statistics.magnitudes
    excess = np.empty(len(magnitudes))
    for index, lag in enumerate(statistics.lags):
        controls = magnitudes[controls_of(lag, statistics.lags)]
        control = np.max(controls[np.isfinite(controls)], initial=0.0)
        excess[index] = np.sqrt(max(magnitudes[index] ** 2 - control**2, 0.0))
    return np.where(np.isfinite(magnitudes), excess, np.nan)


def _spacing(symbols: list[tuple[float, LagMeaning]]) -> tuple[float | None, list[LagMeaning]]:
    """(spacing in Hz, the lags that agree) of symbol lengths that are clear, each with its
    coherence."""
    if not symbols:
        return None, []
    most = max(c for c, _ in symbols)
    kept = [(c, m) for c, m in symbols if c >= SYMBOL_SHARE * most]
    _, strongest = max(kept, key=lambda each: each[0])
    by_spacing = {m.spacing_hz: (c, m) for c, m in kept}
    if 15e3 in by_spacing and strongest.as_lte and most <= HALF_SYMBOL * by_spacing[15e3][0]:
        strongest = by_spacing[15e3][1]
    spacing = strongest.spacing_hz
    agree = [m for _, m in kept if m is strongest or (spacing == 15e3 and m.as_lte)]
    return spacing, agree


def _words(meaning: LagMeaning, spacing: float | None) -> str:
    return meaning.as_lte if spacing == 15e3 and meaning.as_lte else meaning.words


def features(statistics: EmissionStatistics, shape: EmissionShape) -> np.ndarray:
    """What a learned judge is told of an emission, float32 (features,), each about 0 to 1.

    In this order, for C classes and L lags:
        C - 1: probability by the mean votes, of each class but noise;
        C - 1: mean log probability of the same, over 4;
        3 L: for each lag the excess coherence over the controls, of a control its coherence; log10
        of 1 + that over the floor, over 2; and whether the lag could be judged (1 or 0; the other
        two are 0 where not);
        1: log10 of the bandwidth in MHz, over 2;
        1: log10 of the time on the air in ms, over 2;
        1: share of the time from its first to its last row in which it is on;
        1: share of its frame from its first to its last row;
        1: SNR in dB up to MOST_SNR_DB, over 30: where there is no noise it is any number;
        1: log10 of 1 + the cells of evidence, over 4;
        1: log10 of 1 + the pixels, over 6;
        1: at how many of the span's ends it may go on beyond, over 2.
    """
    classes = np.arange(len(statistics.votes)) != NOISE_CLASS
    excess, floors = excess_coherence(statistics), statistics.floors
    controls = [is_control(lag) for lag in statistics.lags]
    excess = np.where(controls, statistics.magnitudes, excess)
    judged = np.isfinite(excess) & np.isfinite(floors)
    excess = np.where(judged, excess, 0.0)
    over = np.where(judged, excess / np.maximum(floors, 1e-6), 0.0)
    by_lag = np.stack([excess, np.log10(1 + over) / 2, judged], axis=1).ravel()
    rest = [
        np.log10(max(shape.bandwidth, 1e3) / 1e6) / 2,
        np.log10(max(shape.on_time, 1e-6) * 1e3) / 2,
        min(shape.on_time / max(shape.duration, 1e-9), 1.0),
        min(shape.duration / max(shape.frame_duration, 1e-9), 1.0),
        min(shape.snr_db, MOST_SNR_DB) / 30,
        np.log10(1 + statistics.cells) / 4,
        np.log10(1 + statistics.pixels) / 6,
        shape.cut_ends / 2,
    ]
    votes = [statistics.probabilities[classes], statistics.mean_votes[classes] / 4]
    return np.concatenate([*votes, by_lag, rest]).astype(np.float32)


def vote_count(classes: int) -> int:
    """How many of the :func:`features`, the first, are the network's votes."""
    return 2 * (classes - 1)


def feature_count(classes: int, lags: int) -> int:
    """Length of what :func:`features` answers."""
    return vote_count(classes) + 3 * lags + 8
