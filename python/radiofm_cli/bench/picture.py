# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as a picture: a panel for each section that was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

import matplotlib
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from radiofm_core.outputs.colors import FAINT, INK
from radiofm_core.outputs.style import LEFT, RIGHT, STYLE, draw_title, dress, new_figure, save

from .results import Section
from .targets import TARGETS

OURS, THEIRS, TARGET = "#4cc9f0", "#7b869b", "#ffb703"
LINES = ("#4cc9f0", "#80ed99", "#f72585", "#ffb703")
PANEL_INCHES = 3.4
TOP_INCHES, BOTTOM_INCHES, GAP_INCHES = 1.25, 0.65, 1.0
COLUMNS = 2


def draw_figures(sections: Mapping[str, Section], machine: Mapping, file: BinaryIO) -> None:
    """Write a PNG of what was measured."""
    panels = [(draw, sections[name]) for name, draw in _PANELS.items() if name in sections]
    rows = -(-len(panels) // COLUMNS)
    height = TOP_INCHES + rows * PANEL_INCHES + (rows - 1) * GAP_INCHES + BOTTOM_INCHES
    with matplotlib.rc_context(STYLE):
        figure = new_figure(height)
        facts = (machine["cpu"], f"{machine['cores']} cores", f"radiofm {machine['radiofm']}")
        draw_title(figure, "Speed on this machine", facts)
        width = (RIGHT - LEFT - 0.09) / COLUMNS
        for index, (draw, section) in enumerate(panels):
            row, column = divmod(index, COLUMNS)
            bottom = height - TOP_INCHES - row * (PANEL_INCHES + GAP_INCHES) - PANEL_INCHES
            place = (LEFT + column * (width + 0.09), bottom / height, width, PANEL_INCHES / height)
            axes = figure.add_axes(place)
            dress(axes)
            draw(axes, section)
        save(figure, file)


def _bars(axes, title: str, cases: Sequence[tuple[str, float, Sequence[float], str]]) -> None:
    """Columns of (name, value, repetitions, colour), each with its value above."""
    for index, (_, value, raw, color) in enumerate(cases):
        axes.bar(index, value, 0.6, color=color)
        axes.plot([index] * len(raw), raw, ".", color=INK, markersize=4)
        top = max([value, *raw])
        axes.annotate(
            f"{value:.3g}",
            (index, top),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            color=INK,
        )
    axes.set_xticks(range(len(cases)), [name for name, *_ in cases])
    axes.set_ylim(0, 1.2 * max(max([value, *raw]) for _, value, raw, _ in cases))
    axes.set_title(title, color=INK, fontsize=11, loc="left")


def _case(section: Section, name: str, label: str, color: str):
    return label, section.figures[name], section.raw.get(name, ()), color


def _framer(axes, section: Section) -> None:
    _bars(
        axes,
        "Framer: CPU seconds per 10⁹ samples",
        [
            _case(section, "framer_cpu_s_per_gs", "framer", OURS),
            _case(section, "gnuradio_chain_cpu_s_per_gs", "GNU Radio's\nFFT chain", THEIRS),
            _case(section, "source_cpu_s_per_gs", "source to\nnull sink", THEIRS),
        ],
    )


def _segmenter(axes, section: Section) -> None:
    bound = section.figures["gemm_gflops"] / section.figures["gflop_per_frame"]
    _bars(
        axes,
        "Segmenter: frames per second",
        [
            _case(section, "fps", "as in the\nblock", OURS),
            _case(section, "fps_single", "batches of\none frame", OURS),
            _case(section, "eager_fp32_fps", "eager, fp32", THEIRS),
            ("limit of matrix\nproducts (GEMM)", bound, (), THEIRS),
        ],
    )


def _end_to_end(axes, section: Section) -> None:
    _bars(
        axes,
        "From samples to emissions: MS/s",
        [
            _case(section, "msps", "gr-radiofm", OURS),
            _case(section, "naive_msps", "FFT chain and a\nPython block", THEIRS),
        ],
    )
    axes.axhline(TARGETS["end_to_end.msps"].limit, color=TARGET, linestyle="--", linewidth=1)


def _live(axes, section: Section) -> None:
    _latencies(axes, "Live: latency by sample rate", section.parts, "{} MS/s, {:g} lost")
    target = TARGETS["live.61.44.latency_p99_ms"].limit
    axes.axvline(target, color=TARGET, linestyle="--", linewidth=1)


def _scaling(axes, section: Section) -> None:
    receivers = {
        name.rpartition("_")[2]: part
        for name, part in section.parts.items()
        if "lost_frames" in part.figures
    }
    _latencies(axes, "Receivers at 15.36 MS/s in one process", receivers, "{}: {:g} frames lost")


def _latencies(axes, title: str, parts: Mapping[str, Section], label: str) -> None:
    """The distribution of the latency: the share of frames by their latency."""
    for color, (name, part) in zip(LINES, parts.items(), strict=False):
        values = np.sort(part.raw["latency_ms"])
        share = np.arange(1, len(values) + 1) / max(len(values), 1)
        text = label.format(name, part.figures["lost_frames"])
        axes.plot(values, 100 * share, color=color, linewidth=1.5, label=text)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("latency from a frame's last sample to its message (ms)", color=FAINT)
    axes.set_ylabel("share of frames (%)", color=FAINT)
    axes.set_title(title, color=INK, fontsize=11, loc="left")
    axes.legend(frameon=False, labelcolor=INK, fontsize=10, loc="upper left")


_PANELS: dict[str, Callable] = {
    "framer": _framer,
    "segmenter": _segmenter,
    "end_to_end": _end_to_end,
    "live": _live,
    "scaling": _scaling,
}
