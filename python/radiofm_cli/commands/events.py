# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm events``: the schema of events, and whether files of them keep to it."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from radiofm_core.errors import InputError, UsageError, reason_of
from radiofm_core.events import names
from radiofm_core.events.schema import event_validator, schema_text

from ..console import EXIT_DONE, stop_on_signal

HELP = "print the schema of events, or check files of them"
DESCRIPTION = (
    "Check files of events, as `radiofm watch --output jsonl=FOLDER` writes them, against the "
    "schema; tell how many there are of each type and run, and how many are missing."
)
# Runs that one call tells apart
_MOST_RUNS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="files of JSON lines")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of events")


def run(options: argparse.Namespace) -> int:
    """Print the schema, or check files in the order of their names."""
    if options.schema == bool(options.files):
        raise UsageError("name files of events to check, or --schema")
    if options.schema:
        print(schema_text(), end="")
        return EXIT_DONE
    with stop_on_signal():
        summary = _Summary()
        for path in options.files:
            for place, event in _events(path):
                summary.add(place, event)
        print("\n".join(summary.lines()))
    return EXIT_DONE


class _Summary:
    """Counts events by type, and what is missing of each run."""

    def __init__(self):
        self._types: Counter[str] = Counter()
        self._runs: dict[str, tuple[int, int, int]] = {}

    def add(self, place: str, event: dict) -> None:
        self._types[event[names.TYPE]] += 1
        run, number = event[names.RUN], event[names.SEQUENCE]
        if run not in self._runs and len(self._runs) >= _MOST_RUNS:
            raise InputError(f"{place}: more than {_MOST_RUNS} runs; check fewer files at once")
        low, high, count = self._runs.get(run, (number, number, 0))
        self._runs[run] = min(low, number), max(high, number), count + 1

    def lines(self) -> Iterator[str]:
        total = self._types.total()
        missing = sum(max(high - low + 1 - count, 0) for low, high, count in self._runs.values())
        runs = f"{len(self._runs)} run{'' if len(self._runs) == 1 else 's'}"
        yield f"{total} events of {runs}, all as the schema says; {missing} missing"
        for kind, count in self._types.most_common():
            yield f"  {kind:10} {count}"


def _events(path: Path) -> Iterator[tuple[str, dict]]:
    """(place, event) of each line; raises InputError for the first that is no event."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                place = f"{path}:{number}"
                yield place, _event(place, line)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _event(place: str, line: bytes) -> dict:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: no JSON ({reason_of(error)})") from error
    for error in event_validator().iter_errors(event):
        where = ".".join(map(str, error.absolute_path)) or "the event"
        raise InputError(
            f"{place}: no event of version {names.SCHEMA_VERSION}: {where}: "
            f"{' '.join(error.message.split())[:200]}"
        )
    return event
