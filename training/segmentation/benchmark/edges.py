# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a mask's edges of LTE and NR carriers lie from the truth's, in columns.

A carrier's edges are the outermost columns that it uses at least half as often (in rows) as its
most used column; so what counts is the band that it fills, not a burst that is wider, and not a
few wrong pixels. The mask's edges are found likewise among the pixels of the same class, in a
window that reaches 16 columns beyond the carrier's channel, or half-way to the next carrier of
the class: what lies further out is not the carrier's.

Measured are downlinks that are not shared with the other technology, whose truth fills at least
4 rows of a column. An edge within two columns of the span's is none. A carrier is missed where
the mask has its class in less than a tenth of its pixels between its true edges; its edges then
have no error, and it counts as missed.
"""

from __future__ import annotations

import math

import numpy as np

from ..classes import Classes

USED_SHARE = 0.5
REACH_COLS = 16
LEAST_ROWS = 4
BORDER_COLS = 2
FOUND_SHARE = 0.1


def edge_errors(
    mask: np.ndarray, truth: np.ndarray, facts: dict, classes: Classes
) -> list[list[int] | None]:
    """For each carrier that is measured: the errors of its edges in columns, or None if missed.

    Args:
        mask: predicted classes (rows, cols).
        truth: classes of the same shape.
        facts: of :class:`.scenes.BenchmarkFrame`.
        classes: what the numbers stand for.
    """
    cols = truth.shape[1]
    out: list[list[int] | None] = []
    for carrier in facts["carriers"]:
        if carrier["kind"] != "downlink":
            continue
        window = _window(carrier, facts, cols)
        label = classes.of_kind(carrier["label"])
        true = (truth[:, window] == label).sum(0)
        found = (mask[:, window] == label).sum(0)
        if not true.size or true.max() < LEAST_ROWS:
            continue
        low, high = _outermost(true)
        sides = [window.start + low >= BORDER_COLS, window.start + high < cols - BORDER_COLS]
        if not any(sides):
            continue
        between = slice(low, high + 1)
        if found[between].sum() < FOUND_SHARE * true[between].sum():
            out.append(None)
            continue
        pairs = zip(_outermost(found), (low, high), sides, strict=True)
        out.append([abs(a - b) for a, b, measured in pairs if measured])
    return out


def _outermost(rows_used: np.ndarray) -> tuple[int, int]:
    used = np.flatnonzero(rows_used >= USED_SHARE * rows_used.max())
    return int(used[0]), int(used[-1])


def _window(carrier: dict, facts: dict, cols: int) -> slice:
    """The columns in which the carrier's edges are looked for."""
    width = facts["sample_rate"] / cols
    reach = REACH_COLS * width
    low, high = carrier["low_hz"] - reach, carrier["high_hz"] + reach
    for other in facts["carriers"]:
        if other is carrier or other["label"] != carrier["label"]:
            continue
        if other["low_hz"] >= carrier["low_hz"]:
            high = min(high, (carrier["high_hz"] + other["low_hz"]) / 2)
        else:
            low = max(low, (other["high_hz"] + carrier["low_hz"]) / 2)
    first = math.ceil(low / width + cols / 2)
    last = math.floor(high / width + cols / 2)
    return slice(max(0, first), max(0, min(cols, last + 1)))
