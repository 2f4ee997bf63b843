# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of an embedding map: points, and the spectrogram around some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radiofm_core.outputs.colors import FAINT, INK, PAPER, SPARE_COLORS, power_ramp
from radiofm_core.outputs.style import LEFT, STYLE, draw_legend, draw_title, new_figure

HEIGHT_INCHES = 10.6
# Above the map: title and legend
TOP_INCHES, BELOW_INCHES, SIDE = 1.55, 0.55, 0.02
LEGEND_BELOW, IN_ROW = 0.93, 5
# A thumbnail's size as shares of the map's, and how far apart places for them are tried
THUMB_WIDTH, THUMB_HEIGHT, STEP = 0.088, 0.105, 0.0125
CAPTION_HEIGHT = 0.022
GAP = 0.008
MOST_THUMBS = 24
# What a point below a thumbnail costs, in shares of the map that it could be farther away
COVER_COST, LONGEST_LINE = 0.06, 0.16
# Colours for more than SPARE_COLORS has; the rest share one
MOST_COLORS = 10
MORE_COLORS = ("#5f8bff", "#a0e8e0", "#c9a27a")
REST, REST_COLOR = "others", "#6b7689"
# Around the noise; white is a thumbnail's strongest, but at least so much above it
BLACK_DB, LEAST_WHITE_DB = -4.0, 12.0
# Behind a group
GROUND = "#19202d"


@dataclass(frozen=True)
class Point:
    """A patch on the map. ``place``: x and y within -1 .. 1; ``group``: its number;
    ``name``: what it is coloured by; ``crop``: dB above the noise around it, (rows, cols);
    ``box``: rows and columns of the patch in the crop; ``caption``: below the thumbnail."""

    place: tuple[float, float]
    group: int
    name: str
    crop: np.ndarray
    box: tuple[int, int, int, int]
    caption: str


def draw(points: Sequence[Point], title: str, facts: Sequence[str]) -> Figure:
    """The map as a matplotlib figure, ``facts`` below its title."""
    with mpl.rc_context(STYLE):
        figure = new_figure(HEIGHT_INCHES)
        draw_title(figure, title, facts)
        colors = _colors(points)
        bottom = BELOW_INCHES / HEIGHT_INCHES
        height = 1 - TOP_INCHES / HEIGHT_INCHES - bottom
        axes = figure.add_axes((SIDE, bottom, 1 - 2 * SIDE, height))
        axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], facecolor=PAPER)
        for spine in axes.spines.values():
            spine.set_visible(False)
        places = _on_paper(points)
        shades = [colors.get(point.name, REST_COLOR) for point in points]
        taken = _draw_groups(axes, points, places)
        size = float(np.clip(6000 / len(points), 16, 60))
        axes.scatter(*places.T, s=size, c=shades, linewidths=0.5, edgecolors=PAPER, zorder=3)
        chosen = representatives(points, places)
        spots = thumbnail_spots(places, chosen, taken)
        for number, spot in zip(chosen, spots, strict=True):
            if spot is not None:
                _draw_thumbnail(axes, points[number], places[number], spot, shades[number])
        _legend(figure, points, colors)
        text = (
            "Near each other: alike to the encoder. Axes have no unit. Thumbnails: time runs "
            "down, frequency to the right; framed: the emission."
        )
        figure.text(LEFT, 0.2 / HEIGHT_INCHES, text, color=FAINT, fontsize=10)
        return figure


def _on_paper(points: Sequence[Point]) -> np.ndarray:
    """Places as shares of the axes: the map is stretched over all of it but for a margin."""
    places = np.array([point.place for point in points], float)
    low, high = places.min(0), places.max(0)
    width = np.where(high - low > 1e-9, high - low, 1.0)
    share = np.where(high - low > 1e-9, (places - low) / width, 0.5)
    margin = np.array([THUMB_WIDTH + 0.01, THUMB_HEIGHT + CAPTION_HEIGHT])
    return margin + share * (1 - 2 * margin)


def _colors(points: Sequence[Point]) -> dict[str, str]:
    names = [name for name, _ in Counter(point.name for point in points).most_common()]
    own = (*SPARE_COLORS, *MORE_COLORS)[:MOST_COLORS]
    if len(names) > MOST_COLORS:
        names = names[: MOST_COLORS - 1]
    return dict(zip(sorted(names), own, strict=False))


def _legend(figure: Figure, points: Sequence[Point], colors: dict[str, str]) -> None:
    counts = Counter(point.name if point.name in colors else REST for point in points)
    handles = [
        Line2D([], [], marker="o", ls="", ms=8, color=colors.get(name, REST_COLOR),
               label=f"{_short(name)} ({counts[name]})")
        for name in (*colors, REST)
        if counts[name]
    ]  # fmt: skip
    draw_legend(figure, handles, LEGEND_BELOW, in_row=IN_ROW)


def _short(name: str, most: int = 24) -> str:
    name = name if len(name) <= most else f"{name[: most // 2]}…{name[-most // 2 + 1 :]}"
    return name.replace("$", r"\$")


def _draw_groups(axes, points: Sequence[Point], places: np.ndarray) -> np.ndarray:
    """Outlines of the groups and their numbers, whose places are returned, (groups, 2)."""
    from scipy.spatial import ConvexHull, QhullError

    groups = np.array([point.group for point in points])
    written = []
    for group in sorted(set(groups.tolist())):
        inside = places[groups == group]
        try:
            hull = inside[ConvexHull(inside).vertices] if len(inside) > 2 else inside
        except QhullError:  # on a line
            hull = inside
        top = inside[inside[:, 1].argmax()] + (0, 0.026)
        written.append(top)
        axes.fill(
            *hull.T,
            facecolor=GROUND,
            edgecolor=GROUND,
            lw=16,
            joinstyle="round",
            zorder=1,
        )
        axes.text(
            *top,
            str(group),
            color=INK,
            fontsize=13,
            weight="bold",
            ha="center",
            va="center",
            zorder=7,
        )
    return np.array(written).reshape(-1, 2)


def representatives(points: Sequence[Point], places: np.ndarray) -> list[int]:
    """Numbers of the points that get a thumbnail: of each group the one in its middle, then those
    that are farthest from all before, at most MOST_THUMBS."""
    groups = np.array([point.group for point in points])
    chosen = []
    for group in sorted(set(groups.tolist()))[:MOST_THUMBS]:
        [inside] = np.nonzero(groups == group)
        far = np.linalg.norm(places[inside] - np.median(places[inside], 0), axis=1)
        chosen.append(int(inside[far.argmin()]))
    while len(chosen) < min(MOST_THUMBS, len(points)):
        far = np.linalg.norm(places[:, None] - places[None, chosen], axis=2).min(1)
        if far.max() < max(THUMB_WIDTH, THUMB_HEIGHT) / 2:
            break
        chosen.append(int(far.argmax()))
    return chosen


def thumbnail_spots(
    places: np.ndarray, chosen: Sequence[int], taken: np.ndarray
) -> list[tuple[float, float] | None]:
    """Lower left corners of the thumbnails of the points ``chosen``: near their points, upon as few
    points as can be, none upon another, upon the line to another, or upon the places ``taken``;
    None where there is no room."""
    reach = np.array([THUMB_WIDTH, THUMB_HEIGHT + CAPTION_HEIGHT])
    grid = np.meshgrid(np.arange(0, 1 - reach[0], STEP), np.arange(0, 1 - reach[1], STEP))
    corners = np.stack(grid, 2).reshape(-1, 2)
    covered = _inside(places, corners, reach, GAP).sum(1)
    is_free = ~_inside(taken, corners, reach, 2 * GAP).any(1)
    spots: list[tuple[float, float] | None] = []
    for number in chosen:
        at = places[number]
        nearest = np.clip(at, corners, corners + reach)
        lines = at + np.linspace(0, 1, 24)[None, :, None] * (nearest - at)[:, None]
        crossed = np.zeros(len(corners), bool)
        for spot in filter(None, spots):
            over = (lines > spot) & (lines < np.array(spot) + reach)
            crossed |= over.all(2).any(1)
        away = np.linalg.norm(nearest - at, axis=1)
        cost = np.where(is_free & ~crossed, away + COVER_COST * np.minimum(covered, 12), np.inf)
        best = int(cost.argmin())
        if not np.isfinite(cost[best]) or away[best] > LONGEST_LINE:
            spots.append(None)
            continue
        spots.append(tuple(corners[best].tolist()))
        is_free &= ~(np.abs(corners - corners[best]) < reach + GAP).all(1)
        is_free &= ~_inside(lines[best], corners, reach, 0).any(1)
    return spots


def _inside(places: np.ndarray, corners: np.ndarray, reach: np.ndarray, gap: float) -> np.ndarray:
    """bool (corners, places): which places lie in a rectangle that begins at a corner."""
    low, high = corners[:, None] - gap, corners[:, None] + reach + gap
    return ((places[None] > low) & (places[None] < high)).all(2)


def _draw_thumbnail(axes, point: Point, at, spot: tuple[float, float], color: str) -> None:
    left, bottom = spot
    low = bottom + CAPTION_HEIGHT
    nearest = np.clip(at, (left, low), (left + THUMB_WIDTH, low + THUMB_HEIGHT))
    axes.plot(*zip(at, nearest, strict=True), color=color, lw=0.9, alpha=0.85, zorder=4)
    inside = axes.inset_axes((left, low, THUMB_WIDTH, THUMB_HEIGHT), zorder=6)
    ramp = ListedColormap(power_ramp() / 255.0)
    crop = point.crop.astype(np.float32)
    white = max(LEAST_WHITE_DB, float(np.quantile(crop, 0.995)))
    inside.imshow(crop, cmap=ramp, vmin=BLACK_DB, vmax=white, aspect="auto")
    top, end, first, last = point.box
    corners = ((first, top), (last, top), (last, end), (first, end), (first, top))
    xs, ys = (np.array(values) - 0.5 for values in zip(*corners, strict=True))
    inside.plot(xs, ys, color=color, lw=0.9, alpha=0.9)
    rows, cols = point.crop.shape
    inside.set(xticks=[], yticks=[], xlim=(-0.5, cols - 0.5), ylim=(rows - 0.5, -0.5))
    for spine in inside.spines.values():
        spine.set(color=color, linewidth=1.6)
    axes.text(
        *(left + THUMB_WIDTH / 2, bottom + CAPTION_HEIGHT * 0.45),
        point.caption,
        color=INK,
        fontsize=8.2,
        ha="center",
        va="center",
        zorder=6,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
    )
