# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams that hold no channel: a chip that repeats itself, values at their limit, noise alone.

A receiver's noise makes each estimate another one, so estimates that come again were not measured.
"""

from __future__ import annotations

from collections import Counter, deque

import numpy as np

# Estimates that are compared with a new one, so that loops of that many are found
REMEMBERED = 256
# Shapes (of norm 1) that differ by less are the same: noise 70 dB down differs by more
SHAPE_STEP = 1e-4
# An estimate with this share of its values at the largest one is clipped, or all of one value
MOST_AT_LIMIT = 0.5
# A window with this share of its packets, or of its subcarriers, that say nothing is refused
MOST_IDLE = 0.5
CONSTANT, NOISE = "constant", "noise"
REPEATED_WORDS = "the receiver repeats its estimates or clips them"
FAULT_WORDS = {
    CONSTANT: "the receiver repeats its estimates or clips them, or they never change",
    NOISE: "the receiver tells noise alone, no channel",
}
# Between subcarriers this far apart the channel differs little, in dB; noise alone by 8 dB
APART = 4
NOISE_DB = 4.5
_SMALLEST = 1e-12


class Repeats:
    """Finds estimates of one stream that were not measured."""

    def __init__(self):
        self._last: deque[int] = deque(maxlen=REMEMBERED)
        self._known: Counter[int] = Counter()

    def take(self, csi: np.ndarray, shape: np.ndarray) -> bool:
        """Whether a packet's estimate came before, or is at its limit.

        Args:
            csi: (antennas, subcarriers), as received.
            shape: float32 (values,), of norm 1.
        """
        mark = hash(np.round(shape / SHAPE_STEP).astype(np.int32).tobytes())
        is_known = self._known[mark] > 0
        if len(self._last) == REMEMBERED:
            oldest = self._last[0]
            self._known[oldest] -= 1
            if not self._known[oldest]:
                del self._known[oldest]
        self._last.append(mark)
        self._known[mark] += 1
        return is_known or is_at_limit(csi)


def is_at_limit(csi: np.ndarray) -> bool:
    """Whether most values of (antennas, subcarriers) are as large as the largest one."""
    csi = np.ascontiguousarray(csi)
    size = np.abs(csi.view(csi.real.dtype) if np.iscomplexobj(csi) else csi)
    return bool(np.count_nonzero(size == size.max()) > MOST_AT_LIMIT * size.size)


def window_fault(amplitude: np.ndarray) -> tuple[str, str]:
    """Why nothing can be told from a window: (CONSTANT or NOISE, one line), or two empty texts.

    Args:
        amplitude: float32 (rows, columns, antennas), in any unit.
    """
    middle = amplitude.mean(axis=0)
    idle = np.abs(amplitude - middle).max(axis=0) <= 1e-6 * middle
    share = float(idle.mean())
    if share >= MOST_IDLE:
        return CONSTANT, f"{100 * share:.0f} % of the subcarriers never change in a window"
    if amplitude.shape[1] <= APART:
        return "", ""
    level = 20 * np.log10(np.maximum(amplitude, _SMALLEST))
    apart = level[:, APART:] - level[:, :-APART]
    noise_db = float(np.median(apart.std(axis=0)[~(idle[APART:] | idle[:-APART])]))
    if noise_db > NOISE_DB:
        return NOISE, (
            f"neighbouring subcarriers differ by {noise_db:.0f} dB from packet to packet, as of "
            "noise alone"
        )
    return "", ""
