# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers without large prime factors: sizes of fast transforms."""

from __future__ import annotations


def is_smooth(number: int, factors: tuple[int, ...]) -> bool:
    """Whether a ``number`` from 1 on is a product of these prime ``factors``."""
    for factor in factors:
        while number % factor == 0:
            number //= factor
    return number == 1


def most_blocks(blocks: int) -> int:
    """The most resource blocks, from 1 to ``blocks``, of an SC-FDMA allocation: a product of 2, 3
    and 5 (36.211 clauses 5.3.3 and 9.3.4, 38.211 clause 6.3.1.4). Raises ValueError below 1."""
    if blocks < 1:
        raise ValueError(f"{blocks} resource blocks: expected at least one")
    return next(width for width in range(blocks, 0, -1) if is_smooth(width, (2, 3, 5)))
