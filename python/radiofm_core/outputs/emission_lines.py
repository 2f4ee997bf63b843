# SPDX-License-Identifier: GPL-3.0-or-later
"""Emissions as JSON lines: kept on disk while they end, in order of their start at the end."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from .. import keys
from .files import output_errors
from .json_lines import json_line

# The order on a line, with the decimals that are kept
EMISSION_DECIMALS = {
    keys.EVENT: None,
    keys.BURST_ID: None,
    keys.LABEL: None,
    keys.CONFIDENCE: 4,
    keys.CENTER_FREQUENCY: 1,
    keys.BANDWIDTH: 1,
    keys.START_TIME: 9,
    keys.DURATION: 9,
    keys.START_OFFSET: None,
    keys.END_OFFSET: None,
    keys.SNR_DB: 2,
    keys.PWR_DB: 2,
    keys.ACTIVE_TIME: 9,
    keys.BURSTS: None,
    keys.SUBCARRIER_SPACING: 1,
    keys.EVIDENCE: None,
}


def emission_line(event: Mapping) -> str:
    """One event or emission as a line of JSON (no line end), NaN and Inf as null."""
    return json_line(event, EMISSION_DECIMALS)


class EmissionSpool:
    """Ended emissions of a run, on disk; memory holds 16 bytes of each."""

    def __init__(self, folder: Path):
        self._folder = folder
        with output_errors(folder):
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by close)
        self._places = array("Q")
        self._starts = array("Q")

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, event: Mapping) -> None:
        """Take an ``end`` event; other events and merged emissions are left out."""
        if event[keys.EVENT] != keys.EVENT_END or keys.MERGED_INTO in event:
            return
        fields = {key: value for key, value in event.items() if key != keys.EVENT}
        self._starts.append(int(event[keys.START_OFFSET]))
        self._places.append(self._file.tell())
        with output_errors(self._folder):
            self._file.write(emission_line(fields).encode() + b"\n")

    def lines(self) -> Iterator[bytes]:
        """Each emission's line with its line end, by start."""
        for index in np.argsort(np.frombuffer(self._starts, dtype=np.uint64), kind="stable"):
            with output_errors(self._folder):
                self._file.seek(self._places[index])
                line = self._file.readline()
            yield line
        self._file.seek(0, 2)

    def emissions(self) -> Iterator[dict]:
        """Each emission's fields, by start."""
        return map(json.loads, self.lines())

    def write(self, file) -> None:
        """The JSON-lines file."""
        for line in self.lines():
            file.write(line)

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()
