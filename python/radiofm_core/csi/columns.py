# SPDX-License-Identifier: GPL-3.0-or-later
"""From the subcarriers that a receiver tells to the columns of a CSI window."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .spec import CsiSpec
from .subcarriers import SPACING_HZ

# The widest hole that is interpolated (Hz): the four subcarriers between two that an Intel 5300
# reports of 40 MHz. The channel of a room with 100 ns of delay spread still is one across it.
MAX_HOLE_HZ = 1.25e6
# Channels above 20 MHz, and 802.11ax's narrow subcarriers, leave more of them empty around DC
_WIDE_HZ = 20e6
_NARROW_SUBCARRIER_HZ = SPACING_HZ / 2


class SubcarrierMap:
    """Linear interpolation over frequency from one layout to a spec's columns.

    Args:
        subcarriers: int (layout,), ascending indices of 802.11.
        subcarrier_hz: their spacing.
        spec: the window's definition.

    Raises:
        InputError: indices that do not ascend, a layout that does not cover the spec's span or
            has a hole above MAX_HOLE_HZ in it.
    """

    def __init__(self, subcarriers: np.ndarray, subcarrier_hz: float, spec: CsiSpec):
        indices = np.asarray(subcarriers, np.int64)
        if indices.ndim != 1 or indices.size < 2 or np.any(np.diff(indices) <= 0):
            raise InputError("expected subcarrier indices in ascending order, each once")
        if not (np.isfinite(subcarrier_hz) and subcarrier_hz > 0):
            raise InputError(f"expected a subcarrier spacing above 0 Hz, got {subcarrier_hz!r}")
        used = np.flatnonzero(np.abs(indices) > _empty_around_dc(indices, subcarrier_hz))
        there = indices[used] * float(subcarrier_hz)
        wanted = spec.frequencies_hz
        slack = 1e-3 * subcarrier_hz
        if there.size < 2 or there[0] > wanted[0] + slack or there[-1] < wanted[-1] - slack:
            low, high = (there[0], there[-1]) if there.size else (0.0, 0.0)
            raise InputError(
                f"the packet's {indices.size} subcarriers span {low / 1e6:+.4g} to "
                f"{high / 1e6:+.4g} MHz, the windows need {wanted[0] / 1e6:+.4g} to "
                f"{wanted[-1] / 1e6:+.4g} MHz; use packets of a wider channel or another spec"
            )
        above = np.clip(np.searchsorted(there, wanted), 1, there.size - 1)
        hole = float(np.max(there[above] - there[above - 1]))
        if hole > MAX_HOLE_HZ + slack:
            raise InputError(
                f"the packet's subcarriers have a hole of {hole / 1e6:.4g} MHz, more than the "
                f"{MAX_HOLE_HZ / 1e6:.4g} MHz that are interpolated; use other packets"
            )
        share = (wanted - there[above - 1]) / (there[above] - there[above - 1])
        # on a subcarrier to within rounding is on it: no trace of its neighbour
        share = np.clip(
            np.where(np.abs(share - np.round(share)) < 1e-6, np.round(share), share), 0, 1
        )
        self._weights = np.zeros((indices.size, wanted.size), np.float32)
        columns = np.arange(wanted.size)
        self._weights[used[above - 1], columns] = 1 - share
        self._weights[used[above], columns] += share.astype(np.float32)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Finite (..., layout) float32 or complex64 -> (..., columns)."""
        return values @ self._weights


def _empty_around_dc(indices: np.ndarray, subcarrier_hz: float) -> int:
    """Indices up to this magnitude carry nothing, though a receiver may report them."""
    is_wide = (indices[-1] - indices[0]) * subcarrier_hz > _WIDE_HZ + subcarrier_hz
    return int(is_wide) + int(subcarrier_hz < _NARROW_SUBCARRIER_HZ)
