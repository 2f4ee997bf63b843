# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a segmented recording: spectrogram, mask outlines, legend, emission labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy import ndimage

from ..bundle import ClassInfo
from ..spectrum.detections import MIN_PIXELS, NOISE_CLASS
from ..spectrum.recordings import Recording
from .colors import FAINT, INK, POWER_STOPS, power_ramp
from .labels import draw_labels
from .overview import Overview
from .style import (
    LEFT,
    RIGHT,
    STYLE,
    draw_colorbar,
    draw_legend,
    draw_title,
    dress,
    new_figure,
    save,
)
from .units import display_name, readable_hz, readable_time

HEIGHT_INCHES = 7.0
# Pixels of the axes that the image is painted for, so that outlines are crisp
PAINTED = (1460, 640)
POWER_COLORS = LinearSegmentedColormap.from_list("radiofm", POWER_STOPS)
MAX_RANGE_DB = 70.0


def write_picture(
    file,
    recording: Recording,
    overview: Overview,
    emissions: Sequence[dict],
    num_emissions: int,
    classes: Sequence[ClassInfo],
    model: str,
    note: str = "",
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
        note: of the recording, from ``origin_note``.
    """
    with rc_context(STYLE):
        figure = new_figure(HEIGHT_INCHES)
        axes = figure.add_axes((LEFT, 0.088, RIGHT - LEFT, 0.77))
        scale, unit = _time_unit(recording.duration)
        span = _draw_spectrogram(axes, recording, overview, classes, scale)
        _draw_axes(axes, recording, overview, span, scale, unit)
        draw_colorbar(figure, (0.948, 0.088, 0.011, 0.77), span[2:], POWER_COLORS, "dBFS")
        _draw_header(figure, recording, overview, classes, model)
        draw_labels(axes, emissions, num_emissions, recording.sample_rate, classes, scale)
        save(figure, file, note)


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
    image = power_ramp()[levels]
    for index in range(NOISE_CLASS + 1, len(classes)):
        inside = shown == index
        if inside.any():
            image[inside] = power_ramp(classes[index].color)[levels[inside]]
            bold = _clear_shapes(mask == index).T[np.ix_(y, x)]
            image[_outline(bold)] = np.round(255 * np.array(to_rgb(classes[index].color)))
    return image


def _close_gaps(pixels: np.ndarray) -> np.ndarray:
    """Fill gaps of up to two rows or two columns."""
    closed = ndimage.binary_closing(np.pad(pixels, 2), np.ones((3, 3), bool))
    return closed[2:-2, 2:-2]


def _clear_shapes(pixels: np.ndarray) -> np.ndarray:
    """A class's pixels without specks and pinholes, whose outlines would only be noise."""
    labels, count = ndimage.label(_close_gaps(pixels))
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
    dress(axes)
    axes.set_xlim(0, max(recording.duration, 1e-9) * scale)
    axes.set_ylim(span[0] / 1e6, span[1] / 1e6)
    axes.set_xlabel(f"time ({unit})", color=FAINT, labelpad=4)
    axes.set_ylabel("frequency (MHz)", color=FAINT, labelpad=6)
    axes.ticklabel_format(axis="both", style="plain", useOffset=False)


def _draw_header(figure, recording, overview, classes, model) -> None:
    centers = {center for _, _, center in overview.stretches()}
    center = min(centers, default=0.0)
    where = f"{len(centers)} tunings" if len(centers) > 1 else readable_hz(center)
    if not center:
        where = "baseband"
    facts = (
        where,
        f"{recording.sample_rate / 1e6:g} MS/s",
        readable_time(recording.duration),
        model,
    )
    draw_title(figure, recording.stem, facts)
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
    draw_legend(figure, handles)
