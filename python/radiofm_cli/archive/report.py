# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of many recordings: a line for each, a progress bar over all, a summary."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from radiofm_core import keys
from radiofm_core.archive.places import Place
from radiofm_core.archive.record import DONE, FAILED, Record
from radiofm_core.errors import printable
from radiofm_core.outputs.units import display_name, readable_hz, readable_time

from ..console import EXIT_DONE, EXIT_FAILED, report_error
from .task import EXIT_CODE

FAILURES_SHOWN = 20
_BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"


class _Part:
    """A recording's part of the bar, in bytes."""

    def __init__(self, bar: tqdm, place: Place):
        self._bar = bar
        self._size = place.size
        self._duration = 0.0
        self._from = bar.n
        self._done = 0.0

    def begin(self, duration: float) -> None:
        self._duration = duration

    def seen(self, done_s: float) -> None:
        self._done = done_s

    def show(self) -> None:
        share = min(self._done / self._duration, 1.0) if self._duration else 0.0
        self._bar.update(self._from + share * self._size - self._bar.n)


class Report:
    """Counts what became of the recordings and tells it.

    Args:
        places: those that are to be done.
        skipped: how many are done already.
    """

    def __init__(self, places: Iterable[Place], skipped: int):
        places = list(places)
        self._total = len(places)
        self._skipped = skipped
        self._records: dict[str, int] = {}
        self._failures: list[Record] = []
        self._signal_s = 0.0
        self._begun = time.monotonic()
        self.exit_code = EXIT_DONE
        self._done_bytes = 0
        self._bar = tqdm(
            total=sum(place.size for place in places),
            unit="B",
            unit_scale=True,
            bar_format=_BAR,
            leave=False,
            file=sys.stderr,
            disable=None,
            dynamic_ncols=True,
        )
        self._describe()

    def display(self, place: Place) -> _Part:
        """Shows how far a recording is that is done here."""
        return _Part(self._bar, place)

    def ended(self, place: Place, record: Record) -> None:
        """A recording has come to an end."""
        self._records[record.state] = self._records.get(record.state, 0) + 1
        self._done_bytes += place.size
        self._bar.update(self._done_bytes - self._bar.n)
        self._describe()
        for text in record.facts.get("warnings", ()):
            with tqdm.external_write_mode(sys.stderr):
                print(f"radiofm: warning: {printable(text)}", file=sys.stderr, flush=True)
        if record.state == FAILED:
            self._failures.append(record)
            self.exit_code = max(self.exit_code, record.facts.get(EXIT_CODE, EXIT_FAILED))
            self.error(_failure_line(record))
            return
        if record.state == DONE:
            self._signal_s += record.facts.get(keys.DURATION, 0.0)
        self._line(_found_line(record))
        for text in record.facts.get("inferred", ()):
            self._line(f"  {printable(text)}")

    def error(self, text: object) -> None:
        """Something to know, on standard error."""
        with tqdm.external_write_mode(sys.stderr):
            report_error(text)

    def note(self, text: str) -> None:
        """Something to know, on standard output."""
        self._line(text)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def summary(self, stopped: bool, tables: Iterable[Path]) -> list[str]:
        """Lines that end the run."""
        spent = max(time.monotonic() - self._begun, 1e-3)
        done, failed = (self._records.get(state, 0) for state in (DONE, FAILED))
        left = self._total - done - failed
        counts = f"{done} done, {self._skipped} skipped (done before), {failed} failed"
        if left:
            counts += f", {left} not done"
        lines = [f"{count_of(self._total + self._skipped, 'recording')}: {counts}"]
        if stopped:
            lines.append("  stopped: run the same command again to go on")
        if done:
            lines.append(
                f"  {_long_time(self._signal_s)} of signal in {_long_time(spent)}: "
                f"{self._signal_s / spent:.3g} × real time"
            )
        if failed:
            lines.append("  failed:")
            shown = self._failures[:FAILURES_SHOWN]
            lines += [f"    {_failure_line(record)}" for record in shown]
            if failed > len(shown):
                lines.append(f"    … and {failed - len(shown)} more, see the table of recordings")
        if tables := list(tables):
            lines.append(f"  tables: {', '.join(map(str, tables))}")
        return lines

    def _describe(self) -> None:
        ended = sum(self._records.values())
        self._bar.set_description_str(f"{ended}/{self._total} recordings")

    def _line(self, text: str) -> None:
        with tqdm.external_write_mode(sys.stdout):
            print(text, flush=True)


def count_of(number: int, what: str) -> str:
    """As in 1 recording, 2 recordings."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _long_time(seconds: float) -> str:
    """Hours where they say most."""
    if seconds < 600:
        return readable_time(seconds)
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _failure_line(record: Record) -> str:
    """Many reasons name the file themselves."""
    name = printable(record.recording)
    reason = printable(record.reason)
    return reason if name.rpartition("/")[2] in reason else f"{name}: {reason}"


def _found_line(record: Record) -> str:
    facts = record.facts
    counts = sorted(facts.get("labels", {}).items(), key=lambda item: (-item[1], item[0]))
    found = ", ".join(f"{count} {display_name(label)}" for label, count in counts)
    line = (
        f"{printable(record.recording)}: {readable_hz(facts[keys.CENTER_FREQUENCY])}, "
        f"{facts[keys.SAMPLE_RATE] / 1e6:g} MS/s, {readable_time(facts[keys.DURATION])}: "
        f"{found or 'only noise'}"
    )
    return line if record.state == DONE else f"{line} (stopped: incomplete)"
