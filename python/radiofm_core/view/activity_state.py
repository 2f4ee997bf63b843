# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live view of Wi-Fi CSI shows: filled by messages on one thread, read on another."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .. import keys
from ..errors import InputError
from ..fields import check_numbers, check_present, check_time, check_whole, finite_number
from ..outputs.colors import class_colors
from .changes import Changes
from .spectrum_state import MOST_SECONDS

PORTS = (keys.PORT_WINDOWS, keys.PORT_ACTIVITY)
HISTORY_S = 60.0
# Senders that are kept apart; of more, the one that was silent for longest is forgotten
MOST_SENDERS = 8
MOST_COLS, MOST_ROWS = 2048, 60_000
MOST_LABELS = 2000


@dataclass(frozen=True)
class Moment:
    """What went on from ``start`` on: seconds; ``motion_db`` is None where it is not known."""

    start: float
    duration: float
    label: str
    confidence: float
    motion_db: float | None


@dataclass(frozen=True)
class ActivitySnapshot:
    """What there is to draw of one sender.

    ``amplitude_db``: float32 (n, cols), a row each ``row_duration`` seconds from ``start`` on, NaN
    where no packet came; of several antennas the mean. ``frequency_step``: Hz from one column to
    the next, around the carrier. ``classes`` and ``colors``: of the model, in its order.
    """

    sender: str = ""
    senders: list[str] = field(default_factory=list)
    start: float = 0.0
    row_duration: float = 0.01
    frequency_step: float = 0.0
    amplitude_db: np.ndarray | None = None
    moments: list[Moment] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    colors: list[str] = field(default_factory=list)
    model: str = ""
    packet_rate: float = 0.0

    @property
    def end(self) -> float:
        """Seconds at which the last row ends."""
        rows = 0 if self.amplitude_db is None else len(self.amplitude_db)
        return self.start + rows * self.row_duration


class _Sender:
    """The rows of one sender: a ring by the number of the row since time 0."""

    def __init__(self, cols: int, row_duration: float, history: float):
        self.cols, self.row_duration = cols, row_duration
        size = min(max(round(history / row_duration), 2), MOST_ROWS)
        self.numbers = np.full(size, -1, np.int64)
        self.rows = np.zeros((size, cols), np.float32)
        self.newest = -1
        self.moments: deque[Moment] = deque(maxlen=MOST_LABELS)
        self.frequency_step = 0.0
        self.packet_rate = 0.0

    def add(self, first: int, rows: np.ndarray) -> None:
        if first < self.newest - len(self.numbers):  # the clock was set back
            self.numbers[:] = -1
            self.moments.clear()
            self.newest = -1
        rows = rows[-len(self.numbers) :]
        numbers = first + np.arange(len(rows))
        places = numbers % len(self.numbers)
        self.numbers[places] = numbers
        self.rows[places] = rows
        self.newest = max(self.newest, int(numbers[-1]))

    def last(self, span: float) -> tuple[float, np.ndarray]:
        """(start in seconds, rows of the last ``span`` seconds, NaN where there is none)."""
        known = self.numbers[self.numbers >= 0]
        count = min(max(round(span / self.row_duration), 1), len(self.numbers))
        first = max(self.newest - count + 1, int(known.min()))
        wanted = np.arange(first, self.newest + 1)
        places = wanted % len(self.numbers)
        there = self.numbers[places] == wanted
        rows = np.where(there[:, None], self.rows[places], np.nan)
        return first * self.row_duration, rows


class ActivityState:
    """Takes the messages of CSI framer and activity classifier; any threads may call its methods.

    ``history``: seconds that are kept.
    """

    def __init__(self, history: float = HISTORY_S):
        self._changes = Changes()
        self._history = history
        self._senders: OrderedDict[str, _Sender] = OrderedDict()
        self._classes: list[str] = []
        self._model = ""
        self._version = 0

    @property
    def version(self) -> int:
        """Grows with each message: another one than before tells that there is news."""
        return self._version

    @property
    def is_empty(self) -> bool:
        """Whether no window has come yet."""
        return not self._senders

    def take(self, port: str, fields: Mapping, data: np.ndarray | None = None) -> None:
        """Take a message of ``windows`` (with its values) or ``activity``; others are left alone.

        Raises:
            InputError: a message that lacks something, or does not fit.
            RadiofmError: too many wait for somebody who reads.
        """
        if port == keys.PORT_WINDOWS:
            self._take_window(fields, data)
        elif port == keys.PORT_ACTIVITY:
            self._take_activity(fields)

    def snapshot(self, span: float, sender: str = "") -> ActivitySnapshot:
        """What there is to draw of the last ``span`` seconds of a sender; empty: of the one that
        was heard last."""
        with self._changes.reading():
            if not self._senders:
                return ActivitySnapshot()
            name = sender if sender in self._senders else next(reversed(self._senders))
            found = self._senders[name]
            start, rows = found.last(span)
            return ActivitySnapshot(
                sender=name,
                senders=sorted(self._senders),
                start=start,
                row_duration=found.row_duration,
                frequency_step=found.frequency_step,
                amplitude_db=rows,
                moments=[m for m in found.moments if m.start + m.duration > start],
                classes=list(self._classes),
                colors=class_colors(self._classes),
                model=self._model,
                packet_rate=found.packet_rate,
            )

    def _take_window(self, fields: Mapping, data: np.ndarray | None) -> None:
        whole = (keys.ROWS, keys.COLS, keys.CHANNELS, keys.ANTENNAS)
        numbers = (keys.HOP, keys.ROW_DURATION)
        check_present(fields, (*whole, *numbers, keys.RX_TIME), "a window")
        check_whole(fields, whole)
        check_numbers(fields, numbers, least=1e-6)
        check_time(fields, keys.RX_TIME)
        rows, cols, channels, antennas = (fields[key] for key in whole)
        seconds, fraction = fields[keys.RX_TIME]
        fits = 1 <= rows <= MOST_ROWS and 1 <= cols <= MOST_COLS and 1 <= antennas <= channels
        if not fits or seconds > MOST_SECONDS:
            raise InputError(f"a window of {rows} x {cols} x {channels} values: cannot be shown")
        if data is None or data.dtype != np.float32 or len(data) != rows * cols * channels:
            raise InputError(f"a window of {rows} x {cols} x {channels} values has others")
        amplitude = data.reshape(rows, cols, channels)[..., :antennas].mean(axis=-1)
        decibels = 20.0 * np.log10(np.maximum(amplitude, 1e-9))
        step = fields[keys.ROW_DURATION]
        first = round(seconds / step + fraction / step)
        name = str(fields.get(keys.SOURCE, ""))

        def change() -> None:
            found = self._senders.get(name)
            if found is None or (found.cols, found.row_duration) != (cols, step):
                found = _Sender(cols, step, self._history)
                self._senders[name] = found
            self._senders.move_to_end(name)
            if len(self._senders) > MOST_SENDERS:
                self._senders.popitem(last=False)
            found.add(first, decibels)
            found.frequency_step = finite_number(fields.get(keys.FREQUENCY_STEP)) or 0.0
            found.packet_rate = finite_number(fields.get(keys.PACKET_RATE)) or 0.0
            self._version += 1

        self._changes.make(change)

    def _take_activity(self, fields: Mapping) -> None:
        numbers = (keys.START_TIME, keys.DURATION, keys.CONFIDENCE)
        check_present(fields, (keys.LABEL, *numbers), "an activity")
        check_numbers(fields, numbers)
        probabilities = fields.get(keys.PROBABILITIES)
        moment = Moment(
            start=fields[keys.START_TIME],
            duration=fields[keys.DURATION],
            label=str(fields[keys.LABEL]),
            confidence=fields[keys.CONFIDENCE],
            motion_db=finite_number(fields.get(keys.MOTION_DB)),
        )

        def change() -> None:
            if isinstance(probabilities, Mapping):
                self._classes = [str(name) for name in probabilities]
            self._model = str(fields.get(keys.MODEL, ""))
            found = self._senders.get(str(fields.get(keys.SOURCE, "")))
            if found is not None:
                found.moments.append(moment)
            self._version += 1

        self._changes.make(change)
