# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of power and of classes, the same in pictures, windows and browsers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..spectrum.detections import NOISE_CLASS

# Text, what is less important, what lies behind it, places without data, lines around something
INK = "#e8edf5"
FAINT = "#93a0b5"
PAPER = "#0e131d"
EMPTY = "#05070c"
FRAME = "#2b364a"
# From the noise floor to the strongest signal: dark to light, no hue that a class has
POWER_STOPS = ("#0b1020", "#1b2740", "#3a4a68", "#71819c", "#b9c4d4", "#ffffff")
# How much of a class's colour is laid over its pixels
TINT = 0.58
# For classes that come without a colour: told apart from each other and from the ramp of power
SPARE_COLORS = ("#23c4ff", "#ffa01e", "#7ee081", "#ff4fa3", "#c58bff", "#ffe14d", "#ff6b5e")
NOISE_COLOR = "#5b6270"
UNKNOWN_COLOR = INK


def rgb(color: str) -> np.ndarray:
    """``#rrggbb`` as three floats, 0 to 1."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0


def power_ramp(color: str | None = None) -> np.ndarray:
    """256 colours from faint to strong, uint8 (256, 3); with ``color`` in the tint of a class."""
    levels = np.linspace(0, 1, 256)
    places = np.linspace(0, 1, len(POWER_STOPS))
    stops = np.stack([rgb(stop) for stop in POWER_STOPS])
    ramp = np.stack([np.interp(levels, places, stops[:, k]) for k in range(3)], axis=1)
    if color is not None:
        tint = rgb(color) * (0.45 + 0.55 * levels[:, None])
        ramp = (1 - TINT) * ramp + TINT * tint
    return np.round(255 * ramp).astype(np.uint8)


def class_colors(names: Sequence[str], given: Sequence[str] = ()) -> list[str]:
    """A colour ``#rrggbb`` for each class: the given one where it is one, else a spare one."""
    colors, spare = [], 0
    for index in range(len(names)):
        color = given[index] if index < len(given) else ""
        if not (isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color)):
            if index == NOISE_CLASS:
                color = NOISE_COLOR
            else:
                color = SPARE_COLORS[spare % len(SPARE_COLORS)]
                spare += 1
        colors.append(color.lower())
    return colors
