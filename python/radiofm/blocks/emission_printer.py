# SPDX-License-Identifier: GPL-3.0-or-later
"""The emission printer block: emissions and activities as lines on the console."""

from __future__ import annotations

import sys
import time

from radiofm_core import keys
from radiofm_core.bundle import bundled_models, read_bundle_info
from radiofm_core.errors import UsageError
from radiofm_core.fields import check_present
from radiofm_core.outputs.event_words import (
    STATUS_INTERVAL_S,
    activity_words,
    counts_words,
    event_words,
    summary_words,
)
from radiofm_core.outputs.terminal import use_color

from ..pmts.messages import from_pmt
from ..runtime.message_block import message_block

EVENTS = (keys.EVENT_START, keys.EVENT_UPDATE, keys.EVENT_END)


class emission_printer(message_block):
    """Prints one line for each event of an emission, and for each activity, as ``radiofm watch``.

    Input messages: ``emissions`` (of an emission tracker) and ``activity`` (of an activity
    classifier), printed on standard output, labels in their colours where that is a terminal.
    ``status`` (of a segmenter or a classifier), on standard error: that frames were dropped, at
    most every STATUS_INTERVAL_S; that some got no result; how many there were, at the end.

    Args:
        events: which events of emissions are printed: some of ``start``, ``update`` and ``end``,
            with spaces between.

    Raises:
        UsageError: another event, or none.
    """

    def __init__(self, events: str = "start end"):
        self._events = frozenset(str(events).split())
        if not self._events or not self._events <= set(EVENTS):
            raise UsageError(f"events: expected some of {' '.join(EVENTS)!r}, got {events!r}")
        message_block.__init__(self, "emission_printer", senders=None)
        self.add_input(keys.PORT_EMISSIONS, self._on_emissions)
        self.add_input(keys.PORT_ACTIVITY, self._on_activity)
        self.add_input(keys.PORT_STATUS, self._on_status)
        self._reset()

    def start(self) -> bool:
        """Begin a run."""
        self._reset()
        return message_block.start(self)

    def handle(self, port: str, message) -> None:
        """Print one message, or remember it."""
        fields = from_pmt(message)
        if port == keys.PORT_STATUS:
            self._take_status(fields)
        elif port == keys.PORT_ACTIVITY:
            self._unit = "windows classified"
            _print(activity_words(fields, self._colors))
        else:
            check_present(fields, (keys.EVENT,))
            if fields[keys.EVENT] in self._events:
                _print(event_words(fields, self._colors))

    def finish(self) -> None:
        """How many frames or windows there were."""
        if self._status:
            _tell(summary_words(self._status, self._unit))

    def _reset(self) -> None:
        # asked here, as the program may have sent its output elsewhere meanwhile
        self._colors = _colors() if use_color(sys.stdout) else {}
        self._status: dict = {}
        self._unit = "frames segmented"
        self._failed = 0
        self._next_status = time.monotonic() + STATUS_INTERVAL_S

    def _take_status(self, fields: dict) -> None:
        failed = fields.get(keys.FAILED, 0)
        if failed > self._failed:
            self._failed = failed
            _tell(f"{failed} without a result, last: {fields.get(keys.ERROR, 'for no reason')}")
        if keys.FRAMES not in fields:
            return
        news = fields[keys.DROPPED] - self._status.get(keys.DROPPED, 0)
        self._status = fields
        if news > 0 and time.monotonic() >= self._next_status:
            self._next_status = time.monotonic() + STATUS_INTERVAL_S
            _tell(f"the model is too slow for this rate: {counts_words(fields, self._unit)}")

    # GNU Radio calls a handler by its name, so each port has its own

    def _on_emissions(self, message) -> None:
        self.receive(keys.PORT_EMISSIONS, message)

    def _on_activity(self, message) -> None:
        self.receive(keys.PORT_ACTIVITY, message)

    def _on_status(self, message) -> None:
        self.receive(keys.PORT_STATUS, message)


def _colors() -> dict[str, str]:
    """The bundled models' classes' colours."""
    infos = [read_bundle_info(path) for path in bundled_models()]
    return {one.name: one.color for info in infos for one in info.classes}


def _tell(text: str) -> None:
    _print(f"radiofm: {text}", sys.stderr)


def _print(line: str, stream=None) -> None:
    # in one write: another block's thread may print, too
    print(f"{line}\n", end="", file=stream, flush=True)
