# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a waterfall as the pixels of a picture, newest on top."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ..outputs.colors import EMPTY, power_ramp, rgb
from ..spectrum.detections import NOISE_CLASS
from .spectrum_state import Snapshot, SpectrumState
from .waterfall import LEAST_DB, LEVEL_STEP_DB, UNSEEN, Rows, class_of, rank_of

# A range that is found reaches over so many dB at least and at most: one strong tone does not make
# all else dark
LEAST_RANGE_DB, MOST_RANGE_DB = 25.0, 55.0
# So that strong signals keep their structure and colour, and are not all white
HEADROOM_DB = 6.0
# Levels that lie below it, and above it, in a range that is found (percent)
BELOW, ABOVE = 3.0, 0.3
# Rows that are looked at for that
_LOOKED_AT = 200
_EMPTY_ENTRY = 255


@dataclass(frozen=True)
class WaterfallImage:
    """``pixels``: uint8 (height, cols, 4), RGBA, newest row on top. It shows the time from
    ``start`` to ``end``, seconds of the source's clock. ``levels``: uint8 (height, cols)."""

    pixels: np.ndarray
    levels: np.ndarray
    start: float
    end: float


class Painter:
    """Draws stretches of a state's waterfall. What has not changed since the picture before is
    kept, so that a picture costs what is new in it."""

    def __init__(self, state: SpectrumState):
        self._state = state
        self._made_for: tuple = ()
        self._table = np.zeros(0, np.uint32)
        # what pixels are of: rows in each, their duration, the tuning
        self._place: tuple = ()
        self._version = 0
        self._top = self._bottom = 0
        self._parts: tuple[np.ndarray, np.ndarray, np.ndarray] = ()

    def paint(
        self,
        shot: Snapshot,
        wanted: tuple[int, int],
        height: int,
        hidden: Collection[int],
        limits: tuple[float, float] | None,
    ) -> WaterfallImage | None:
        """Draw some rows; None where there is no waterfall, or it has just become another one.

        Args:
            shot: of the state: its tuning is what the picture's columns stand for. Rows of another
                tuning are put where they belong.
            wanted: numbers of the first and the last row of the picture, whether there or not.
            height: pixels at most; of several rows that share a pixel the strongest shows.
            hidden: classes that are not tinted.
            limits: dB of the darkest and of the brightest colour; None: what suits the picture.
        """
        first, last = wanted
        step = max(-(-(last - first + 1) // max(height, 1)), 1)
        # pixels that begin at multiples of the step: a row keeps its pixel while time goes on
        top, bottom = last // step, first // step
        if not self._gather(shot, step, bottom, last):
            return None
        levels, classes, there = self._parts
        if limits is None:
            limits = range_of(levels[there])
        table = self._table_for(tuple(shot.colors), frozenset(hidden), limits)
        pixels = table[(classes.astype(np.uint16) << 8) | levels]
        pixels[~there] = table[_EMPTY_ENTRY << 8]
        return WaterfallImage(
            pixels.view(np.uint8).reshape(*pixels.shape, 4),
            levels[there],
            bottom * step * shot.row_duration,
            (top + 1) * step * shot.row_duration,
        )

    def _gather(self, shot: Snapshot, step: int, bottom: int, last: int) -> bool:
        """Bring the parts up to date: those of the pixels from ``bottom`` to that of row ``last``.
        The topmost of them may have rows that come after it, so it is always made anew."""
        top, tuning = last // step, (shot.center, shot.rate)
        place = (step, shot.row_duration, tuning)
        known = place == self._place and self._bottom <= bottom <= self._top <= top
        version = self._version if known else 0
        found = self._state.stretch(bottom * step, last, version, self._top * step, step)
        if found is None or found.row_duration != shot.row_duration:
            return False
        if known and version > found.version:  # the waterfall began anew
            found, known = self._state.stretch(bottom * step, last), False
        cols = found.rows.levels.shape[1]
        known = known and cols == self._parts[0].shape[1]
        fresh = max(found.first // step, bottom) if known else bottom
        parts = _gathered(_tuned(found.rows, tuning), step, top, top - fresh + 1, cols)
        if known:
            kept = slice(self._top - fresh + 1, self._top - bottom + 1)
            parts = tuple(
                np.concatenate([new, old[kept]])
                for new, old in zip(parts, self._parts, strict=True)
            )
        self._place, self._parts, self._version = place, parts, found.version
        self._top, self._bottom = top, bottom
        return True

    def _table_for(self, colors, hidden, limits) -> np.ndarray:
        """RGBA (uint32) of class x 256 + level; entry _EMPTY_ENTRY: without data."""
        made_for = (colors, hidden, limits)
        if made_for == self._made_for:
            return self._table
        decibels = LEAST_DB + LEVEL_STEP_DB * np.arange(256)
        low, high = limits
        places = np.clip((decibels - low) / max(high - low, 1e-3), 0, 1)
        places = np.rint(255 * places).astype(int)
        plain = power_ramp()[places]
        table = np.zeros((256, 256, 4), np.uint8)
        table[:, :, :3] = plain
        table[..., 3] = 255
        for index, color in enumerate(colors[:UNSEEN]):
            if index != NOISE_CLASS and index not in hidden:
                table[index, :, :3] = power_ramp(color)[places]
        table[_EMPTY_ENTRY, 0, :3] = np.rint(255 * rgb(EMPTY))
        self._made_for, self._table = made_for, table.reshape(-1, 4).view(np.uint32)[:, 0]
        return self._table


def range_of(levels: np.ndarray) -> tuple[float, float]:
    """(dB of the darkest, of the brightest colour) that suit some levels (uint8)."""
    some = levels[:: max(len(levels) // _LOOKED_AT, 1)]
    counts = np.cumsum(np.bincount(some.ravel(), minlength=256))
    if not counts[-1]:
        return -120.0, -60.0
    low, high = (
        LEAST_DB + LEVEL_STEP_DB * np.searchsorted(counts, counts[-1] * share)
        for share in (BELOW / 100, 1 - ABOVE / 100)
    )
    reach = min(max(float(high - low) + HEADROOM_DB, LEAST_RANGE_DB), MOST_RANGE_DB)
    return float(low) - 2.0, float(low) - 2.0 + reach


def _tuned(rows: Rows, tuning: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(numbers, levels, classes) with the columns of ``tuning``; of another one's band what lies
    within, the rest is at the least level."""
    center, rate = tuning
    other = (rows.centers != center) | (rows.rates != rate)
    if not other.any():
        return rows.numbers, rows.levels, rows.classes
    levels, classes = rows.levels.copy(), rows.classes.copy()
    cols = levels.shape[1]
    hertz = center + (np.arange(cols) - cols // 2) * (rate / cols)
    for theirs in np.unique(np.stack([rows.centers, rows.rates])[:, other], axis=1).T:
        which = (rows.centers == theirs[0]) & (rows.rates == theirs[1])
        source = np.rint((hertz - theirs[0]) / (theirs[1] / cols)).astype(int) + cols // 2
        inside = (source >= 0) & (source < cols)
        source = np.clip(source, 0, cols - 1)
        levels[which] = np.where(inside, rows.levels[which][:, source], 0)
        classes[which] = np.where(inside, rows.classes[which][:, source], UNSEEN)
    return rows.numbers, levels, classes


def _gathered(
    found, step: int, top: int, height: int, cols: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(levels, classes, whether there is one) of ``height`` pixels from ``top`` down."""
    numbers, levels, classes = found
    # one row after the other, as the fastest way to the maximum of each group
    places = (top + 1) * step - 1 - numbers
    kept = (places >= 0) & (places < height * step)
    if not kept.all():
        places, levels, classes = places[kept], levels[kept], classes[kept]
    spread = np.zeros((2, height * step, cols), np.uint8)
    spread[0, places] = levels
    spread[1, places] = rank_of(classes)
    peaks = spread.reshape(2, height, step, cols).max(axis=2)
    there = np.zeros(height, bool)
    there[places // step] = True
    return peaks[0], class_of(peaks[1]), there
