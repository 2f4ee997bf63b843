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
# Of channels and subcarriers that leave more of them empty around DC
_WIDE_HZ = 20e6
_NARROW_SUBCARRIER_HZ = SPACING_HZ / 2
# 160 MHz are two halves of 80 MHz with nothing in the middle: of those the lower one is taken
_TWO_HALVES_HZ = 120e6
_LOWER_HALF_HZ = -40e6


class SubcarrierMap:
    """Linear interpolation over frequency from one layout to a spec's columns.

    Args:
        subcarriers: int (layout,), ascending indices of 802.11.
        subcarrier_hz: their spacing.
        spec: the window's definition.
        centre_hz, width_hz: of the channel within the layout's that the columns are of; a width of
            0: the layout's own.
        left_out: bool (layout,): subcarriers that hold no channel; None: none. A column up to half
            of MAX_HOLE_HZ beyond the outermost ones that are left has the value of the nearest.

    Raises:
        InputError: indices that do not ascend, a layout that does not cover the spec's span or
            has a hole above MAX_HOLE_HZ in it.
    """

    def __init__(
        self,
        subcarriers: np.ndarray,
        subcarrier_hz: float,
        spec: CsiSpec,
        centre_hz: float = 0.0,
        width_hz: float = 0.0,
        left_out: np.ndarray | None = None,
    ):
        indices = np.asarray(subcarriers, np.int64)
        if indices.ndim != 1 or indices.size < 2 or np.any(np.diff(indices) <= 0):
            raise InputError("expected subcarrier indices in ascending order, each once")
        if not (np.isfinite(subcarrier_hz) and subcarrier_hz > 0):
            raise InputError(f"expected a subcarrier spacing above 0 Hz, got {subcarrier_hz!r}")
        used = usable(indices, subcarrier_hz, centre_hz, width_hz)
        reach = 0.0
        if left_out is not None and left_out.any():
            used = used[~left_out[used]]
            reach = MAX_HOLE_HZ / 2
        there = indices[used] * float(subcarrier_hz) - centre_hz
        if not width_hz and there.size and there[-1] - there[0] > _TWO_HALVES_HZ:
            there = there - _LOWER_HALF_HZ
        wanted = spec.frequencies_hz
        slack = 1e-3 * subcarrier_hz
        beyond = slack + reach
        if there.size < 2 or there[0] > wanted[0] + beyond or there[-1] < wanted[-1] - beyond:
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


def usable(
    subcarriers: np.ndarray, subcarrier_hz: float, centre_hz: float = 0.0, width_hz: float = 0.0
) -> np.ndarray:
    """Positions in a layout that may hold a channel: not those around DC.

    Args:
        subcarriers: int (layout,), ascending.
        subcarrier_hz: their spacing.
        centre_hz, width_hz: of a channel within the layout's; a width of 0: the layout's own.

    Returns:
        int (positions,), ascending.
    """
    indices = np.asarray(subcarriers, np.int64)
    if width_hz:
        indices = indices - round(centre_hz / subcarrier_hz)
        is_inside = np.abs(indices) * subcarrier_hz <= width_hz / 2
    else:
        width_hz = (indices[-1] - indices[0]) * subcarrier_hz - subcarrier_hz
        is_inside = True
    # channels above 20 MHz, and 802.11ax's narrow subcarriers, leave more of them empty around DC
    empty = int(width_hz > _WIDE_HZ) + int(subcarrier_hz < _NARROW_SUBCARRIER_HZ)
    return np.flatnonzero((np.abs(indices) > empty) & is_inside)
