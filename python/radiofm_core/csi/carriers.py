# SPDX-License-Identifier: GPL-3.0-or-later
"""Which subcarriers of a stream hold a channel estimate, found from its packets.

Receivers report subcarriers that carry nothing (zeros, leakage, noise), and firmware leaves values
in some that are no estimate at all: up to 14,000 where the others are 200, another one in each
packet. A room's channel is smooth over frequency. A fade goes down in steps, over several
subcarriers; what falls off a cliff, stands out, or moves where its neighbours do not is no channel.
"""

from __future__ import annotations

import numpy as np

from .columns import MAX_HOLE_HZ

# Packets that tell which subcarriers hold a channel, and how many of them are needed
PACKETS = 32
LEAST_PACKETS = 16
# Positions at each side that a subcarrier is compared with
BESIDE = 8
# Above so many times the level of those, a subcarrier holds no channel; below this share of it, it
# may be empty, ...
FAR_ABOVE, FAR_BELOW = 4.0, 0.25
# ... and is where the level at both sides leads this far above it: not into a fade, where the last
# step down is as large as what is left
CLIFF, LEAST_LEFT = 4.0, 0.5
# What jumps against its neighbours by so much of their level, twice as much where they are at one
# side only, and so many times as much as the usual subcarrier does
JUMPS, JUMPS_AT_ENDS, JUMPS_OVER_USUAL = 0.2, 0.4, 3.0
_SMALLEST = 1e-30


def without_channel(csi: np.ndarray, subcarriers: np.ndarray, subcarrier_hz: float) -> np.ndarray:
    """Subcarriers of a stream that hold no channel estimate.

    Nothing is said of layouts so sparse that one left out would leave too wide a hole.

    Args:
        csi: (packets, antennas, subcarriers), complex or amplitudes: a stream's first packets.
        subcarriers: int (subcarriers,), ascending, without those that are known to be empty.
        subcarrier_hz: the spacing of indices.

    Returns:
        bool (subcarriers,).
    """
    none = np.zeros(csi.shape[-1], bool)
    if len(csi) < LEAST_PACKETS or csi.shape[-1] <= BESIDE:
        return none
    if 2 * np.median(np.diff(subcarriers)) * subcarrier_hz > MAX_HOLE_HZ:
        return none
    amplitude = np.abs(csi)
    gain = np.median(amplitude, axis=-1, keepdims=True)
    has_level = (gain > 0).all(axis=(1, 2))
    if np.count_nonzero(has_level) < LEAST_PACKETS:
        return none
    amplitude = amplitude[has_level] / gain[has_level]
    level = np.median(np.sqrt(np.mean(amplitude**2, axis=0)), axis=0)
    beside = _median_beside(level)
    foreign = level > FAR_ABOVE * beside
    foreign |= _jumps(_bridged(amplitude, foreign), beside)
    # runs longer than what a subcarrier is compared with are empty against all the others
    usual = np.full_like(beside, np.median(level[~foreign]))
    return foreign | _cliffs(level, beside, foreign) | _cliffs(level, usual, foreign)


def _median_beside(level: np.ndarray) -> np.ndarray:
    """Of each of (subcarriers,) the median within BESIDE positions."""
    padded = np.pad(level, BESIDE, constant_values=np.nan)
    return np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, 2 * BESIDE + 1), axis=-1)


def _bridged(amplitude: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """(..., subcarriers), with holes filled from the nearest subcarriers that are none."""
    sound, places = np.flatnonzero(~holes), np.flatnonzero(holes)
    if not places.size:
        return amplitude
    above = np.clip(np.searchsorted(sound, places), 1, sound.size - 1)
    low, high = sound[above - 1], sound[above]
    share = np.clip((places - low) / (high - low), 0, 1)
    found = amplitude.copy()
    found[..., places] = (1 - share) * amplitude[..., low] + share * amplitude[..., high]
    return found


def _jumps(amplitude: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """Where a subcarrier moves against the two at each side, which are its measure."""
    padded = np.pad(amplitude, ((0, 0), (0, 0), (2, 2)), mode="reflect")
    sides = np.stack([padded[..., shift : shift + amplitude.shape[-1]] for shift in (0, 1, 3, 4)])
    sides.sort(axis=0)
    apart = amplitude - (sides[1] + sides[2]) / 2
    moves = np.abs(apart - np.median(apart, axis=0)).mean(axis=0)
    moves = np.median(moves, axis=0)
    least = np.full(len(beside), JUMPS)
    least[[0, 1, -2, -1]] = JUMPS_AT_ENDS
    return (moves > least * beside) & (moves > JUMPS_OVER_USUAL * np.median(moves))


def _cliffs(level: np.ndarray, usual: np.ndarray, foreign: np.ndarray) -> np.ndarray:
    """Runs of subcarriers below ``usual`` with a cliff at each side."""
    low = (level < FAR_BELOW * usual) & ~foreign
    edges = np.flatnonzero(np.diff(np.r_[False, low, False].astype(np.int8)))
    found = np.zeros(len(level), bool)
    sound = np.flatnonzero(~(low | foreign))
    for begin, end in edges.reshape(-1, 2):
        below, above = sound[sound < begin][::-1][:2], sound[sound >= end][:2]
        sides = [(below, begin), (above, end - 1)]
        # the first and the last subcarrier have one side
        heights = [_is_cliff(level[near], level[place]) for near, place in sides if len(near) == 2]
        found[begin:end] = bool(heights) and all(heights)
    return found


def _is_cliff(near: np.ndarray, low: float) -> bool:
    """Whether a level falls off, from those of the nearest subcarrier and the next one."""
    ahead = min(near[0], 2 * near[0] - near[1])
    return bool(ahead >= LEAST_LEFT * near[0] and ahead > CLIFF * max(low, _SMALLEST))
