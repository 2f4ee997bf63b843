# SPDX-License-Identifier: GPL-3.0-or-later
"""The emissions of a frame's truth: whose each pixel is, and what is known of each.

What one carrier sends is one emission: a TDD downlink and its phones, an NR cell's SS/PBCH blocks
and its data, however far apart they lie in frequency. LTE and NR that share a carrier are two. Of
kinds without a channel of their own (:data:`.strata.MANY_BANDS`) each band that is used is one:
nobody who does not listen to the contents could tell more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from radiofm_core.spectrum.detections import MIN_PIXELS

from ...waveforms.scene import NOBODY
from .strata import MANY_BANDS

NO_EMISSION = 255
# A part of an emission that is smaller than a detection and than this share of the largest part is
# a speck: it says nothing of where the emission is.
SPECK_SHARE = 0.02
# Shares of the power below the lower and the upper edge of an occupied bandwidth
OUTSIDE = 0.005, 0.995
# Columns that may lie empty within a band
BAND_GAP_COLS = 2
EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


class Source(NamedTuple):
    """What the generator drew: emissions of the same ``number`` and ``kind`` are of one
    transmitter or carrier; ``subcarrier_hz`` of LTE and NR."""

    number: int
    kind: str
    subcarrier_hz: float | None


class Box(NamedTuple):
    """Rows and columns, ends exclusive."""

    first_row: float
    end_row: float
    low_col: float
    high_col: float

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        rows = min(self.end_row, other.end_row) - max(self.first_row, other.first_row)
        cols = min(self.high_col, other.high_col) - max(self.low_col, other.low_col)
        both = max(rows, 0.0) * max(cols, 0.0)
        return both / max(self.area + other.area - both, 1e-12)

    @property
    def area(self) -> float:
        """Pixels."""
        return (self.end_row - self.first_row) * (self.high_col - self.low_col)


def emissions_of(
    owner: np.ndarray, power: np.ndarray, sources: Sequence[Source]
) -> tuple[np.ndarray, list[dict]]:
    """uint8 (rows, cols): the emission of each pixel, NO_EMISSION of those that belong to none or
    are specks; and of each emission, JSON-ready: ``kind``, ``subcarrier_hz`` (or None), ``snr_db``
    (the median over its pixels, as heard), ``pixels``, ``box``, around all of them, and
    ``occupied``: that of the occupied bandwidth.

    Args:
        owner: (rows, cols), place in ``sources`` (NOBODY: none), as in
            :class:`~training.waveforms.scene.Truth`; places beyond are the receiver's own.
        power: (rows, cols), the owner's over the noise's.
        sources: in the order of the generator's emissions.
    """
    emission_of = np.full(owner.shape, NO_EMISSION, np.uint8)
    out: list[dict] = []
    keys = dict.fromkeys((source.number, source.kind) for source in sources)
    for key in keys:
        own_sources = [i for i, s in enumerate(sources) if (s.number, s.kind) == key]
        own = np.isin(owner, own_sources) & (owner != NOBODY)
        spacing = sources[own_sources[0]].subcarrier_hz
        for part in _parts(own, together=key[1] not in MANY_BANDS):
            if len(out) == NO_EMISSION:
                break
            emission_of[part] = len(out)
            out.append(
                {
                    "kind": key[1],
                    "subcarrier_hz": spacing,
                    "snr_db": round(float(10 * np.log10(np.median(power[part]) + 1e-12)), 2),
                    "pixels": int(part.sum()),
                    "box": list(map(int, box_of(part))),
                    "occupied": list(map(int, occupied_by(part, power))),
                }
            )
    return emission_of, out


def _parts(own: np.ndarray, together: bool) -> list[np.ndarray]:
    """The emissions among pixels of one source (bool (rows, cols)), without specks: all of them
    ``together``, or band by band."""
    if not own.any():
        return []
    own = without_specks(own)
    if together:
        return [own]
    used = np.pad(own.any(0), BAND_GAP_COLS)
    closed = ndimage.binary_closing(used, np.ones(BAND_GAP_COLS + 1, bool))
    bands, count = ndimage.label(closed[BAND_GAP_COLS:-BAND_GAP_COLS])
    return [own & (bands == band) for band in range(1, count + 1)]


def without_specks(own: np.ndarray) -> np.ndarray:
    """bool (rows, cols) without parts that are smaller than a detection and much smaller than the
    largest."""
    parts, count = ndimage.label(own, EIGHT_NEIGHBOURS)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    return (sizes >= min(MIN_PIXELS, SPECK_SHARE * sizes.max()))[parts] & own


def box_of(own: np.ndarray) -> Box:
    """Around the True pixels of (rows, cols), of which there is one or more."""
    rows, cols = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    return Box(int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1)


def occupied_by(own: np.ndarray, power: np.ndarray) -> Box:
    """The same rows, and the columns of the occupied bandwidth, which leaves half a per cent of the
    pixels' ``power`` on either side (ITU-R SM.328): without the skirts of a strong emission."""
    reached = np.cumsum(np.where(own, power, 0.0).sum(0))
    low, high = np.searchsorted(reached, np.array(OUTSIDE) * reached[-1])
    return box_of(own)._replace(low_col=int(low), high_col=int(high) + 1)
