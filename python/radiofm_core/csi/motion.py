# SPDX-License-Identifier: GPL-3.0-or-later
"""How much moves in a room: a level that needs neither a model of the room nor a calibration.

A body changes the channel in four ways that a receiver's noise, its trembling gain and a person who
sits and breathes do not share in the same measure: slowly and fast, alike on all subcarriers and
in their shape. Each is a level in dB above the noise, which is what subcarriers near each other do
not have in common; how they are weighed was fitted on simulated rooms and receivers and on the
recordings that the shipped classifier learnt from
(``python -m training.activity.motion_fit``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Columns so far apart see a body alike, and have noise of their own, even where a layout of few
# subcarriers was interpolated
APART = 4
# Neighbouring columns are averaged in so many blocks: noise falls, what a body does stays
BLOCKS = 6
# Changes up to SLOW_HZ are slow. Fast ones are looked for from there to each of these (Hz), and the
# strongest band counts: who walks at an even pace makes a line. The fastest are no more than this
# share of the packets' rate, and a band has at least so many lines
SLOW_HZ = 3.5
FAST_HZ = (12.0, 22.0, 33.0, 45.0)
MOST_OF_RATE = 0.45
LEAST_FAST_HZ = 5.0
LEAST_LINES = 4
# Levels below it say nothing more (dB)
LEAST_DB = -3.0
# What all subcarriers do alike counts as if it was at most this far (dB) above what they do each
# for itself: a body does both, and a receiver's gain the one alone
MOST_COMMON_DB = 20.0
FLOOR = 1e-12
# A column's own noise as power of the natural logarithm of amplitudes, at least: 2 / 16 bits
LEAST_NOISE = 1e-9


@dataclass(frozen=True)
class Changes:
    """How a window changes. Levels are power densities above the noise (dB).

    ``common``: of what all columns do alike, ``shape``: of the rest, each slowly and fast (in the
    strongest band).
    ``noise_db``: the noise's own, a hertz of it beside the channel.
    """

    common_slow_db: float
    common_fast_db: float
    shape_slow_db: float
    shape_fast_db: float
    noise_db: float


# dB of the level for each dB of a change; those of the levels above the noise add up to 1. And the
# level where all are 0 dB: the fit puts even odds of motion and stillness at EVEN_DB
WEIGHTS = Changes(0.245, 0.245, 0.039, 0.471, 0.585)
OFFSET_DB = 23.03
EVEN_DB = 10.0
# The level rises by this for odds that are e times as high
ODDS_DB = 1.95


def motion_db(amplitude: np.ndarray, rate_hz: float, received: np.ndarray | None = None) -> float:
    """The level of motion of a window: EVEN_DB where somebody moves as likely as not, 0 or more.

    Args:
        amplitude: float32 (rows, columns, antennas), in any unit; columns as in
            :class:`.spec.CsiSpec`.
        rate_hz: rows per second.
        received: bool (rows,), those with a packet of their own; None: all.

    Returns:
        dB; 0 of 2 APART columns and fewer, and of three packets and fewer.
    """
    changes = changes_of(amplitude, rate_hz, received)
    return 0.0 if changes is None else max(0.0, level_of(changes))


def level_of(changes: Changes) -> float:
    """The level of motion (dB) that changes amount to."""
    most = max(changes.shape_slow_db, changes.shape_fast_db) + MOST_COMMON_DB
    weighed = (
        WEIGHTS.common_slow_db * min(changes.common_slow_db, most)
        + WEIGHTS.common_fast_db * min(changes.common_fast_db, most)
        + WEIGHTS.shape_slow_db * changes.shape_slow_db
        + WEIGHTS.shape_fast_db * changes.shape_fast_db
        + WEIGHTS.noise_db * changes.noise_db
    )
    return OFFSET_DB + weighed


def changes_of(
    amplitude: np.ndarray, rate_hz: float, received: np.ndarray | None = None
) -> Changes | None:
    """How a window changes, as for :func:`motion_db`; None where it is too small to tell."""
    rows, columns, _ = amplitude.shape
    places = np.arange(rows) if received is None else np.flatnonzero(received)
    if columns <= 2 * APART or len(places) < 4:
        return None
    # what is interpolated between packets is no measurement
    level = np.log(np.maximum(amplitude[places], FLOOR))
    level = level - level.mean(axis=0)
    noise, correlation = _noise(level)
    edges = np.linspace(0, columns, BLOCKS + 1).astype(int)
    block = columns / BLOCKS
    # of a block's columns so many are as good as independent
    independent = block / (1 + 2 * sum(c * (1 - j / block) for j, c in enumerate(correlation, 1)))
    blocks = np.stack([level[:, a:b].mean(axis=1) for a, b in pairwise(edges)], axis=1)
    taper = np.sin(np.pi * (places + 0.5) / rows)
    blocks = blocks - np.tensordot(taper, blocks, (0, 0)) / taper.sum()
    common = blocks.mean(axis=1, keepdims=True)
    seconds = rows / rate_hz
    fastest = min(FAST_HZ[-1], MOST_OF_RATE * len(places) / seconds)
    hertz = np.arange(1, int(max(fastest, LEAST_FAST_HZ) * seconds + 1e-6) + 1) / seconds
    # the packets' own times: no row is made up
    turns = np.exp(2j * np.pi * hertz[:, None] * (places / rate_hz)) * taper
    slow, *fast = _bands(turns, hertz)
    # of what is slow nothing may leak into what is fast, whatever packets are missing
    basis, _ = np.linalg.qr(np.c_[taper, slow.real.T, slow.imag.T])
    basis = basis[:, : len(places) // 2]
    found = []
    for part, freedom in ((common, 1 / BLOCKS), (blocks - common, BLOCKS - 1)):
        tapered = part * taper[:, None, None]
        rest = tapered - np.tensordot(basis, np.tensordot(basis, tapered, (0, 0)), (1, 0))
        for bands, values in (([slow], part), (fast, rest / taper[:, None, None])):
            powers = [np.abs(np.tensordot(lines, values, (1, 0))) ** 2 for lines in bands]
            density = max(float(p.sum(axis=1).mean()) for p in powers) / (taper @ taper) / freedom
            found.append(_db(density / (noise / independent)))
    per_hertz = noise * seconds / len(places)
    return Changes(*found, noise_db=10 * float(np.log10(per_hertz)))


def _bands(turns: np.ndarray, hertz: np.ndarray) -> list[np.ndarray]:
    """The lines (lines, packets) of slow changes, then those of each fast band: at least one."""
    edges = (max(SLOW_HZ, hertz[0]), *FAST_HZ)
    fast = [turns[(below < hertz) & (hertz <= edge)] for below, edge in pairwise(edges)]
    first, *others = fast
    enough = [band for band in others if len(band) >= LEAST_LINES]
    return [turns[hertz <= edges[0]], first if len(first) else turns, *enough]


def _noise(level: np.ndarray) -> tuple[float, list[float]]:
    """Of (packets, columns, antennas): a column's own power, and how much of it its neighbours
    share, 1 .. APART - 1 columns away: 0 where each was measured.

    What a body does is smooth over frequency and, where packets come fast, over time.
    """
    apart = level[:, APART:-APART] - (level[:, : -2 * APART] + level[:, 2 * APART :]) / 2
    # of the second difference over time, too: in slow motion it holds less of it
    sudden = apart[:-2] - 2 * apart[1:-1] + apart[2:]
    power = (sudden**2).mean(axis=0)
    noise = min(np.median((apart**2).mean(axis=0)) / 1.5, np.median(power) / 9)
    unit = sudden / np.sqrt(power + FLOOR)
    correlation = [
        max(float(np.median((unit[:, j:] * unit[:, :-j]).mean(axis=0))), 0.0)
        for j in range(1, APART)
    ]
    return max(float(noise), LEAST_NOISE), correlation


def _db(ratio: float) -> float:
    return max(10 * float(np.log10(max(ratio, FLOOR))), LEAST_DB)
