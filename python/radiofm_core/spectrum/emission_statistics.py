# SPDX-License-Identifier: GPL-3.0-or-later
"""What the network and the samples say of an emission, summed up over its pixels and cells.

The sums of an emission's frames add up to the emission's: each frame is looked at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from .detections import NOISE_CLASS
from .evidence_grid import EvidenceGrid
from .lags import controls_of
from .spec import SpectrogramSpec

# A pixel says no more than this against a class (probability): one that is sure and wrong must not
# outweigh all others
LEAST_PROBABILITY = 0.01
# Probabilities are counted in so many steps before their logarithms are taken
LEVELS = 1001
# Cells with so much of the power of most others count half
FAINT_SHARE = 0.1


@dataclass(frozen=True)
class EvidencePlanes:
    """Coherence of a frame's samples with themselves, cell by cell.

    ``values``: float32 (lags, 2, cell rows, cell columns), real and imaginary part, NaN where a
    lag cannot be judged. ``lags``: seconds. ``cell_rows``: rows of the frame in a cell. ``looks``:
    independent samples in a cell; where nothing repeats the magnitude is about 1/sqrt(looks).
    """

    values: np.ndarray
    lags: tuple[float, ...]
    cell_rows: int
    looks: float

    @classmethod
    def of(
        cls, values: np.ndarray, spec: SpectrogramSpec, sample_rate: float, row_samples: int
    ) -> EvidencePlanes:
        """Those of a frame of ``spec``, at ``sample_rate`` (S/s), with rows of ``row_samples``."""
        grid = EvidenceGrid.of(spec, sample_rate, row_samples // spec.hop)
        return cls(values, spec.evidence_lags, spec.row_multiple, grid.looks)


@dataclass(frozen=True)
class EmissionStatistics:
    """Sums over an emission's pixels and cells.

    ``votes``: by class (noise is 0), sums of log probabilities that it is this class, given that
    it is not noise, over ``pixels`` pixels. By lag (s) of ``lags``: ``coherence``, the sum of
    coherence x weight of the cells; ``weight``, the sum of the weights; ``spread``, the sum of
    weight^2 / independent samples of the cell. ``cells``: how many cells of evidence there are.
    """

    votes: np.ndarray
    pixels: float
    lags: tuple[float, ...] = ()
    coherence: np.ndarray = field(default_factory=lambda: np.zeros(0, complex))
    weight: np.ndarray = field(default_factory=lambda: np.zeros(0))
    spread: np.ndarray = field(default_factory=lambda: np.zeros(0))
    cells: float = 0.0

    def __add__(self, other: EmissionStatistics) -> EmissionStatistics:
        """Both together; they are of the same model."""
        return EmissionStatistics(
            self.votes + other.votes,
            self.pixels + other.pixels,
            self.lags,
            self.coherence + other.coherence,
            self.weight + other.weight,
            self.spread + other.spread,
            self.cells + other.cells,
        )

    def faded(self, share: float) -> EmissionStatistics:
        """The same, counting only by ``share`` (0 to 1)."""
        return EmissionStatistics(
            share * self.votes,
            share * self.pixels,
            self.lags,
            share * self.coherence,
            share * self.weight,
            share**2 * self.spread,
            share * self.cells,
        )

    @property
    def mean_votes(self) -> np.ndarray:
        """Mean log probability by class; -inf for noise."""
        means = self.votes / max(self.pixels, 1e-30)
        means[NOISE_CLASS] = -np.inf
        return means

    @property
    def probabilities(self) -> np.ndarray:
        """Of each class by the mean votes, together 1; 0 for noise."""
        means = self.mean_votes
        scaled = np.exp(means - means.max())
        return scaled / scaled.sum()

    @property
    def magnitudes(self) -> np.ndarray:
        """Coherence by lag, 0 to 1; NaN where it cannot be judged."""
        return np.abs(self.coherence) / np.where(self.weight > 0, self.weight, np.nan)

    @property
    def floors(self) -> np.ndarray:
        """What :attr:`magnitudes` are about where nothing repeats; NaN where not judged."""
        return np.sqrt(self.spread) / np.where(self.weight > 0, self.weight, np.nan)


#: As :func:`sum_cells`
CellSums = Callable[[np.ndarray, int, np.ndarray, int, int, float], np.ndarray]


def sum_cells(
    group_of: np.ndarray,
    groups: int,
    values: np.ndarray,
    cell_rows: int,
    cell_cols: int,
    cell_height: float,
) -> np.ndarray:
    """Sums of a frame's values by group and cell; the C++ ``group_sums`` is its fast twin.

    Args:
        group_of: int16 (rows, cols), the group of each pixel; -1: none.
        groups: how many there are.
        values: float32 (rows, cols).
        cell_rows, cell_cols: cells in the frame.
        cell_height: rows in a cell; rows beyond the last cell count to it.

    Returns:
        float64 (groups + 1, cell_rows x cell_cols); the last are those of all pixels.
    """
    rows, cols = values.shape
    size = cell_rows * cell_cols
    row = np.minimum((np.arange(rows) / cell_height).astype(np.intp), cell_rows - 1)
    col = np.arange(cols) * cell_cols // max(cols, 1)
    cell = (row[:, None] * cell_cols + col).ravel()
    place = np.where(group_of >= 0, group_of, groups).ravel().astype(np.intp) * size + cell
    sums = np.bincount(place, values.ravel(), (groups + 1) * size).reshape(groups + 1, size)
    sums[groups] = np.bincount(cell, values.ravel(), size)
    return sums


def gather(
    group_of: np.ndarray,
    groups: int,
    mask: np.ndarray,
    confidence: np.ndarray,
    power_db: np.ndarray,
    classes: int,
    class_scores: np.ndarray | None = None,
    planes: EvidencePlanes | None = None,
    cell_sums: CellSums = sum_cells,
) -> list[EmissionStatistics]:
    """The statistics of each group of a frame.

    Args:
        group_of: int16 (rows, cols), the group of each pixel; -1: none.
        groups: how many there are.
        mask: uint8 (rows, cols) of class indexes.
        confidence: float32 (rows, cols), the probability of that class.
        power_db: float32 (rows, cols).
        classes: how many, noise counted.
        class_scores: float32 (classes, rows / 4, cols / 4), log probabilities, where the model
            answers them.
        planes: the frame's evidence, if there is any.
        cell_sums: what sums values by group and cell.
    """
    if class_scores is None:
        pixels, votes = _votes_of_mask(group_of, mask, confidence, groups, classes)
    else:
        pixels, votes = _votes_of_scores(group_of, groups, class_scores, cell_sums)
    if planes is None:
        return [EmissionStatistics(votes[n], float(pixels[n])) for n in range(groups)]
    coherence, weight, spread, cells = _evidence(group_of, groups, power_db, planes, cell_sums)
    return [
        EmissionStatistics(
            votes[n],
            float(pixels[n]),
            planes.lags,
            coherence[n],
            weight[n],
            spread[n],
            float(cells[n]),
        )
        for n in range(groups)
    ]


def _votes_of_mask(
    group_of, mask, confidence, groups: int, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (groups,) and votes (groups, classes) where only the winner's probability is known:
    what is left is shared by the other classes evenly."""
    at = np.flatnonzero(group_of.ravel() >= 0)
    of = group_of.ravel()[at].astype(np.int32)
    labels, confidence = mask.ravel()[at], confidence.ravel()[at]
    level = (np.clip(confidence, 0.0, 1.0) * np.float32(LEVELS - 1) + np.float32(0.5)).astype(
        np.int32
    )
    place = (of * classes + labels) * LEVELS + level
    counts = np.bincount(place, minlength=groups * classes * LEVELS)
    counts = counts.reshape(groups, classes, LEVELS)
    own, rest = _level_logs(max(classes - 2, 1))
    own, others = counts @ own, counts @ rest
    votes = own + others.sum(1, keepdims=True) - others
    votes[:, NOISE_CLASS] = 0.0
    return np.bincount(of, minlength=groups).astype(float), votes


@lru_cache(maxsize=16)
def _level_logs(others: int) -> tuple[np.ndarray, np.ndarray]:
    """By level: log of a probability, and of what it leaves for each of so many others."""
    levels = np.linspace(0, 1, LEVELS)
    return tuple(
        np.log(np.clip(p, LEAST_PROBABILITY, 1.0)) for p in (levels, (1 - levels) / others)
    )


def _votes_of_scores(
    group_of, groups: int, scores: np.ndarray, cell_sums: CellSums
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (groups,) and votes (groups, classes) of log probabilities (classes, cell rows, cell
    columns)."""
    classes, cell_rows, cell_cols = scores.shape
    size = cell_rows * cell_cols
    height = max(group_of.shape[0], 1) / cell_rows
    ones = np.ones(group_of.shape, np.float32)
    counts = cell_sums(group_of, groups, ones, cell_rows, cell_cols, height)[:groups]
    logs = np.nan_to_num(scores.reshape(classes, size).astype(float), nan=-100.0)
    logs = np.clip(logs, -100.0, 0.0)
    logs = np.delete(logs, NOISE_CLASS, axis=0)
    # given that it is not noise
    logs -= np.log(np.exp(logs - logs.max(0)).sum(0)) + logs.max(0)
    votes = counts @ np.maximum(logs, math.log(LEAST_PROBABILITY)).T
    return counts.sum(1), np.insert(votes, NOISE_CLASS, 0.0, axis=1)


def _evidence(
    group_of, groups: int, power_db: np.ndarray, planes: EvidencePlanes, cell_sums: CellSums
) -> tuple:
    """(coherence, weight, spread) (groups, lags) and the number of cells (groups,).

    A cell counts by the group's share of its power, squared: the rest of its coherence is of
    others. Where the group is strong a cell says no more than where it is as strong as in most of
    its cells; where it is faint, less. And the more coherent a cell is at the controls, the less it
    counts: a narrow line in it, a spur, has its coherence at every lag.
    """
    _, _, cell_rows, cell_cols = planes.values.shape
    size = cell_rows * cell_cols
    level = np.clip(np.nan_to_num(power_db, nan=-300.0), -300, 300, dtype=np.float32)
    power = np.exp(level * np.float32(math.log(10) / 10))
    sums = cell_sums(group_of, groups, power, cell_rows, cell_cols, float(planes.cell_rows))
    own, whole = sums[:groups], sums[groups]
    share = own / np.maximum(whole, 1e-300)
    cells = share**2 * own / np.maximum(own + FAINT_SHARE * _usual(own), 1e-300)
    values = planes.values.reshape(len(planes.lags), 2, size).astype(float)
    judged = np.isfinite(values).all(1)
    values = np.where(judged[:, None], values, 0.0)
    certain = _certainty(values, judged, planes)
    real, imaginary = (cells @ (values[:, part] * certain).T for part in (0, 1))
    return (
        real + 1j * imaginary,
        cells @ certain.T,
        cells**2 @ (certain**2).T / planes.looks,
        np.count_nonzero(own, axis=1),
    )


def _usual(own: np.ndarray) -> np.ndarray:
    """Median power (groups, 1) of a group (groups, cells) in the cells in which it is."""
    ascending = np.sort(own, axis=1)
    empty = np.count_nonzero(own == 0, axis=1)
    middle = np.minimum((empty + own.shape[1]) // 2, own.shape[1] - 1)
    return np.take_along_axis(ascending, middle[:, None], axis=1)


def _certainty(values: np.ndarray, judged: np.ndarray, planes: EvidencePlanes) -> np.ndarray:
    """How much each cell's coherence tells of symbols and frames, 0 to 1 (lags, cells), 0 where it
    is not ``judged``: by the variance that the lag's controls show there, in units of noise's.
    ``values``: (lags, 2, cells)."""
    lags = planes.lags
    by_controls: dict[tuple, np.ndarray] = {}
    for lag in lags:
        controls = tuple(controls_of(lag, lags))
        if controls not in by_controls:
            chosen = list(controls)
            count = judged[chosen].sum(0)
            energy = planes.looks * (values[chosen] ** 2).sum((0, 1)) / np.maximum(count, 1)
            by_controls[controls] = 1.0 / (1.0 + np.where(count > 0, energy, 1.0))
    return judged * [by_controls[tuple(controls_of(lag, lags))] for lag in lags]
