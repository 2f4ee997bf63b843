# SPDX-License-Identifier: GPL-3.0-or-later
"""What the network and the samples say of an emission, summed up over its pixels and cells.

The sums of an emission's frames add up to the emission's: each frame is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .detections import NOISE_CLASS
from .evidence_grid import EvidenceGrid
from .spec import SpectrogramSpec

# A pixel says no more than this against a class (probability): one that is sure and wrong must not
# outweigh all others
LEAST_PROBABILITY = 0.01


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


def gather(
    group_of: np.ndarray,
    groups: int,
    mask: np.ndarray,
    confidence: np.ndarray,
    power_db: np.ndarray,
    classes: int,
    class_scores: np.ndarray | None = None,
    planes: EvidencePlanes | None = None,
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
    """
    at = np.flatnonzero(group_of.ravel() >= 0)
    of = group_of.ravel()[at].astype(np.intp)
    pixels = np.bincount(of, minlength=groups).astype(float)
    if class_scores is None:
        votes = _votes_of_mask(of, mask.ravel()[at], confidence.ravel()[at], groups, classes)
    else:
        votes = _votes_of_scores(of, at, group_of.shape, groups, class_scores)
    if planes is None:
        return [EmissionStatistics(votes[n], float(pixels[n])) for n in range(groups)]
    coherence, weight, spread, cells = _evidence(of, at, power_db, groups, planes)
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


def _votes_of_mask(of, labels, confidence, groups: int, classes: int) -> np.ndarray:
    """Votes (groups, classes) where only the winner's probability is known: what is left is shared
    by the other classes evenly."""
    rest = (1.0 - confidence) / max(classes - 2, 1)
    place = of * classes + labels

    def sums(probability: np.ndarray) -> np.ndarray:
        logs = np.log(np.clip(probability, LEAST_PROBABILITY, 1.0))
        return np.bincount(place, logs, groups * classes).reshape(groups, classes)

    own, others = sums(confidence), sums(rest)
    votes = own + others.sum(1, keepdims=True) - others
    votes[:, NOISE_CLASS] = 0.0
    return votes


def _votes_of_scores(of, at, shape, groups: int, scores: np.ndarray) -> np.ndarray:
    """Votes (groups, classes) of log probabilities (classes, cell rows, cell columns)."""
    classes, cell_rows, cell_cols = scores.shape
    rows, cols = np.divmod(at, shape[1])
    cell = (rows * cell_rows // shape[0]) * cell_cols + cols * cell_cols // shape[1]
    size = cell_rows * cell_cols
    counts = np.bincount(of * size + cell, minlength=groups * size).reshape(groups, size)
    logs = np.nan_to_num(scores.reshape(classes, size).astype(float), nan=-100.0)
    logs = np.clip(logs, -100.0, 0.0)
    logs = np.delete(logs, NOISE_CLASS, axis=0)
    # given that it is not noise
    logs -= np.log(np.exp(logs - logs.max(0)).sum(0)) + logs.max(0)
    votes = counts @ np.maximum(logs, np.log(LEAST_PROBABILITY)).T
    return np.insert(votes, NOISE_CLASS, 0.0, axis=1)


def _evidence(of, at, power_db: np.ndarray, groups: int, planes: EvidencePlanes) -> tuple:
    """(coherence, weight, spread) (groups, lags) and the number of cells (groups,).

    A cell counts by the group's power in it, and by the group's share of the cell's power: the
    rest of its coherence is of others.
    """
    _, _, cell_rows, cell_cols = planes.values.shape
    size = cell_rows * cell_cols
    cols = power_db.shape[1]
    row, col = np.divmod(np.arange(power_db.size), cols)
    cell = np.minimum(row // planes.cell_rows, cell_rows - 1) * cell_cols + col * cell_cols // cols
    power = np.power(10.0, np.clip(np.nan_to_num(power_db.ravel(), nan=-300.0), -300, 300) / 10)
    whole = np.bincount(cell, power, size)
    own = np.bincount(of * size + cell[at], power[at], groups * size).reshape(groups, size)
    weights = own * (own / np.maximum(whole, 1e-300))
    values = planes.values.reshape(len(planes.lags), 2, size).astype(float)
    judged = np.isfinite(values).all(1)
    values = np.where(judged[:, None], values, 0.0)
    coherence = (values[:, 0] + 1j * values[:, 1]).T
    return (
        weights @ coherence,
        weights @ judged.T.astype(float),
        weights**2 @ judged.T.astype(float) / planes.looks,
        np.count_nonzero(weights > 0, axis=1),
    )
