# SPDX-License-Identifier: GPL-3.0-or-later
"""What went on, as JSON lines."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .. import keys
from ..csi.activity import Activity
from ..csi.message_fields import activity_fields
from .files import output_errors
from .json_lines import json_line

INCOMPLETE = "incomplete"

# The order on a line, with the decimals that are kept
ACTIVITY_DECIMALS = {
    keys.START_TIME: 6,
    keys.DURATION: 6,
    keys.LABEL: None,
    keys.CONFIDENCE: 4,
    keys.PROBABILITIES: 4,
    keys.MOTION_DB: 2,
    keys.MOTION_PROBABILITY: 4,
    keys.PACKET_RATE: 2,
    keys.LOST_PACKETS: None,
    keys.SOURCE: None,
}


class ActivitySpool:
    """The lines of a run, on disk while they come; memory holds the last one only."""

    def __init__(self, folder: Path):
        self._folder = folder
        with output_errors(folder):
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by close)
        self._last: dict | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, activity: Activity) -> None:
        """Take an answer."""
        self._flush()
        self._last = activity_fields(activity)
        self._count += 1

    def write(self, file, complete: bool) -> None:
        """The JSON-lines file; the last line says so where it is not all."""
        if self._last is not None and not complete:
            self._last[INCOMPLETE] = True
        self._flush()
        self._file.seek(0)
        shutil.copyfileobj(self._file, file)

    def _flush(self) -> None:
        if self._last is None:
            return
        with output_errors(self._folder):
            self._file.write(json_line(self._last, ACTIVITY_DECIMALS).encode() + b"\n")
        self._last = None

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()
