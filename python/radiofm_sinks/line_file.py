# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of whole lines, whatever ends the program, that begins anew by size and age."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from radiofm_core.events import names
from radiofm_core.events.clock import utc_nanoseconds, utc_text

_TAIL = 1 << 16


class LineFile:
    """Appends lines to ``path``, which holds whole lines at all times but during a write.

    A write that fails, as on a full disk, leaves the lines before it. A last line that a killed
    program left half-written is cut off when the file is opened again; :attr:`mended` counts its
    bytes. What is full or old gets its time into its name, ``events-2024-05-01T120000.5Z.jsonl``,
    and a new file takes its place. One program at a time writes: the others get a BlockingIOError.

    Args:
        path: of the file; its folder is made.
        size: bytes after which a file is full.
        age: seconds after which it is old.
        keep: older files that stay; 0: all.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, size: int, age: float, keep: int):
        self._path, self._size, self._age, self._keep = path, size, age, keep
        self._unsynced: list[bytes] = []
        self._taken_back: list[bytes] = []
        self._next_sync: float | None = None
        self.mended = 0
        self._handle = -1
        self._length, self._born = 0, 0.0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(path.parent / f".{path.name}.lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._open()
        except OSError:
            os.close(self._lock)
            raise

    def write(self, lines: Sequence[bytes]) -> None:
        """Append lines, each with its end: all, or on an OSError none of them."""
        data = b"".join([*self._taken_back, *lines])
        if self._handle < 0:
            self._open()
        if self._length and (self._length + len(data) > self._size or self._is_old()):
            self._rotate()
        self._append(data)
        self._taken_back = []
        self._unsynced.append(data)
        if self._next_sync is None:
            self._next_sync = time.monotonic()

    def sync(self, interval: float) -> float | None:
        """See that the disk has it, if that is due; in how many seconds it is, None: all is safe.

        On an OSError what the disk may not have is taken back, and comes with the next write.
        """
        if self._taken_back:
            self.write([])
        if self._next_sync is None:
            return None
        left = self._next_sync - time.monotonic()
        if left > 0:
            return left
        if not self._unsynced:
            self._next_sync = None
            return None
        self._sync()
        self._next_sync = time.monotonic() + interval
        if self._is_replaced():
            self._close_handle()
        return interval

    @property
    def lines_taken_back(self) -> int:
        """Lines whose writing failed after :meth:`write` had returned, for now."""
        return sum(data.count(b"\n") for data in self._taken_back)

    def close(self) -> None:
        """Sync and close; never raises."""
        with contextlib.suppress(OSError):
            if self._handle >= 0:
                self._sync()
        self._close_handle()
        os.close(self._lock)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError:
            # what was written of it is no whole line
            self._cut(self._length)
            raise
        self._length += len(data)

    def _sync(self) -> None:
        try:
            os.fsync(self._handle)
        except OSError:
            # after this the system has forgotten which of the data the disk lacks
            self._cut(self._length - sum(map(len, self._unsynced)))
            self._close_handle()
            self._taken_back, self._unsynced = self._unsynced, []
            raise
        self._unsynced = []

    def _cut(self, length: int) -> None:
        try:
            os.ftruncate(self._handle, length)
        except OSError:
            # opened anew, it is mended
            self._close_handle()

    def _is_replaced(self) -> bool:
        """Whether somebody moved or removed the file."""
        try:
            return not os.path.samestat(os.fstat(self._handle), os.stat(self._path))
        except OSError:
            return True

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self._length = os.fstat(self._handle).st_size
            whole = self._whole_length()
            if whole < self._length:
                os.ftruncate(self._handle, whole)
                self.mended += self._length - whole
                self._length = whole
            age = self._age_of_first_line()
        except OSError:
            self._close_handle()
            raise
        self._born = time.monotonic() - age

    def _whole_length(self) -> int:
        """Up to the end of the last whole line."""
        end = self._length
        while end:
            start = max(end - _TAIL, 0)
            found = os.pread(self._handle, end - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0

    def _age_of_first_line(self) -> float:
        try:
            line = os.pread(self._handle, min(_TAIL, self._length), 0).split(b"\n")[0]
            began = utc_nanoseconds(json.loads(line)[names.TIME])
        except (ValueError, KeyError, TypeError):
            return 0.0
        return max((time.time_ns() - began) / 1e9, 0.0)

    def _is_old(self) -> bool:
        return time.monotonic() - self._born >= self._age

    def _rotate(self) -> None:
        self._sync()
        self._close_handle()
        # without colons, which some file systems refuse
        stamp = utc_text(time.time_ns()).replace(":", "")
        stem, suffix = self._path.stem, self._path.suffix
        name, number = f"{stem}-{stamp}{suffix}", 1
        while (self._path.parent / name).exists():
            number += 1
            name = f"{stem}-{stamp}.{number}{suffix}"
        os.rename(self._path, self._path.parent / name)
        self._remove_oldest()
        self._open()

    def _remove_oldest(self) -> None:
        if not self._keep:
            return
        pattern = f"{self._path.stem}-*Z*{self._path.suffix}"
        closed = sorted(self._path.parent.glob(pattern))
        for path in closed[: -self._keep]:
            with contextlib.suppress(OSError):
                path.unlink()

    def _close_handle(self) -> None:
        if self._handle >= 0:
            with contextlib.suppress(OSError):
                os.close(self._handle)
        self._handle = -1
