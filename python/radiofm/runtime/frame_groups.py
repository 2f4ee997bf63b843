# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs together in a frame's mask, and what is known of it before it is judged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from radiofm_core import keys
from radiofm_core.model import BundleInfo
from radiofm_core.spectrum.bands import Band
from radiofm_core.spectrum.detections import MIN_PIXELS, FrameGeometry
from radiofm_core.spectrum.emission_statistics import EmissionStatistics, EvidencePlanes, gather
from radiofm_core.spectrum.noise_memory import FrameLevels
from radiofm_core.spectrum.verdict import EmissionShape

from ..radiofm_python import find_groups, group_sums
from .frame_batch import Segmented

# The shortest pause of an emission that its power tells, whatever the mask says: LTE sends
# reference signals every quarter of a millisecond
LEAST_PAUSE_S, LEAST_PAUSE_ROWS = 0.4e-3, 3
# What reaches so near (share of the span) to its end may go on beyond
END_SHARE = 0.02
# Carriers whose users get resource blocks here and there, now and then
SCHEDULED = ("lte", "nr")


@dataclass(frozen=True)
class Burst:
    """One time on the air of a group: rows and samples, Hz, dB."""

    group: int
    confidence: float
    first_row: int
    end_row: int
    low: float
    high: float
    snr_db: float
    pwr_db: float


@dataclass(frozen=True)
class FrameGroups:
    """The emissions of a frame: ``group_of`` (rows, cols), and for each group its place in
    ``bands``, ``shapes`` and ``statistics``; ``bursts`` by start and then frequency; ``levels``."""

    group_of: np.ndarray
    geometry: FrameGeometry
    bursts: list[Burst]
    bands: list[Band]
    shapes: list[EmissionShape]
    statistics: list[EmissionStatistics]
    levels: FrameLevels


def find_frame_groups(
    mask: np.ndarray,
    confidence: np.ndarray,
    power_db: np.ndarray,
    geometry: FrameGeometry | Mapping,
    class_names: Sequence[str],
    class_scores: np.ndarray | None = None,
    planes: EvidencePlanes | None = None,
) -> FrameGroups:
    """The emissions of a frame.

    What the energy gate finds empty is left out, whatever the mask says, unless the frame holds
    no noise to compare it with.

    Args:
        mask: uint8 (rows, cols), class indexes; 0 is noise.
        confidence: float32 (rows, cols), 0..1.
        power_db: float32 (rows, cols), the frame's mean power.
        geometry: where the pixels lie, or the frame's dict.
        class_names: the model's, noise first.
        class_scores, planes: what else is known: see
            :func:`radiofm_core.spectrum.emission_statistics.gather`.
    """
    if not isinstance(geometry, FrameGeometry):
        geometry = FrameGeometry.from_frame(geometry)
    pause_rows = max(LEAST_PAUSE_ROWS, round(LEAST_PAUSE_S / geometry.row_duration))
    classes = len(class_names)
    scheduled = [number for number, name in enumerate(class_names) if name in SCHEDULED]
    found, group_of = find_groups(
        *(mask, confidence, power_db, classes, geometry.looks, MIN_PIXELS, pause_rows, scheduled)
    )
    bursts = [_burst(one, geometry) for one in found]
    bursts.sort(key=lambda burst: (burst.first_row, burst.low + burst.high))
    groups = 1 + max((burst.group for burst in bursts), default=-1)
    by_group: list[list[Burst]] = [[] for _ in range(groups)]
    for burst in bursts:
        by_group[burst.group].append(burst)
    return FrameGroups(
        group_of,
        geometry,
        bursts,
        [_band(own) for own in by_group],
        [_shape(own, geometry, len(mask)) for own in by_group],
        gather(
            group_of,
            groups,
            mask,
            confidence,
            power_db,
            classes,
            class_scores,
            planes,
            group_sums,
        ),
        FrameLevels.measure(group_of, groups, power_db),
    )


def segmented_groups(
    answer: Segmented,
    frame_db: np.ndarray,
    evidence: np.ndarray | None,
    meta: Mapping,
    info: BundleInfo,
) -> FrameGroups:
    """:func:`find_frame_groups` of a model's answer.

    Args:
        answer: one without a problem.
        frame_db: float32 (channels, spec.rows, cols).
        evidence: float32 (lags, 2, spec.rows / row_multiple, 32), if the model takes any.
        meta: the frame's dict.
        info: of the model.
    """
    planes = None
    if evidence is not None:
        planes = EvidencePlanes.of(
            evidence, info.spec, meta[keys.SAMPLE_RATE], meta[keys.ROW_SAMPLES]
        )
    return find_frame_groups(
        answer.mask,
        answer.confidence,
        frame_db[0, : meta[keys.ROWS]],
        meta,
        info.class_names,
        answer.class_scores,
        planes,
    )


def _burst(one: tuple, geometry: FrameGeometry) -> Burst:
    group, confidence, first_row, end_row, low_col, high_col, snr_db, pwr_db = one
    low, high = geometry.edge_frequency(low_col), geometry.edge_frequency(high_col)
    return Burst(group, confidence, first_row, end_row, low, high, snr_db, pwr_db)


def _band(bursts: list[Burst]) -> Band:
    low, high = min(b.low for b in bursts), max(b.high for b in bursts)
    # of the widest: that of a narrow one would be that of a part
    widest = max(bursts, key=lambda b: b.high - b.low)
    return Band(low, high, widest.pwr_db)


def _shape(bursts: list[Burst], geometry: FrameGeometry, rows: int) -> EmissionShape:
    band = _band(bursts)
    lengths = [burst.end_row - burst.first_row for burst in bursts]
    first, end = min(b.first_row for b in bursts), max(b.end_row for b in bursts)
    snr = np.average([10 ** (burst.snr_db / 10) for burst in bursts], weights=lengths)
    return EmissionShape(
        bandwidth=band.width,
        on_time=sum(lengths) * geometry.row_duration,
        duration=(end - first) * geometry.row_duration,
        frame_duration=rows * geometry.row_duration,
        snr_db=10.0 * math.log10(max(snr, 1e-2)),
        cut_ends=_cut_ends(band, geometry),
    )


def _cut_ends(band: Band, geometry: FrameGeometry) -> int:
    """At how many of the span's ends a band may go on beyond."""
    low, high = geometry.edge_frequency(0), geometry.edge_frequency(geometry.cols)
    near = END_SHARE * geometry.sample_rate
    return int(band.low <= low + near) + int(band.high >= high - near)
