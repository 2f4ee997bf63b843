# SPDX-License-Identifier: GPL-3.0-or-later
"""From packets at any times to rows at even ones."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from .faults import CONSTANT, MOST_IDLE, REPEATED_WORDS
from .measured import Measured
from .spec import CsiSpec

# Packets of one cell that are kept, which bounds memory: of more, those beside its instant. A mean
# over all of them would hide what a fast walk does between two rows; folded, it still is motion
_KEPT = 2
# Cells before and after a window that its edges are interpolated from
_EDGE = 2


@dataclass
class _Cell:
    """What came within half a row of one instant of the grid."""

    index: int
    instant_s: float
    packets: int = 0
    lost: int = 0
    outliers: int = 0
    gain_steps: int = 0
    # Of the packets that were received, not mirrored, those that say nothing
    own: int = 0
    idle: int = 0
    points: list[tuple[float, np.ndarray]] = field(default_factory=list)
    # Of the intervals that end here (s)
    intervals: int = 0
    interval_sum: float = 0.0
    interval_squares: float = 0.0

    def add(self, time_s: float, values: np.ndarray) -> None:
        self.packets += 1
        if len(self.points) == _KEPT:
            if self.points[-1][0] > self.instant_s:
                return
            del self.points[0]
        self.points.append((time_s, values))


@dataclass
class GridWindow:
    """Rows ``first_row`` .. of a stream, or the reason why there are none.

    ``values``: float32 (rows, columns, channels), None if refused; ``refused``: one of
    ``rate``, ``gap``, ``missing``, ``constant`` and ``why`` the sentence to it. ``received``: bool
    (rows,), those with a packet of their own.
    """

    first_row: int
    values: np.ndarray | None = None
    packets: int = 0
    lost: int = 0
    outliers: int = 0
    gain_steps: int = 0
    jitter_s: float = 0.0
    received: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    refused: str = ""
    why: str = ""


class TimeGrid:
    """Holds a stream's packets as long as a window needs them. Row 0 is at time 0."""

    def __init__(self, spec: CsiSpec):
        self._spec = spec
        self._cells: deque[_Cell] = deque()
        self._gaps: deque[tuple[float, float]] = deque()
        self._next_row = 0
        self._last_time: float | None = None

    def push(self, packet: Measured) -> list[GridWindow]:
        """Take a packet (times ascend); return the windows that are complete now."""
        time_s = packet.time_ns * 1e-9
        index = math.floor(time_s * self._spec.rate_hz + 0.5)
        if not self._cells or self._cells[-1].index != index:
            self._cells.append(_Cell(index, index / self._spec.rate_hz))
        cell = self._cells[-1]
        cell.lost += packet.lost
        cell.outliers += packet.is_outlier
        cell.gain_steps += packet.gain_steps
        cell.own += packet.is_own
        cell.idle += packet.is_own and packet.says_nothing
        if not packet.is_outlier:
            self._note_interval(cell, time_s)
            cell.add(time_s, packet.values)
        return self._complete(index - _EDGE)

    def finish(self) -> list[GridWindow]:
        """The windows that end with the last packet, to within a row."""
        if self._last_time is None:
            return []
        return self._complete(math.floor(self._last_time * self._spec.rate_hz + 1e-6) + 1)

    @property
    def has_rest(self) -> bool:
        """Whether packets came that no window held yet."""
        began = self._next_row - self._spec.hop_rows + self._spec.rows if self._next_row else 0
        return bool(self._cells) and self._cells[-1].index >= began

    def _note_interval(self, cell: _Cell, time_s: float) -> None:
        if self._last_time is not None:
            interval = time_s - self._last_time
            cell.intervals += 1
            cell.interval_sum += interval
            cell.interval_squares += interval * interval
            if interval > self._spec.max_gap_s:
                self._gaps.append((self._last_time, time_s))
        self._last_time = time_s

    def _complete(self, last_row: int) -> list[GridWindow]:
        windows = []
        while self._next_row + self._spec.rows - 1 <= last_row:
            windows.append(self._window(self._next_row))
            self._next_row += self._spec.hop_rows
            self._forget()
        return windows

    def _forget(self) -> None:
        # the row before a gap is interpolated from what lies up to a gap's length back
        reach = math.ceil(self._spec.max_gap_s * self._spec.rate_hz) + _EDGE
        while self._cells and self._cells[0].index < self._next_row - reach:
            self._cells.popleft()
        start = self._next_row / self._spec.rate_hz
        while self._gaps and self._gaps[0][1] <= start:
            self._gaps.popleft()

    def _window(self, first: int) -> GridWindow:
        spec = self._spec
        end = first + spec.rows
        inside = [cell for cell in self._cells if first <= cell.index < end]
        window = GridWindow(
            first,
            packets=sum(cell.packets for cell in inside),
            lost=sum(cell.lost for cell in inside),
            outliers=sum(cell.outliers for cell in inside),
            gain_steps=sum(cell.gain_steps for cell in inside),
            jitter_s=_jitter(inside),
            received=np.zeros(spec.rows, bool),
        )
        window.received[[cell.index - first for cell in inside if cell.packets]] = True
        window.refused, window.why = self._refusal(window, inside, first, end)
        if not window.refused:
            window.values = self._rows(first, end)
        return window

    def _refusal(
        self, window: GridWindow, inside: list[_Cell], first: int, end: int
    ) -> tuple[str, str]:
        spec = self._spec
        rate = window.packets / spec.duration_s
        if window.packets < 2 or rate < spec.min_packet_rate:
            return "rate", f"{rate:.2g} packets/s, the minimum is {spec.min_packet_rate:g}"
        begin_s, end_s = first / spec.rate_hz, (end - 1) / spec.rate_hz
        longest = max((b - a for a, b in self._gaps if b > begin_s and a < end_s), default=0.0)
        if longest > spec.max_gap_s:
            return "gap", f"{longest:.2g} s without a packet, the maximum is {spec.max_gap_s:g} s"
        missing = 1 - window.received.mean()
        if missing > spec.max_missing_share:
            return (
                "missing",
                f"{100 * missing:.0f} % of the rows without a packet, the maximum is "
                f"{100 * spec.max_missing_share:.0f} %",
            )
        own, idle = sum(cell.own for cell in inside), sum(cell.idle for cell in inside)
        if idle and idle >= MOST_IDLE * own:
            return CONSTANT, REPEATED_WORDS
        return "", ""

    def _rows(self, first: int, end: int) -> np.ndarray:
        points = [point for cell in self._cells for point in cell.points]
        times = np.array([time_s for time_s, _ in points])
        wanted = np.arange(first, end) / self._spec.rate_hz
        begin = max(int(np.searchsorted(times, wanted[0])) - _EDGE, 0)
        stop = min(int(np.searchsorted(times, wanted[-1])) + _EDGE, len(points))
        values = np.stack([point[1] for point in points[begin:stop]])
        return interpolate(times[begin:stop], values, wanted)


def _jitter(cells: list[_Cell]) -> float:
    count = sum(cell.intervals for cell in cells)
    if count < 2:
        return 0.0
    mean = sum(cell.interval_sum for cell in cells) / count
    return math.sqrt(max(sum(cell.interval_squares for cell in cells) / count - mean**2, 0.0))


def interpolate(times: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Cubic (Catmull-Rom) interpolation over uneven times; held beyond the ends.

    A point's slope is that of the chord between its neighbours: it needs no equation to solve,
    two points close together do not blow noise up, and a long gap is bridged almost straight.

    Args:
        times: float64 (points,) s, ascending.
        values: float32 (points, ...).
        wanted: float64 (rows,) s.

    Returns:
        float32 (rows, ...).
    """
    shape = (len(wanted),) + (1,) * (values.ndim - 1)
    if len(times) == 1:
        return np.repeat(values, len(wanted), axis=0)
    beside = [np.r_[1 : len(times), len(times) - 1], np.r_[0, 0 : len(times) - 1]]
    chord = (times[beside[0]] - times[beside[1]]).reshape((-1,) + (1,) * (values.ndim - 1))
    slopes = (values[beside[0]] - values[beside[1]]) / chord.astype(np.float32)
    left = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, len(times) - 2)
    step = times[left + 1] - times[left]
    u = np.clip((wanted - times[left]) / step, 0, 1).reshape(shape).astype(np.float32)
    step = step.reshape(shape).astype(np.float32)
    return (
        (1 + 2 * u) * (1 - u) ** 2 * values[left]
        + u * (1 - u) ** 2 * step * slopes[left]
        + u**2 * (3 - 2 * u) * values[left + 1]
        - u**2 * (1 - u) * step * slopes[left + 1]
    )
