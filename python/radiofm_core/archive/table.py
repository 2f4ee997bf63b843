# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found in all recordings, as rows: read from the records and the JSON lines of each.

The columns are named and measured as the fields of messages are; beside them are edges, and times
as dates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .. import keys
from ..outputs.evidence_words import evidence_words
from ..outputs.paths import result_paths
from .record import DONE, STOPPED, Record, read_records

TEXT, WHOLE, NUMBER, TIME = "text", "whole", "number", "time"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Table:
    """``columns``: kinds by name. ``rows``: made anew with each call, each with all columns; None
    where there is nothing to tell."""

    name: str
    columns: dict[str, str]
    rows: Callable[[], Iterator[dict]]


RECORDING_COLUMNS = {
    "recording": TEXT,
    "state": TEXT,
    "reason": TEXT,
    "results": TEXT,
    keys.START_TIME: TIME,
    keys.DURATION: NUMBER,
    keys.SAMPLE_RATE: NUMBER,
    keys.CENTER_FREQUENCY: NUMBER,
    keys.SAMPLES: WHOLE,
    keys.FRAMES: WHOLE,
    "emissions": WHOLE,
    "inferred": TEXT,
    "warnings": TEXT,
    keys.MODEL: TEXT,
    "attempts": WHOLE,
    "finished": TIME,
    "seconds": NUMBER,
    "host": TEXT,
    "radiofm": TEXT,
}
EMISSION_COLUMNS = {
    "recording": TEXT,
    keys.BURST_ID: WHOLE,
    keys.LABEL: TEXT,
    keys.CONFIDENCE: NUMBER,
    keys.CENTER_FREQUENCY: NUMBER,
    keys.BANDWIDTH: NUMBER,
    "lower_edge": NUMBER,
    "upper_edge": NUMBER,
    keys.START_TIME: TIME,
    "end_time": TIME,
    "start_seconds": NUMBER,
    keys.DURATION: NUMBER,
    keys.ACTIVE_TIME: NUMBER,
    keys.BURSTS: WHOLE,
    keys.START_OFFSET: WHOLE,
    keys.END_OFFSET: WHOLE,
    keys.SNR_DB: NUMBER,
    keys.PWR_DB: NUMBER,
    keys.SUBCARRIER_SPACING: NUMBER,
    keys.EVIDENCE: TEXT,
    keys.MODEL: TEXT,
}


def recordings_table(out: Path) -> Table:
    """A row for each recording that was ever begun in the folder of results ``out``."""
    return Table("recordings", RECORDING_COLUMNS, lambda: map(_recording_row, read_records(out)))


def emissions_table(out: Path, tell: Callable[[str], None]) -> Table:
    """A row for each emission, by recording and start.

    Args:
        out: the folder of results.
        tell: called with one line about JSON lines that are missing or damaged; those before are
            taken.
    """

    def rows() -> Iterator[dict]:
        for record in read_records(out):
            if record.state in (DONE, STOPPED):
                yield from _emission_rows(out, record, tell)

    return Table("emissions", EMISSION_COLUMNS, rows)


def _recording_row(record: Record) -> dict:
    own = {
        "recording": record.recording,
        "state": record.state,
        "reason": record.reason or None,
        "results": record.results if record.outputs else None,
        "attempts": record.attempts,
        **{name: _joined(record.facts.get(name)) for name in ("inferred", "warnings")},
    }
    fields = {**record.facts, **own}
    return {name: as_kind(fields.get(name), kind) for name, kind in RECORDING_COLUMNS.items()}


def _joined(lines: object) -> str | None:
    return "; ".join(map(str, lines)) if isinstance(lines, list) and lines else None


def _emission_rows(out: Path, record: Record, tell: Callable[[str], None]) -> Iterator[dict]:
    path = result_paths(out, record.results)["jsonl"]
    number = 0
    try:
        with path.open("rb") as file:
            for line in file:
                number += 1
                yield _emission_row(json.loads(line), record)
    except OSError as error:
        if record.state == DONE:
            tell(f"{path}: cannot be read ({error.strerror or error}); run segment again")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        tell(f"{path}: line {number} is no emission; delete the file and run segment again")


def _emission_row(emission: dict, record: Record) -> dict:
    center, width = emission[keys.CENTER_FREQUENCY], emission[keys.BANDWIDTH]
    rate, start = record.facts.get(keys.SAMPLE_RATE), emission[keys.START_TIME]
    is_dated = record.facts.get(keys.START_TIME) is not None
    own = {
        "recording": record.recording,
        "lower_edge": center - width / 2,
        "upper_edge": center + width / 2,
        keys.START_TIME: start if is_dated else None,
        "end_time": start + emission[keys.DURATION] if is_dated else None,
        "start_seconds": emission[keys.START_OFFSET] / rate if rate else None,
        keys.EVIDENCE: evidence_words(emission) or None,
        keys.MODEL: record.facts.get(keys.MODEL),
    }
    fields = {**emission, **own}
    return {name: as_kind(fields.get(name), kind) for name, kind in EMISSION_COLUMNS.items()}


def as_kind(value: object, kind: str) -> object:
    """A value as its column holds it; None for what is of another kind."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == TEXT:
        # what a name in no encoding holds cannot be written otherwise
        return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else None
    if kind == WHOLE:
        return value if is_number and value == int(value) else None
    if kind == NUMBER:
        return float(value) if is_number else None
    try:
        return _EPOCH + timedelta(seconds=value) if is_number else None
    except OverflowError:
        return None
