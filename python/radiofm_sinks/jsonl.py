# SPDX-License-Identifier: GPL-3.0-or-later
"""Events as lines of JSON: in files that are closed by size and age, or on standard output."""

from __future__ import annotations

import _thread
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from radiofm_core.errors import reason_of
from radiofm_core.events.lines import event_line

from .line_file import LineFile
from .options import Options
from .sink import EventSink, Refused, Trouble

FILE_NAME = "events.jsonl"
STANDARD_OUTPUT = "-"
DEFAULT_SIZE, LEAST_SIZE = 64 << 20, 4096
DEFAULT_AGE_S, LEAST_AGE_S = 86400.0, 1.0
# How long what is written may wait to be safe from a power cut
SYNC_S = 1.0


class JsonLinesSink(EventSink):
    """Writes each event at once, and sees once a second that the disk has it.

    Args:
        name: of the output.
        file: where to.
        options: see :class:`.sink.EventSink`.
    """

    def __init__(self, name: str, file: LineFile, **options):
        super().__init__(name, **options)
        self._file = file

    def open(self) -> None:
        """Tell what a killed program left."""
        if self._file.mended:
            self.on_note(f"cut off {self._file.mended} bytes of a line that was half-written")

    def deliver(self, events: Sequence[Mapping]) -> None:
        """Write lines; none of them is left where one cannot be written."""
        try:
            self._file.write([event_line(event) for event in events])
            self.confirm(len(events))
            self._file.sync(SYNC_S)
        except OSError as error:
            raise Trouble(_reason(error)) from error

    def idle(self) -> float | None:
        """See that the disk has what was written."""
        try:
            return self._file.sync(SYNC_S)
        except OSError as error:
            self.cannot_deliver(_reason(error))
            return SYNC_S

    def release(self) -> None:
        """Close the file."""
        self._file.close()
        self.take_back(self._file.lines_taken_back)


def _reason(error: OSError) -> str:
    return f"cannot be written: {error.strerror or reason_of(error)}"


class StandardOutputSink(EventSink):
    """Prints each event as a line; where nobody reads them any more, the program is asked to end,
    as SIGTERM asks it."""

    #: whether nobody reads any more
    lost_reader = False

    def deliver(self, events: Sequence[Mapping]) -> None:
        """Print lines."""
        try:
            sys.stdout.write("".join(event_line(event).decode() for event in events))
            sys.stdout.flush()
        except (OSError, ValueError) as error:
            if not self.lost_reader:
                self.lost_reader = True
                _thread.interrupt_main(signal.SIGTERM)
            raise Refused("nobody reads standard output any more") from error


def open_jsonl(options: Options) -> EventSink:
    """``jsonl=FOLDER`` or ``jsonl=-``; raises UsageError for a folder that cannot be used."""
    shared = {"capacity": options.buffer(), "types": options.types()}
    if options.target == STANDARD_OUTPUT:
        options.done()
        return StandardOutputSink(options.name, **shared)
    size = options.size("size", DEFAULT_SIZE, LEAST_SIZE)
    age = options.seconds("age", DEFAULT_AGE_S, LEAST_AGE_S)
    keep = options.count("keep", 0)
    options.done()
    folder = Path(options.target).expanduser()
    try:
        file = LineFile(folder / FILE_NAME, size, age, keep)
    except BlockingIOError as error:
        raise options.error(
            f"another program writes {folder / FILE_NAME}; choose another folder"
        ) from error
    except OSError as error:
        raise options.error(
            f"cannot be written ({reason_of(error)}); choose another folder"
        ) from error
    return JsonLinesSink(options.name, file, **shared)
