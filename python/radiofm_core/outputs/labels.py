# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of emissions in a picture: the prominent ones, placed where they cover no other."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.patheffects
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from .. import keys
from .colors import INK, PAPER
from .evidence_words import emission_name
from .units import display_name, readable_hz

MAX_LABELS = 14
CROWD = 8


def draw_labels(
    axes, emissions: Sequence[dict], num_emissions: int, sample_rate: float, classes, scale: float
) -> None:
    """Draw a box around each prominent emission and name it.

    Args:
        axes: with the spectrogram: time x ``scale`` to the right, MHz upwards.
        emissions: the most prominent; keys as in messages, offsets in samples.
        num_emissions: how many there are in all.
        sample_rate: of the recording, in Hz.
        classes: the bundle's classes, for the colours.
        scale: axis units per second.
    """
    colors = {info.name: info.color for info in classes}
    prominent = sorted(emissions, key=_area, reverse=True)
    taken: list = []
    labels = 0
    # Beside many small boxes long labels would hide the picture
    crowded = len(prominent) > CROWD
    for emission in prominent:
        box = _box(emission, sample_rate, scale)
        _draw_box(axes, box)
        if labels < MAX_LABELS and _draw_label(axes, emission, box, colors, taken, crowded):
            labels += 1
    hidden = num_emissions - labels
    if hidden:
        noun = "emission" if hidden == 1 else "emissions"
        _footnote(axes, f"{hidden} more {noun} in the .jsonl")


def _area(emission: dict) -> float:
    active = emission.get(keys.ACTIVE_TIME, emission[keys.DURATION])
    return emission[keys.BANDWIDTH] * active


def _box(emission, sample_rate, scale) -> tuple[float, float, float, float]:
    """(left, right, bottom, top) in axis units."""
    center, half = emission[keys.CENTER_FREQUENCY], emission[keys.BANDWIDTH] / 2
    left, right = (
        emission[key] / sample_rate * scale for key in (keys.START_OFFSET, keys.END_OFFSET)
    )
    return left, right, (center - half) / 1e6, (center + half) / 1e6


def _draw_box(axes, box) -> None:
    left, right, bottom, top = box
    axes.add_patch(
        Rectangle(
            (left, bottom),
            right - left,
            top - bottom,
            fill=False,
            edgecolor=INK,
            linewidth=0.9,
            linestyle=(0, (4, 3)),
            alpha=0.85,
        )
    )


def _texts(emission: dict) -> list[str]:
    """What the label says, the longest first."""
    name, spacing = emission_name(emission), emission.get(keys.SUBCARRIER_SPACING)
    hertz = emission[keys.BANDWIDTH]
    width = readable_hz(round(hertz, -5 if hertz >= 1e6 else -3))
    full = f"{name}   {width}   {emission[keys.SNR_DB]:.0f} dB"
    known = [] if spacing is None else [f"{full}   {readable_hz(spacing)} symbols"]
    return [*known, full, f"{name}  {width}", display_name(emission[keys.LABEL])]


def _draw_label(axes, emission, box, colors, taken, crowded) -> bool:
    """Write the longest text that fits at the first free corner; False if there is no room."""
    renderer = axes.figure.canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    (left, bottom), (right, top) = axes.transData.transform([(box[0], box[2]), (box[1], box[3])])
    left, right = max(left, frame.x0), min(right, frame.x1)
    bottom, top = max(bottom, frame.y0), min(top, frame.y1)
    color = colors.get(emission[keys.LABEL], INK)
    texts = _texts(emission)
    for text in texts:
        label = axes.text(
            0,
            0,
            text,
            fontsize=10,
            weight="bold",
            color=PAPER,
            ha="left",
            va="top",
            transform=None,
            zorder=5,
            bbox={"boxstyle": "round,pad=0.3", "facecolor": (*to_rgb(color), 0.93), "linewidth": 0},
        )
        size = label.get_window_extent(renderer)
        pad = 7
        width, height = size.width + 2 * pad, size.height + 2 * pad
        roomy = right - left >= width and top - bottom >= height
        inside = [(left, top), (left, bottom + height), (right - width, top)]
        outside = [(left, top + height), (left, bottom), (right, top)]
        places = inside if roomy else outside
        if crowded and not roomy and text != texts[-1]:
            places = []
        for x, y in places:
            place = (x, y - height, x + width, y)
            if _free(place, frame, taken):
                label.set_position((x + pad, y - pad))
                taken.append(place)
                return True
        label.remove()
    return False


def _free(place, frame, taken) -> bool:
    x0, y0, x1, y1 = place
    if x0 < frame.x0 - 1 or y0 < frame.y0 - 1 or x1 > frame.x1 + 1 or y1 > frame.y1 + 1:
        return False
    return all(x1 <= a0 or x0 >= a1 or y1 <= b0 or y0 >= b1 for a0, b0, a1, b1 in taken)


def _footnote(axes, text: str) -> None:
    note = axes.text(
        0.995,
        0.012,
        text,
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=9,
        color=INK,
    )
    outline = matplotlib.patheffects.withStroke(linewidth=2.5, foreground=PAPER)
    note.set_path_effects([outline])
