# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a recording's results: a small file for each, replaced as a whole.

It lies in ``.radiofm`` in the folder of results. The files of results are written first, their
record says ``done`` last: whatever ends the program, a record never promises what is not there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from ..outputs.files import PendingFile, clear_away, output_errors
from ..outputs.paths import result_paths

RECORDS_FOLDER = ".radiofm"
_SUFFIX = ".json"
_VERSION = 1
# A record is a few hundred bytes
_MOST_BYTES = 1 << 20

STARTED = "started"  # and not ended: it is being done, or what did it was killed
DONE = "done"
STOPPED = "stopped"  # by Ctrl-C
FAILED = "failed"


@dataclass(frozen=True)
class FileState:
    """A file of the recording; any change of it shows here."""

    path: str  # as seen from the folder of results, so that both can be moved together
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Record:
    """Of one recording.

    Attributes:
        recording: its name within the results, see :class:`.places.Place`.
        results: the stem of its results.
        files: of the recording, as they were before it was opened.
        settings: what else the results depend on: the model's checksum, options.
        state: one of started, done, stopped, failed.
        outputs: which results are written.
        reason: why it failed.
        attempts: how often it was started since it was last done.
        facts: of the recording and what was found, for the table.
    """

    recording: str
    results: str
    files: tuple[FileState, ...]
    settings: dict
    state: str
    outputs: tuple[str, ...] = ()
    reason: str = ""
    attempts: int = 1
    facts: dict = field(default_factory=dict)

    def with_state(self, state: str, reason: str = "", **facts) -> Record:
        """The same recording later; ``facts`` are added."""
        return replace(self, state=state, reason=reason, facts={**self.facts, **facts})

    def is_current(self, out: Path, stem: str, settings: Mapping, outputs: Collection[str]) -> bool:
        """Whether the results in ``out`` are whole, and what one would get today.

        A result's content is not looked at: it got its name when it was whole.
        """
        paths = result_paths(out, self.results)
        return (
            self.state == DONE
            and self.results == stem
            and self.settings == settings
            and set(outputs) <= set(self.outputs)
            and all(paths[kind].exists() for kind in outputs)
            and bool(self.files)
            and all(_state(out, one.path) == one for one in self.files)
        )


def _state(out: Path, path: str) -> FileState | None:
    try:
        found = os.stat(os.path.join(out, path))
    except OSError:
        return None
    return FileState(path, found.st_size, found.st_mtime_ns)


def file_states(out: Path, paths: Collection[Path]) -> tuple[FileState, ...]:
    """What tells a later change of files; of one that cannot be read nothing.

    Args:
        out: the folder of results, resolved.
        paths: of the recording.
    """
    names = sorted({os.path.relpath(path.resolve(), out) for path in paths})
    return tuple(state for name in names if (state := _state(out, name)) is not None)


def record_path(out: Path, recording: str) -> Path:
    """Where the record of a recording lies."""
    return out / RECORDS_FOLDER / f"{recording}{_SUFFIX}"


def write_record(out: Path, record: Record) -> None:
    """Replace the record as a whole; raises OutputError if that fails."""
    path = record_path(out, record.recording)
    text = json.dumps({"version": _VERSION, **asdict(record)}, indent=1)
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    pending = PendingFile(path)
    try:
        with output_errors(path):
            pending.file.write(text.encode() + b"\n")
        pending.commit()
    finally:
        pending.discard()


def clear_away_records(out: Path) -> None:
    """Remove what killed processes left of records that they were writing."""
    for place, _, _ in os.walk(out / RECORDS_FOLDER):
        clear_away(Path(place), lambda _: True)


def read_record(out: Path, recording: str) -> Record | None:
    """The record of a recording; None where there is none that can be read."""
    return _read(record_path(out, recording))


def read_records(out: Path) -> Iterator[Record]:
    """All records in a folder of results, by name; what is no record is left out."""
    top = out / RECORDS_FOLDER
    for place, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            if name.endswith(_SUFFIX) and not name.startswith("."):
                record = _read(Path(place, name))
                if record is not None and record_path(out, record.recording) == Path(place, name):
                    yield record


def _read(path: Path) -> Record | None:
    try:
        with path.open("rb") as file:
            raw = json.loads(file.read(_MOST_BYTES))
        known = {each.name for each in fields(Record)}
        given = {key: value for key, value in raw.items() if key in known}
        given["files"] = tuple(FileState(**one) for one in given["files"])
        given["outputs"] = tuple(given["outputs"])
        record = Record(**given)
    # a disk can give back anything: then the recording is done anew
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    texts = (record.recording, record.results, record.state, record.reason)
    is_sound = (
        raw.get("version") == _VERSION
        and all(isinstance(text, str) for text in texts)
        and isinstance(record.facts, dict)
        and isinstance(record.settings, dict)
        and isinstance(record.attempts, int)
        and all(isinstance(one, str) for one in record.outputs)
        and all(isinstance(one.path, str) for one in record.files)
    )
    return record if is_sound and is_inside(record.results) else None


def is_inside(name: str) -> bool:
    """Whether a name leads to a place below the folder of results."""
    return not os.path.isabs(name) and ".." not in name.split("/") and "\0" not in name
