# SPDX-License-Identifier: GPL-3.0-or-later
"""Which subcarriers carry a channel estimate: data and pilots of each 802.11 format and width.

Indices count from the centre of the packet's own band, 0 is DC (IEEE Std 802.11-2020, 17.3.5.10
for 20 MHz non-HT, 19.3.9 and 19.3.11 for HT, 21.3.7 for VHT, 802.11ax-2021 27.3.10 for HE).
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError

SPACING_HZ = 312.5e3
# 802.11ax has four times as many subcarriers in the same band
HE_SPACING_HZ = 78.125e3

MAX_INDEX = 2048


def symmetric(first: int, last: int) -> np.ndarray:
    """``-last…-first`` and ``first…last``: int16 (2 (last - first + 1),)."""
    upper = np.arange(first, last + 1, dtype=np.int16)
    return np.concatenate([-upper[::-1], upper])


NON_HT_20 = symmetric(1, 26)
HT_20 = symmetric(1, 28)
HT_40 = symmetric(2, 58)
VHT_80 = symmetric(2, 122)
# Two VHT 80 MHz halves, each centred 128 subcarriers from the middle
VHT_160 = np.concatenate([VHT_80 - np.int16(128), VHT_80 + np.int16(128)])
HE_20 = symmetric(2, 122)
HE_40 = symmetric(3, 244)
HE_80 = symmetric(3, 500)
HE_160 = np.concatenate([HE_80 - np.int16(512), HE_80 + np.int16(512)])

# What the Intel 5300 reports: 30 groups (802.11n-2009, table 7-25f, Ng = 2 at 20 MHz and 4 at 40)
INTEL_5300_20 = np.array([*range(-28, -1, 2), -1, *range(1, 28, 2), 28], np.int16)
INTEL_5300_40 = np.arange(-58, 59, 4, dtype=np.int16)

# For arrays that come without indices
_BY_COUNT = {len(table): table for table in (NON_HT_20, HT_20, HT_40, VHT_80, VHT_160)}
_BY_COUNT[len(INTEL_5300_20)] = INTEL_5300_20


def usual_indices(count: int) -> np.ndarray:
    """The indices that ``count`` subcarriers without a list of them most likely have.

    30 as the Intel 5300 at 20 MHz, 52, 56, 114, 242 and 484 as 802.11 at 20 to 160 MHz; any other
    number lies evenly about DC, as an FFT whose negative frequencies come first.

    Args:
        count: how many.

    Returns:
        int16 (count,), ascending.

    Raises:
        InputError: fewer than one, or more than 802.11 knows (4096).
    """
    if not 1 <= count <= 2 * MAX_INDEX:
        raise InputError(f"expected 1 to {2 * MAX_INDEX} subcarriers, got {count} subcarriers")
    if count in _BY_COUNT:
        return _BY_COUNT[count]
    return np.arange(count, dtype=np.int16) - np.int16(count // 2)


def told_indices(numbers: np.ndarray) -> np.ndarray:
    """The indices that a source lists.

    Args:
        numbers: (subcarriers,) of any real type.

    Returns:
        int16 (subcarriers,), ascending.

    Raises:
        InputError: not whole numbers that ascend, or beyond MAX_INDEX.
    """
    # Not a number fails each comparison
    if not (
        np.all(np.abs(numbers) <= MAX_INDEX)
        and np.array_equal(numbers, np.floor(numbers))
        and np.all(np.diff(numbers) > 0)
    ):
        raise InputError(
            f"subcarriers: expected ascending integers within ±{MAX_INDEX}, the indices of 802.11"
        )
    return numbers.astype(np.int16)
