# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a waterfall made fewer, for a picture that has fewer lines than there are rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .waterfall import UNSEEN, Rows, Waterfall, class_of, rank_of


@dataclass(frozen=True)
class RowGroups:
    """Lines of a picture that changed, oldest first; line k begins at k x ``duration`` (s).

    As a row is of its frames, a line is the strongest level of its rows, and a class of signal that
    was there.
    ``count``: lines that the whole picture has; ``newest``: the number of the last one. ``mark``
    stands for this state of affairs.
    """

    mark: tuple[int, int]
    duration: float
    count: int
    newest: int
    lines: Rows


def rows_in_a_line(row_duration: float, span: float, most: int) -> int:
    """The least power of two of rows (of ``row_duration`` s) in a line, so that ``span`` (s) needs
    no more than ``most`` lines. Of a power of two, since rows become longer by that factor."""
    step = 1
    while span > step * most * row_duration * (1 + 1e-9):
        step *= 2
    return step


def changed_rows(waterfall: Waterfall, step: int, count: int, version: int) -> Rows:
    """All rows of each line in which a row changed after ``version``, of the newest ``count`` lines
    of ``step`` rows; 0 gives all."""
    changed, newest = waterfall.changed_numbers(version), waterfall.newest
    if newest is None or not len(changed):
        return waterfall.rows(0, 0)
    lines = np.unique(changed // step)
    lines = lines[lines > newest // step - count]
    return waterfall.rows_of((lines[:, None] * step + np.arange(step)).ravel())


def grouped(rows: Rows, step: int) -> Rows:
    """Lines of ``step`` rows each. Where the tuning changed within a line, its last one counts."""
    if step == 1 or not len(rows):
        return rows
    lines = rows.numbers // step
    firsts = np.flatnonzero(np.diff(lines, prepend=lines[0] - 1))
    sizes = np.diff(firsts, append=len(lines))
    lasts = firsts + sizes - 1
    line_of_row = np.repeat(np.arange(len(firsts)), sizes)
    other = (rows.centers != rows.centers[lasts][line_of_row]) | (
        rows.rates != rows.rates[lasts][line_of_row]
    )
    levels, classes = rows.levels, rows.classes
    if other.any():
        levels, classes = levels.copy(), classes.copy()
        levels[other], classes[other] = 0, UNSEEN
    return Rows(
        lines[firsts],
        np.maximum.reduceat(levels, firsts, axis=0),
        class_of(np.maximum.reduceat(rank_of(classes), firsts, axis=0)),
        rows.centers[lasts],
        rows.rates[lasts],
    )
