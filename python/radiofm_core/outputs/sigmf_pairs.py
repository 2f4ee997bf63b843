# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF pairs in a folder, written while samples come: their names, their end, how many are kept.

A pair can be read at any time, also after the program was killed: data and description are there
before the first sample, the description is replaced as a whole, and tells of no sample that is not
in the data. ``radiofm:complete`` is true in it once no more samples are to come.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from ..errors import OutputError, UsageError
from ..fields import shown
from ..spectrum.recordings import META_SUFFIX
from .files import clear_away, output_errors, temporary_path
from .recorded_file import RecordedFile, Stretch

ADVICE = "make room there or choose another folder; until then samples are dropped"
# Before it, a clock that tells no date was never set: 2000-01-01, seconds since 1970
_EARLIEST_DATE_S = 946_684_800
_PREFIX = re.compile(r"[^/\0]{1,100}")


class SigmfPair(RecordedFile):
    """A pair that is being written. ``descriptor`` is open for its data until :meth:`close`."""

    def __init__(self, stem: Path, datatype: str, first: Stretch, descriptor: int):
        super().__init__(stem, datatype, first.sample_rate)
        self.descriptor = descriptor
        self.is_open = True
        self.is_removed = False
        self.closed_at = 0.0
        self._text = b""
        self._begin(first)

    def describe(self, emissions: list[dict]) -> None:
        """Write the description, if it is another one than last time.

        Raises:
            OSError: it cannot be written; the one from last time stays.
        """
        text = self.text(emissions, complete=not self.is_open)
        if text == self._text or self.is_removed:
            return
        temporary = temporary_path(self.meta_path)
        try:
            temporary.write_bytes(text)
            os.replace(temporary, self.meta_path)
        finally:
            temporary.unlink(missing_ok=True)
        self._text = text

    def close(self) -> None:
        """No more samples are to come; the description is still to be written."""
        if self.is_open:
            self.is_open = False
            self.closed_at = time.monotonic()
            os.close(self.descriptor)

    def remove(self) -> None:
        """Delete both files."""
        self.close()
        self.is_removed = True
        for path in (self.meta_path, self.data_path):
            with contextlib.suppress(OSError):
                path.unlink()


class SigmfFolder:
    """Makes pairs with the names ``{prefix}_{UTC time of the first sample}_{counter}``.

    Args:
        folder: where; it is made with the first pair.
        prefix: begins the names.
        datatype: SigMF's, of the samples.
        max_files: pairs that are kept of those made here; 0 keeps all.

    Raises:
        UsageError: a prefix that cannot begin a file's name, a folder that is no path.
    """

    def __init__(self, folder: str | os.PathLike, prefix: str, datatype: str, max_files: int = 0):
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
            raise UsageError(
                f"prefix: expected 1 to 100 characters of a file's name, got {prefix!r}"
            )
        if not isinstance(folder, str | os.PathLike):
            raise UsageError(f"folder: expected a path, got {shown(folder)}")
        self.folder = Path(folder)
        self._prefix = prefix
        self._datatype = datatype
        self._max_files = max_files
        self._counter = 0
        self._kept: deque[SigmfPair] = deque()

    def open(self, first: Stretch) -> SigmfPair:
        """A new pair, empty but described; files that are there are never replaced.

        Args:
            first: of the samples that come first.

        Raises:
            OutputError: it cannot be made, in one line.
        """
        if self._max_files and len(self._kept) >= self._max_files:
            self._kept.popleft().remove()
        with output_errors(self.folder, "samples ", ADVICE):
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self._counter:
                clear_away(self.folder, self._is_ours)
            stem, descriptor = self._new_file(first)
            pair = SigmfPair(stem, self._datatype, first, descriptor)
            try:
                pair.describe([])
            except OSError:
                pair.remove()
                raise
        self._kept.append(pair)
        return pair

    def give_up(self, pair: SigmfPair) -> None:
        """Delete a pair without samples."""
        pair.remove()
        with contextlib.suppress(ValueError):
            self._kept.remove(pair)

    def _is_ours(self, name: str) -> bool:
        return name.startswith(f"{self._prefix}_") and name.endswith(META_SUFFIX)

    def failure(self, reason: str) -> OutputError:
        """That samples cannot be written, for a reason of the system's."""
        return OutputError(f"{self.folder}: samples cannot be written ({reason}); {ADVICE}")

    def _new_file(self, first: Stretch) -> tuple[Path, int]:
        seconds = first.time_s if first.time_s >= _EARLIEST_DATE_S else time.time()
        try:
            date = datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):  # no date of this calendar
            date = datetime.now(UTC)
        while True:
            name = f"{self._prefix}_{date:%Y%m%dT%H%M%SZ}_{self._counter:04d}"
            self._counter += 1
            made = RecordedFile(self.folder / name, self._datatype, first.sample_rate)
            if made.meta_path.exists():
                continue
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                return made.stem, os.open(made.data_path, flags, 0o666)
            except FileExistsError:
                continue
