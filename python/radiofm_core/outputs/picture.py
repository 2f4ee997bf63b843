# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a segmented recording: spectrogram, mask outlines, legend, emission labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy import ndimage

from ..bundle import ClassInfo
from ..detections import MIN_PIXELS, NOISE_CLASS, close_gaps
from ..recordings import Recording
from .labels import draw_labels
from .overview import Overview
from .units import display_name, readable_hz, readable_time

SIZE_INCHES = (14.0, 7.0)
DPI = 120
# Pixels of the axes that the image is painted for, so that outlines are crisp
PAINTED = (1460, 640)
INK = "#e8edf5"
FAINT = "#93a0b5"
PAPER = "#0e131d"
# From the noise floor to the strongest signal: dark to light, no hue that a class has
POWER_COLORS = LinearSegmentedColormap.from_list(
    "radiofm", ["#0b1020", "#1b2740", "#3a4a68", "#71819c", "#b9c4d4", "#ffffff"]
)
# How much of a class's colour is laid over its pixels
TINT = 0.58
MAX_RANGE_DB = 70.0
# A title of up to this many characters stands beside the legend in full size
TITLE_CHARACTERS = 34
STYLE = {"font.family": ["DejaVu Sans"], "font.size": 10.5}


def write_picture(
    file,
    recording: Recording,
    overview: Overview,
    emissions: Sequence[dict],
    num_emissions: int,
    classes: Sequence[ClassInfo],
    model: str,
) -> None:
    """Draw the picture and write it to a binary file as PNG.

    Args:
        file: open for writing bytes.
        recording: what was segmented.
        overview: its power and mask.
        emissions: the most prominent ones, keys as in messages.
        num_emissions: how many there are in all.
        classes: the bundle's classes in mask order.
        model: the bundle's name.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor=PAPER)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.073, 0.088, 0.864, 0.77))
        scale, unit = _time_unit(recording.duration)
        span = _draw_spectrogram(axes, recording, overview, classes, scale)
        _draw_axes(axes, recording, overview, span, scale, unit)
        _draw_colorbar(figure, span[2:])
        _draw_header(figure, recording, overview, classes, model)
        draw_labels(axes, emissions, num_emissions, recording.sample_rate, classes, scale)
        figure.savefig(file, format="png", dpi=DPI, facecolor=PAPER)


def _time_unit(duration: float) -> tuple[float, str]:
    """(axis units per second, their name): ms, above ten seconds s, above ten minutes min."""
    if duration <= 10:
        return 1e3, "ms"
    return (1.0, "s") if duration <= 600 else (1 / 60, "min")


def _draw_spectrogram(axes, recording, overview, classes, scale):
    """Paint each tuning's stretch; return (lowest Hz, highest Hz, lowest dB, highest dB)."""
    power = overview.power_db()
    mask = overview.classes()
    seen = power[np.isfinite(power)]
    if not seen.size:
        half = recording.sample_rate / 2
        return -half, half, -100.0, 0.0
    low_db = float(np.percentile(seen, 3)) - 2.0
    high_db = max(float(np.percentile(seen, 99.7)), low_db + 25.0)
    # A recording without noise reaches down for ever; what is that faint says nothing
    low_db = max(low_db, high_db - MAX_RANGE_DB)
    cell_time = overview.cell_samples / recording.sample_rate * scale
    lowest, highest = np.inf, -np.inf
    for first, end, center in overview.stretches():
        width = max(round(PAINTED[0] * (end - first) / overview.cells), 1)
        image = _paint(power[first:end], mask[first:end], classes, width, low_db, high_db)
        low, high = (center + side * recording.sample_rate / 2 for side in (-1, 1))
        lowest, highest = min(lowest, low), max(highest, high)
        extent = (first * cell_time, end * cell_time, low / 1e6, high / 1e6)
        axes.imshow(
            image, extent=extent, origin="lower", aspect="auto", interpolation="antialiased"
        )
    return lowest, highest, low_db, high_db


def _paint(power, mask, classes, width, low_db, high_db) -> np.ndarray:
    """One stretch as RGB uint8 (height, width, 3), frequency upwards, time to the right."""
    cols = power.shape[1]
    x = (np.arange(width) * len(power)) // width
    y = (np.arange(PAINTED[1]) * cols) // PAINTED[1]
    # Where a picture's pixel covers several cells, the mean would blur: the cell at its start
    levels = np.clip((np.nan_to_num(power, nan=low_db) - low_db) / (high_db - low_db), 0, 1)
    levels = np.round(255 * levels).astype(np.uint8).T[np.ix_(y, x)]
    shown = mask.T[np.ix_(y, x)]
    image = _ramp(None)[levels]
    for index in range(NOISE_CLASS + 1, len(classes)):
        inside = shown == index
        if inside.any():
            image[inside] = _ramp(classes[index].color)[levels[inside]]
            bold = _clear_shapes(mask == index).T[np.ix_(y, x)]
            image[_outline(bold)] = np.round(255 * np.array(to_rgb(classes[index].color)))
    return image


def _ramp(color: str | None) -> np.ndarray:
    """256 colours from faint to strong, uint8 (256, 3), in the tint of a class."""
    levels = np.linspace(0, 1, 256)
    ramp = POWER_COLORS(levels)[:, :3]
    if color is not None:
        tint = np.array(to_rgb(color)) * (0.45 + 0.55 * levels[:, None])
        ramp = (1 - TINT) * ramp + TINT * tint
    return np.round(255 * ramp).astype(np.uint8)


def _clear_shapes(pixels: np.ndarray) -> np.ndarray:
    """A class's pixels without specks and pinholes, whose outlines would only be noise."""
    labels, count = ndimage.label(close_gaps(pixels))
    area = np.bincount(labels.ravel(), minlength=count + 1)
    shapes = (area >= MIN_PIXELS)[labels] & (labels > 0)
    holes, count = ndimage.label(~shapes)
    area = np.bincount(holes.ravel(), minlength=count + 1)
    return shapes | ((area < MIN_PIXELS)[holes] & (holes > 0))


def _outline(inside: np.ndarray) -> np.ndarray:
    """The pixels of a region that lie at its edge, two wide; the image's border is no edge."""
    core = np.pad(inside, 2, mode="edge")
    eroded = core.copy()
    for axis in (0, 1):
        near = [np.roll(core, shift, axis) for shift in (-2, -1, 1, 2)]
        eroded &= np.logical_and.reduce(near)
    return inside & ~eroded[2:-2, 2:-2]


def _draw_axes(axes, recording, overview, span, scale, unit) -> None:
    axes.set_facecolor("#05070c")
    axes.set_xlim(0, max(recording.duration, 1e-9) * scale)
    axes.set_ylim(span[0] / 1e6, span[1] / 1e6)
    axes.set_xlabel(f"time ({unit})", color=FAINT, labelpad=4)
    axes.set_ylabel("frequency (MHz)", color=FAINT, labelpad=6)
    axes.ticklabel_format(axis="both", style="plain", useOffset=False)
    axes.tick_params(colors=FAINT, length=4, width=0.8, labelsize=10)
    for spine in axes.spines.values():
        spine.set_color("#2b364a")


def _draw_colorbar(figure, limits) -> None:
    axes = figure.add_axes((0.948, 0.088, 0.011, 0.77))
    ramp = np.linspace(0, 1, 256)[:, None]
    axes.imshow(ramp, extent=(0, 1, *limits), origin="lower", aspect="auto", cmap=POWER_COLORS)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.tick_params(colors=FAINT, length=3, width=0.8, labelsize=9)
    axes.set_title("dBFS", color=FAINT, fontsize=9, pad=6)
    for spine in axes.spines.values():
        spine.set_color("#2b364a")


def _draw_header(figure, recording, overview, classes, model) -> None:
    centers = {center for _, _, center in overview.stretches()}
    center = min(centers, default=0.0)
    where = f"{len(centers)} tunings" if len(centers) > 1 else readable_hz(center)
    if not center:
        where = "baseband"
    facts = (
        f"{where}   ·   {recording.sample_rate / 1e6:g} MS/s   ·   "
        f"{readable_time(recording.duration)}   ·   {model}"
    )
    title = recording.stem
    if len(title) > 1.5 * TITLE_CHARACTERS:
        half = round(0.75 * TITLE_CHARACTERS)
        title = f"{title[:half]}…{title[-half:]}"
    size = 15 * min(1.0, TITLE_CHARACTERS / len(title))
    # A name may hold a dollar, which is no formula
    title = title.replace("$", r"\$")
    figure.text(0.073, 0.945, title, color=INK, fontsize=size, weight="bold", va="center")
    figure.text(0.073, 0.898, facts, color=FAINT, fontsize=10.5, va="center")
    mask = overview.classes()
    share = np.bincount(mask.ravel(), minlength=len(classes)) / max(mask.size, 1)
    handles = []
    for index, info in enumerate(classes):
        text = f"{display_name(info.name)}  {share[index] * 100:.0f} %"
        if index == NOISE_CLASS:
            handles.append(Patch(facecolor="#1b2740", edgecolor=FAINT, label=text))
        else:
            handles.append(
                Patch(facecolor=(*to_rgb(info.color), 0.5), edgecolor=info.color, label=text)
            )
    handles.append(Line2D([], [], color=INK, lw=0.9, ls=(0, (4, 3)), label="emission"))
    figure.legend(
        handles=handles,
        loc="upper right",
        bbox_to_anchor=(0.942, 0.968),
        ncols=len(handles),
        frameon=False,
        labelcolor=INK,
        fontsize=11,
        handlelength=1.5,
        columnspacing=1.6,
    )
