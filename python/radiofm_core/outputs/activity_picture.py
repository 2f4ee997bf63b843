# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a file of CSI: what the channel did, what went on, how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..bundle import BundleInfo, ClassInfo
from ..csi.activity import UNKNOWN
from .activity_record import ActivityRecord, Moment, SenderRecord, Thinned
from .colors import EMPTY, FAINT, FRAME, INK, PAPER
from .style import (
    LEFT,
    RIGHT,
    STYLE,
    draw_colorbar,
    draw_legend,
    draw_title,
    dress,
    new_figure,
    plain,
    save,
)
from .units import display_name

SENDERS = 4
# Heights in inches: above the panels, below them, and of a sender's panels from top to bottom
# where there is one sender and where there are several
TOP, BOTTOM, GAP, HEADING = 1.05, 0.62, 0.09, 0.42
ONE = (3.3, 0.42, 1.42)
SEVERAL = (1.7, 0.34, 0.9)
# More classes than this have rows of their own below the title, so high (inches). A class takes so
# many pixels, and so many more per character
BESIDE_TITLE, ROW = 4, 0.3
CLASS_PIXELS, CHARACTER_PIXELS = 62, 10.5
# Pixels of the axes' width
PAINTED = 1452
# Below and above the usual: no hue that a class has, and stillness is dark
CHANGE_COLORS = LinearSegmentedColormap.from_list(
    "change", ["#a9c6ff", "#3d5c96", "#0d1424", "#86633a", "#ffdfae"]
).with_extremes(bad=EMPTY)
LEAST_RANGE_DB, MOST_RANGE_DB = 3.0, 20.0
UNKNOWN_COLOR = INK
MOTION, MOTION_EDGE = "#2c4266", "#6f8fc2"
# The scale of motion reaches to this at least (dB)
LEAST_MOTION_DB = 20.0
LONG_S = 600.0


def write_activity_picture(
    file,
    stem: str,
    facts: Sequence[str],
    record: ActivityRecord,
    info: BundleInfo,
    min_confidence: float,
    note: str = "",
) -> None:
    """Draw the picture and write it to a binary file as PNG.

    Args:
        file: open for writing bytes.
        stem: the input's name.
        facts: what to say below it.
        record: the answers, at least one.
        info: of the model.
        min_confidence: below it the label is ``unknown``.
        note: of the input, from ``origin_note``.
    """
    senders = record.senders()
    shown = senders[:SENDERS]
    heights = ONE if len(shown) == 1 else SEVERAL
    block = sum(heights) + 2 * GAP + (HEADING if len(shown) > 1 else 0.0)
    handles = _class_handles(shown, info.classes)
    rows = _legend_rows(handles)
    top = TOP + ROW * rows
    with rc_context(STYLE):
        figure = new_figure(top + block * len(shown) + BOTTOM)
        draw_title(figure, stem, facts)
        if rows:
            draw_legend(figure, handles, below=TOP - 0.2, in_row=-(-len(handles) // rows))
        else:
            draw_legend(figure, handles)
        limit = _range_db(shown)
        for number, sender in enumerate(shown):
            lower_edge = top + (number + 1) * block
            panels = _Panels(figure, lower_edge - sum(heights) - 2 * GAP, heights, record.end_s)
            if len(shown) > 1:
                panels.head(sender, len(senders) - len(shown) if sender is shown[-1] else 0)
            panels.draw_channel(sender, info.spec, limit)
            panels.draw_labels(sender, info.classes)
            panels.draw_levels(sender, min_confidence, _most_motion(shown))
            panels.draw_breaks(sender)
            panels.draw_time_axis(is_last=sender is shown[-1])
        save(figure, file, note)


def _range_db(senders: Sequence[SenderRecord]) -> float:
    """Up to where the channel's changes are told apart (dB)."""
    values = [np.abs(column).max() for sender in senders for _, column in sender.columns.items]
    if not values:
        return LEAST_RANGE_DB
    return float(np.clip(np.percentile(values, 90), LEAST_RANGE_DB, MOST_RANGE_DB))


def _most_motion(senders: Sequence[SenderRecord]) -> float:
    levels = (moment.motion_db for sender in senders for moment in sender.moments.items)
    return max(LEAST_MOTION_DB, 1.08 * max(levels, default=0.0))


def _class_handles(senders: Sequence[SenderRecord], classes: Sequence[ClassInfo]) -> list[Patch]:
    """For the legend: each class and its share of the time that is shown."""
    total = sum(sum(sender.seconds.values()) for sender in senders)
    handles = []
    for name, color in (*((c.name, c.color) for c in classes), (UNKNOWN, UNKNOWN_COLOR)):
        seconds = sum(sender.seconds[name] for sender in senders)
        if name == UNKNOWN and not seconds:
            continue
        text = f"{plain(display_name(name))}  {100 * seconds / max(total, 1e-9):.0f} %"
        handles.append(Patch(facecolor=(*to_rgb(color), 0.85), edgecolor=color, label=text))
    return handles


def _legend_rows(handles: Sequence[Patch]) -> int:
    """How many rows of its own the legend needs; 0: it stands beside the title."""
    if len(handles) <= BESIDE_TITLE:
        return 0
    widest = max(len(handle.get_label()) for handle in handles)
    in_row = max(int(PAINTED / (CLASS_PIXELS + CHARACTER_PIXELS * widest)), 1)
    return -(-len(handles) // in_row)


class _Panels:
    """The three panels of one sender, ``top`` inches below the picture's upper edge."""

    def __init__(self, figure: Figure, top: float, heights: Sequence[float], end_s: float):
        self._figure = figure
        self._total = figure.get_size_inches()[1]
        self._scale, self._unit = (1 / 60, "min") if end_s > LONG_S else (1.0, "s")
        self._end = max(end_s, 1e-3) * self._scale
        self._top = top
        self._axes = []
        for height in heights:
            axes = figure.add_axes(
                (LEFT, self._up(top + height), RIGHT - LEFT, height / self._total)
            )
            axes.set_xlim(0, self._end)
            dress(axes)
            self._axes.append(axes)
            top += height + GAP

    def _up(self, below: float) -> float:
        """The height of a place that lies so many inches below the upper edge, as a share."""
        return 1 - below / self._total

    def head(self, sender: SenderRecord, left_out: int) -> None:
        """The sender's name above its panels; at the lower end, how many senders are left out."""
        name = sender.source or "unknown sender"
        at = self._up(self._top - 0.16)
        self._figure.text(LEFT, at, plain(name), color=INK, fontsize=10.5, va="center")
        if left_out:
            text = f"{left_out} more in the .jsonl"
            self._figure.text(RIGHT, at, text, color=FAINT, fontsize=10, va="center", ha="right")

    def draw_channel(self, sender: SenderRecord, spec, limit: float) -> None:
        """The changes of amplitude over time and frequency."""
        axes = self._axes[0]
        half = spec.span_hz / 2e6
        image = _paint(sender, self._end / self._scale, spec.subcarriers)
        axes.imshow(
            image,
            extent=(0, self._end, -half, half),
            origin="lower",
            aspect="auto",
            cmap=CHANGE_COLORS,
            vmin=-limit,
            vmax=limit,
            interpolation="nearest",
        )
        axes.set_ylabel("offset (MHz)", color=FAINT, labelpad=6)
        box = axes.get_position()
        place = (0.948, box.y0, 0.011, box.height)
        draw_colorbar(self._figure, place, (-limit, limit), CHANGE_COLORS, "dB")

    def draw_labels(self, sender: SenderRecord, classes: Sequence[ClassInfo]) -> None:
        """Coloured bands, with names where there is room."""
        axes = self._axes[1]
        colors = {info.name: info.color for info in classes}
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.set_ylabel("label", color=FAINT, rotation=0, ha="right", va="center", labelpad=10)
        renderer = self._figure.canvas.get_renderer()
        pixels = axes.get_window_extent(renderer).width / self._end
        for start_s, end_s, label in _bands(sender.moments):
            left, width = start_s * self._scale, (end_s - start_s) * self._scale
            color = colors.get(label, UNKNOWN_COLOR)
            axes.add_patch(Rectangle((left, 0), width, 1, facecolor=color, linewidth=0))
            text = axes.text(
                left + width / 2,
                0.47,
                plain(display_name(label)),
                color=_ink_on(color),
                fontsize=10,
                weight="bold",
                ha="center",
                va="center",
                clip_on=True,
            )
            if text.get_window_extent(renderer).width > width * pixels - 6:
                text.remove()

    def draw_levels(self, sender: SenderRecord, min_confidence: float, most_db: float) -> None:
        """The confidence as a line over the level of motion."""
        axes = self._axes[2]
        times, confidence, motion = _steps(sender.moments)
        behind = axes.twinx()
        dress(behind)
        axes.set_zorder(behind.get_zorder() + 1)
        axes.patch.set_visible(False)
        times = times * self._scale
        behind.fill_between(times, motion, color=MOTION, linewidth=0)
        behind.plot(times, motion, color=MOTION_EDGE, linewidth=1.0)
        behind.set_ylim(0, most_db)
        behind.set_ylabel("motion (dB)", color=MOTION_EDGE, labelpad=6)
        axes.axhline(min_confidence, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.plot(times, confidence, color=INK, linewidth=1.4)
        axes.set_ylim(0, 1.06)
        axes.set_yticks([0, 0.5, 1])
        axes.set_ylabel("confidence", color=INK, labelpad=6)

    def draw_breaks(self, sender: SenderRecord) -> None:
        """Where the clock jumped."""
        for at in sender.breaks:
            for axes in self._axes:
                axes.axvline(at * self._scale, color=INK, linewidth=1.0, linestyle=":")

    def draw_time_axis(self, is_last: bool) -> None:
        """Times below the picture's last panel alone."""
        for axes in self._axes[:-1] if is_last else self._axes:
            axes.tick_params(axis="x", bottom=False, labelbottom=False)
        for axes in self._axes:
            for spine in axes.spines.values():
                spine.set_color(FRAME)
        if is_last:
            self._axes[-1].set_xlabel(f"time ({self._unit})", color=FAINT, labelpad=4)


def _paint(sender: SenderRecord, end_s: float, columns: int) -> np.ndarray:
    """float32 (columns, PAINTED) in dB; NaN where there is nothing."""
    image = np.full((PAINTED, columns), np.nan, np.float32)
    items = sorted(sender.columns.items, key=lambda item: item[0])
    if items:
        starts = np.array([start_s for start_s, _ in items])
        pixels = (np.arange(PAINTED) + 0.5) * end_s / PAINTED
        found = np.clip(np.searchsorted(starts, pixels, side="right") - 1, 0, None)
        # half a row more, as rows do not begin to the nanosecond where the one before ends
        width = sender.column_s * (sender.columns.stride + 0.5)
        there = (pixels >= starts[found]) & (pixels < starts[found] + width)
        image[there] = np.stack([items[place][1] for place in found[there]])
    return image.T


def _bands(moments: Thinned[Moment]) -> Iterator[tuple[float, float, str]]:
    """(start, end, label) of what hangs together."""
    band: tuple[float, float, str] | None = None
    for moment in moments.items:
        end_s = moment.start_s + moment.duration_s * moments.stride
        joined = band is not None and abs(moment.start_s - band[1]) < moment.duration_s / 2
        if joined and band[2] == moment.label:
            band = (band[0], end_s, moment.label)
            continue
        if band is not None:
            yield band
        band = (moment.start_s, end_s, moment.label)
    if band is not None:
        yield band


def _steps(moments: Thinned[Moment]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (s), confidence and motion (dB) as steps, NaN between what does not hang together."""
    rows: list[tuple[float, float, float]] = []
    for moment in moments.items:
        end_s = moment.start_s + moment.duration_s * moments.stride
        if rows and abs(moment.start_s - rows[-1][0]) > moment.duration_s / 2:
            rows.append((rows[-1][0], np.nan, np.nan))
        rows.append((moment.start_s, moment.confidence, moment.motion_db))
        rows.append((end_s, moment.confidence, moment.motion_db))
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def _ink_on(color: str) -> str:
    """Dark or light, whichever is read better on ``color``."""
    red, green, blue = to_rgb(color)
    return PAPER if 0.3 * red + 0.59 * green + 0.11 * blue > 0.45 else INK
