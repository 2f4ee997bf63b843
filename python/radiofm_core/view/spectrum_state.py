# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live view of the spectrum shows: filled by messages on one thread, read on another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from .. import keys
from ..errors import InputError
from ..fields import check_numbers, check_present, check_time, check_whole, shown
from ..outputs.colors import class_colors
from ..spectrum.detections import FrameGeometry
from .changes import Changes
from .emission_list import EmissionList, ShownEmission
from .row_groups import RowGroups, changed_rows, grouped, rows_in_a_line
from .waterfall import HISTORY_S, Rows, Waterfall

PORTS = (keys.PORT_FRAMES, keys.PORT_MASKS, keys.PORT_EMISSIONS, keys.PORT_STATUS)
_FRAME_KEYS = (
    keys.ROWS,
    keys.COLS,
    keys.ROW_SAMPLES,
    keys.SAMPLE_RATE,
    keys.CENTER_FREQUENCY,
    keys.SAMPLE_OFFSET,
    keys.RX_TIME,
)
# The most bins of a frame, and seconds since 1970: a foreign message may claim any number
MOST_COLS = 2048
MOST_SECONDS = 10**11


@dataclass(frozen=True)
class ViewStatus:
    """The state of affairs: counts since the start, seconds; ``error`` is empty without one."""

    frames: int = 0
    dropped: int = 0
    queue_depth: int = 0
    latency_p50: float = 0.0
    latency_p99: float = 0.0
    error: str = ""
    model: str = ""


@dataclass(frozen=True)
class Snapshot:
    """All that a window needs to draw itself anew; empty lists and None before the first frame.

    Times are seconds of the source's clock; ``center`` (Hz) and ``rate`` (S/s) are those of the
    newest row. ``oldest`` and ``newest``: numbers of the rows that there are. ``version`` differs
    once anything of it has changed.
    """

    rows: Rows | None = None
    row_duration: float = 1e-3
    oldest: int | None = None
    newest: int | None = None
    center: float = 0.0
    rate: float = 0.0
    emissions: list[ShownEmission] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    colors: list[str] = field(default_factory=list)
    status: ViewStatus = ViewStatus()
    version: int = 0

    @property
    def now(self) -> float:
        """Seconds at which the newest row ends."""
        return 0.0 if self.newest is None else (self.newest + 1) * self.row_duration

    @property
    def since(self) -> float:
        """Seconds at which the oldest row begins."""
        return 0.0 if self.oldest is None else self.oldest * self.row_duration


@dataclass(frozen=True)
class Stretch:
    """Rows of a waterfall, all that there are from number ``first`` on. ``version`` stands for its
    state; with another ``row_duration`` (s) than before, numbers of before have no meaning."""

    version: int
    row_duration: float
    first: int
    rows: Rows


class SpectrumState:
    """Takes the messages of framer, segmenter and tracker; any threads may call its methods.

    ``history``: seconds that are kept at least.
    """

    def __init__(self, history: float = HISTORY_S):
        self._changes = Changes()
        self._history = history
        self._waterfall: Waterfall | None = None
        # which of the waterfalls it is
        self._serial = 0
        self._emissions = EmissionList()
        self._classes: list[str] = []
        self._colors: list[str] = []
        self._status = ViewStatus()
        self._tuning = (0.0, 0.0)
        self._version = 0

    @property
    def version(self) -> int:
        """Grows with each message: another one than a snapshot's tells that there is news."""
        return self._version

    def take(self, port: str, fields: Mapping, data: np.ndarray | None = None) -> None:
        """Take a message: of ``frames`` (with power), ``masks``, ``emissions`` or ``status``.

        Args:
            port: one of PORTS; messages of others are left alone.
            fields: its dict.
            data: of a PDU, flat: float32 power in dB, or uint8 classes.

        Raises:
            InputError: a message that lacks something, or does not fit.
            RadiofmError: too many wait for somebody who reads.
        """
        if port == keys.PORT_FRAMES:
            self._take_frame(fields, data)
        elif port == keys.PORT_MASKS:
            self._take_mask(fields, data)
        elif port == keys.PORT_EMISSIONS:
            self._change(lambda: self._emissions.take(fields))
        elif port == keys.PORT_STATUS:
            self._take_status(fields)

    def clear(self) -> None:
        """Forget rows and emissions, as before another source."""

        def change() -> None:
            self._waterfall = None
            self._emissions.clear()

        self._change(change)

    def snapshot(self, span: float, end: float | None = None) -> Snapshot:
        """What there is to draw.

        Args:
            span: seconds of waterfall.
            end: seconds of the source's clock at which it ends; None: now.
        """
        with self._changes.reading():
            common = {
                "emissions": self._emissions.all(),
                "classes": list(self._classes),
                "colors": list(self._colors),
                "status": self._status,
                "version": self._version,
            }
            waterfall = self._waterfall
            if waterfall is None or waterfall.newest is None:
                return Snapshot(**common)
            row = waterfall.row_duration
            last = waterfall.newest if end is None else int(np.ceil(end / row - 1e-6)) - 1
            count = max(int(np.ceil(span / row - 1e-6)), 1)
            return Snapshot(
                rows=waterfall.rows(last - count + 1, count),
                row_duration=row,
                oldest=waterfall.oldest,
                newest=waterfall.newest,
                center=self._tuning[0],
                rate=self._tuning[1],
                **common,
            )

    def stretch(
        self, first: int, last: int, version: int = 0, kept: int = 0, step: int = 1
    ) -> Stretch | None:
        """The rows ``first`` to ``last``. Who has those before ``kept`` as of a former ``version``
        is told only the rows from there on, or from the first one that has changed since: from a
        multiple of ``step`` on. None where there is no waterfall."""
        with self._changes.reading():
            waterfall = self._waterfall
            if waterfall is None or waterfall.newest is None:
                return None
            if 0 < version <= waterfall.version:
                changed = waterfall.first_change(version)
                if changed is not None:
                    kept = min(kept, changed // step * step)
                first = max(first, kept)
            rows = waterfall.rows(first, last - first + 1)
            return Stretch(waterfall.version, waterfall.row_duration, first, rows)

    def lines(self, span: float, most: int, mark: tuple[int, int] = (0, 0)) -> RowGroups | None:
        """What changed of a picture of the last ``span`` seconds, of at most ``most`` lines, since
        a former one's ``mark``; without one all of it. None before the first frame."""
        with self._changes.reading():
            waterfall = self._waterfall
            if waterfall is None or waterfall.newest is None:
                return None
            version = mark[1] if mark[0] == self._serial else 0
            row, newest = waterfall.row_duration, waterfall.newest
            step = rows_in_a_line(row, span, most)
            count = max(int(np.ceil(span / (row * step) - 1e-6)), 1)
            mark = (self._serial, waterfall.version)
            rows = changed_rows(waterfall, step, count, version)
        return RowGroups(mark, row * step, count, newest // step, grouped(rows, step))

    def _take_frame(self, fields: Mapping, data: np.ndarray | None) -> None:
        geometry, rows = _geometry(fields)
        channels = fields.get(keys.CHANNELS, 1)
        wanted = rows * geometry.cols
        if data is None or data.dtype != np.float32 or len(data) < wanted * max(channels, 1):
            raise InputError(
                f"a frame of {rows} x {geometry.cols}: expected so many float32, got {_kind(data)}"
            )
        power = data[:wanted].reshape(rows, geometry.cols)

        def change() -> None:
            if self._waterfall is None or self._waterfall.cols != geometry.cols:
                row = geometry.row_duration
                self._waterfall = Waterfall(geometry.cols, row, self._history)
                self._serial += 1
            before = self._waterfall.end
            self._waterfall.add_power(power, geometry)
            # by more than a row, which may have become longer
            if self._waterfall.end < before - self._waterfall.row_duration:
                self._emissions.clear()
            self._tuning = (geometry.center_frequency, geometry.sample_rate)

        self._change(change)

    def _take_mask(self, fields: Mapping, data: np.ndarray | None) -> None:
        geometry, rows = _geometry(fields)
        names = fields.get(keys.CLASSES)
        if not (isinstance(names, list) and names and all(isinstance(n, str) for n in names)):
            raise InputError(f"a mask's {keys.CLASSES}: expected names, got {shown(names)}")
        if data is None or data.dtype != np.uint8 or len(data) != rows * geometry.cols:
            raise InputError(
                f"a mask of {rows} x {geometry.cols}: expected so many bytes, got {_kind(data)}"
            )
        colors = fields.get(keys.CLASS_COLORS, ())

        def change() -> None:
            self._classes = names
            self._colors = class_colors(names, colors if isinstance(colors, list) else ())
            model = str(fields.get(keys.MODEL, ""))
            if model != self._status.model:
                self._status = ViewStatus(**{**vars(self._status), "model": model})
            if self._waterfall is not None and self._waterfall.cols == geometry.cols:
                mask = data.reshape(rows, geometry.cols)
                self._waterfall.add_mask(mask, geometry)

        self._change(change)

    def _take_status(self, fields: Mapping) -> None:
        counts = (keys.FRAMES, keys.DROPPED, keys.QUEUE_DEPTH)
        times = (keys.LATENCY_P50, keys.LATENCY_P99)
        told: dict = {keys.ERROR: str(fields.get(keys.ERROR, ""))}
        if keys.FRAMES in fields:  # else of another block, which tells only what failed
            check_present(fields, counts + times)
            check_whole(fields, counts)
            check_numbers(fields, times)
            told |= {key: fields[key] for key in counts + times}

        def change() -> None:
            self._status = ViewStatus(**{**vars(self._status), **told})

        self._change(change)

    def _change(self, change: Callable[[], None]) -> None:
        def numbered() -> None:
            change()
            self._version += 1

        self._changes.make(numbered)


def _geometry(fields: Mapping) -> tuple[FrameGeometry, int]:
    check_present(fields, _FRAME_KEYS)
    check_time(fields, keys.RX_TIME)
    check_whole(fields, (keys.ROWS, keys.COLS, keys.ROW_SAMPLES, keys.SAMPLE_OFFSET))
    check_numbers(fields, (keys.SAMPLE_RATE,), least=1.0)
    check_numbers(fields, (keys.CENTER_FREQUENCY,))
    rows, cols = fields[keys.ROWS], fields[keys.COLS]
    if not (rows >= 1 and 1 <= cols <= MOST_COLS and fields[keys.ROW_SAMPLES] >= 1):
        raise InputError(
            f"a frame: expected rows and at most {MOST_COLS} bins, got {rows} x {cols}"
        )
    if fields[keys.RX_TIME][0] > MOST_SECONDS:
        raise InputError(f"a frame: expected a time of this age, got {fields[keys.RX_TIME][0]} s")
    return FrameGeometry.from_frame(fields), rows


def _kind(data: np.ndarray | None) -> str:
    return "none" if data is None else f"{len(data)} of {data.dtype}"
