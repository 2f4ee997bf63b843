# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pictures have in common: colours, fonts, title, axes, legend."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .colors import EMPTY, FAINT, FRAME, INK, PAPER
from .origin import NOTE

DPI = 120
WIDTH_INCHES = 14.0
# Left and right edge of the axes, as shares of the width
LEFT, RIGHT = 0.073, 0.937
STYLE = {"font.family": ["DejaVu Sans"], "font.size": 10.5}
# A title of up to this many characters stands beside the legend in full size
TITLE_CHARACTERS = 34
# Inches from the top to the middle of the title, of the line below it, and to the legend's top
_TITLE_AT, _FACTS_AT, _LEGEND_AT = 0.385, 0.714, 0.224


def new_figure(height: float) -> Figure:
    """An empty picture, ``height`` inches high."""
    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, file, note: str = "") -> None:
    """Write a picture to a binary file as PNG; ``note`` tells its input (``origin_note``)."""
    metadata = {NOTE: note} if note else None
    figure.savefig(file, format="png", dpi=DPI, facecolor=PAPER, metadata=metadata)


def draw_title(figure: Figure, stem: str, facts: Sequence[str]) -> None:
    """The input's name, shortened if need be, and below it what there is to know of it."""
    height = figure.get_size_inches()[1]
    title = stem
    if len(title) > 1.5 * TITLE_CHARACTERS:
        half = round(0.75 * TITLE_CHARACTERS)
        title = f"{title[:half]}…{title[-half:]}"
    size = 15 * min(1.0, TITLE_CHARACTERS / len(title))
    figure.text(
        LEFT,
        1 - _TITLE_AT / height,
        plain(title),
        color=INK,
        fontsize=size,
        weight="bold",
        va="center",
    )
    text = plain("   ·   ".join(facts))
    figure.text(LEFT, 1 - _FACTS_AT / height, text, color=FAINT, fontsize=10.5, va="center")


def plain(text: str) -> str:
    """A text as it is: a name may hold a dollar, which is no formula."""
    return text.replace("$", r"\$")


def draw_legend(
    figure: Figure, handles: Sequence, below: float = _LEGEND_AT, in_row: int | None = None
) -> None:
    """What the colours mean: one row at the upper right, beside the title.

    Or rows of ``in_row``, from the left, ``below`` so many inches from the upper edge.
    """
    at = 1 - below / figure.get_size_inches()[1]
    figure.legend(
        handles=handles,
        loc="upper left" if in_row else "upper right",
        bbox_to_anchor=(LEFT - 0.007, at) if in_row else (0.942, at),
        ncols=in_row or len(handles),
        frameon=False,
        labelcolor=INK,
        fontsize=11,
        handlelength=1.5,
        columnspacing=1.6,
    )


def dress(axes) -> None:
    """Colours of axes and their ticks."""
    axes.set_facecolor(EMPTY)
    axes.tick_params(colors=FAINT, length=4, width=0.8, labelsize=10)
    for spine in axes.spines.values():
        spine.set_color(FRAME)


def draw_colorbar(figure: Figure, place: tuple[float, float, float, float], limits, colors, title):
    """A ramp of ``colors`` between ``limits``, in axes at ``place``."""
    axes = figure.add_axes(place)
    ramp = [[step / 255] for step in range(256)]
    axes.imshow(ramp, extent=(0, 1, *limits), origin="lower", aspect="auto", cmap=colors)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.tick_params(colors=FAINT, length=3, width=0.8, labelsize=9)
    axes.set_title(title, color=FAINT, fontsize=9, pad=6)
    for spine in axes.spines.values():
        spine.set_color(FRAME)
