# SPDX-License-Identifier: GPL-3.0-or-later
"""From a frame's mask to detections, in Hz, seconds and samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from radiofm_core.spectrum.detections import MIN_PIXELS, UNKNOWN, Detection, FrameGeometry

from ..radiofm_python import find_components


def find_detections(
    mask: np.ndarray,
    confidence: np.ndarray,
    power_db: np.ndarray,
    geometry: FrameGeometry | Mapping,
    class_names: Sequence[str],
    min_confidence: float = 0.5,
) -> list[Detection]:
    """Detections in one frame, by start and then frequency.

    What the energy gate finds empty is left out, whatever the mask says, unless the frame holds
    no noise to compare it with.

    Args:
        mask: uint8 (rows, cols), indexes into ``class_names``; 0 is noise.
        confidence: float32 (rows, cols), 0..1.
        power_db: float32 (rows, cols), the frame's mean power.
        geometry: where the pixels lie, or the frame's dict.
        class_names: the bundle's classes in mask order.
        min_confidence: components whose mean confidence is lower are called ``unknown``.
    """
    if not isinstance(geometry, FrameGeometry):
        geometry = FrameGeometry.from_frame(geometry)
    components = find_components(
        mask, confidence, power_db, len(class_names), geometry.looks, MIN_PIXELS
    )
    found = [_detection(one, geometry, class_names, min_confidence) for one in components]
    return sorted(found, key=lambda d: (d.start_offset, d.center_frequency))


def _detection(one: tuple, geometry: FrameGeometry, names, min_confidence: float) -> Detection:
    index, confidence, first_row, end_row, low_col, high_col, snr_db, pwr_db = one
    low, high = geometry.edge_frequency(low_col), geometry.edge_frequency(high_col)
    return Detection(
        label=names[index] if confidence >= min_confidence else UNKNOWN,
        confidence=confidence,
        center_frequency=(low + high) / 2,
        bandwidth=high - low,
        start_time=geometry.row_time(first_row),
        duration=(end_row - first_row) * geometry.row_duration,
        start_offset=geometry.sample_offset + first_row * geometry.row_samples,
        end_offset=geometry.sample_offset + end_row * geometry.row_samples,
        snr_db=snr_db,
        pwr_db=pwr_db,
    )
