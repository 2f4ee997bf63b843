# SPDX-License-Identifier: GPL-3.0-or-later
"""Which labels say that nobody moves, and which that somebody does.

Names of the published sets of activities and those that people give; of others nothing is known.
"""

from __future__ import annotations

import re

_STILL = (
    "still static idle seated sitting sit standing stand lying lie laying sleeping empty clean "
    "nobody none absent"
)
_MOVING = (
    "moving move movement walking walk running run turn turning fall falling box boxing circle "
    "jumping jump dancing waving sitting_down sit_down standing_up stand_up lying_down lie_down "
    "getting_up get_up picking_up pick_up pickup"
)
STILL_WORDS, MOVING_WORDS = frozenset(_STILL.split()), frozenset(_MOVING.split())
# From this probability on that something moves no label of stillness holds, and from as much that
# nothing does none of movement
SURE = 0.75


def says_moving(label: str) -> bool | None:
    """Whether a label says that somebody moves; None where its name does not tell.

    A name's first word counts, so that a place or a number may follow, after the whole of it and
    its first two: ``SITTING_DOWN_RX`` is a movement, ``SEATED_RX`` none.
    """
    words = [word for word in re.split(r"[^a-z]+", label.lower()) if word]
    for number in (2, 1):
        name = "_".join(words[:number])
        if name in MOVING_WORDS:
            return True
        if name in STILL_WORDS:
            return False
    return None


def contradicts(label: str, motion_probability: float) -> bool:
    """Whether a label says the contrary of what the level of motion surely says."""
    moving = says_moving(label)
    if moving is None:
        return False
    return (1 - motion_probability if moving else motion_probability) >= SURE
