# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines to a standard stream whose reader may be slow, or stopped, from those who cannot wait."""

from __future__ import annotations

import contextlib
import io
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

# A pipe that is ready takes so many bytes at once
CHUNK_BYTES = select.PIPE_BUF
POLL_S = 0.1


class LineWriter:
    """Prints on a thread of its own; nobody waits for it.

    A terminal that was stopped (Ctrl-S) and a pipe that nobody reads hold up that thread alone.
    Lines that find the queue full are left out and counted.

    Args:
        stream: standard output or error; nothing else writes there meanwhile.
        capacity: lines that wait at most.
        changed: called on the thread, with :attr:`left_out`, where that grew and lines go again.
    """

    def __init__(
        self, stream: TextIO, capacity: int, changed: Callable[[int], None] = lambda count: None
    ):
        self._stream, self._capacity, self._changed = stream, capacity, changed
        self._lines: deque[str] = deque()
        self._has_one = False
        self._left_out = self._told = 0
        self._moved = time.monotonic()
        self._news = threading.Condition()
        self._is_over = threading.Event()
        self._poll: select.poll | None = None
        # streams of tests, and what is no file
        with contextlib.suppress(io.UnsupportedOperation, AttributeError, ValueError):
            self._poll = select.poll()
            self._poll.register(stream.fileno(), select.POLLOUT)
        #: whether nobody reads the stream any more
        self.lost_reader = False
        self._thread = threading.Thread(target=self._run, name="radiofm-lines", daemon=True)
        self._thread.start()

    @property
    def left_out(self) -> int:
        """Lines so far that were not printed."""
        return self._left_out

    def put(self, line: str) -> None:
        """Print a line now, later, or not at all. Never waits, never raises."""
        with self._news:
            if self._is_over.is_set() or self.lost_reader or len(self._lines) >= self._capacity:
                self._left_out += 1
                return
            self._lines.append(line)
            self._news.notify()

    def settle(self, patience: float) -> bool:
        """Wait until all lines are printed, for as long as the reader takes some within each
        ``patience`` seconds; whether they are."""
        self._moved = time.monotonic()
        while self._waits() and not self.lost_reader:
            if time.monotonic() - self._moved > patience:
                return False
            time.sleep(0.01)
        return not self.lost_reader

    def close(self, patience: float) -> None:
        """Settle, and leave out the rest."""
        self.settle(patience)
        with self._news:
            self._is_over.set()
            self._news.notify()
        self._thread.join(10 * POLL_S)
        with self._news:
            self._left_out += len(self._lines)
            self._lines.clear()

    def _waits(self) -> bool:
        with self._news:
            return bool(self._lines) or self._has_one

    def _run(self) -> None:
        while True:
            with self._news:
                self._has_one = False
                while not self._lines and not self._is_over.is_set():
                    self._news.wait()
                if self._is_over.is_set():
                    return
                line = self._lines.popleft()
                self._has_one = True
            is_printed = self._print(line + "\n")
            with self._news:
                self._left_out += not is_printed
                left_out = self._left_out
            if is_printed and left_out > self._told:
                self._told = left_out
                self._changed(left_out)

    def _print(self, text: str) -> bool:
        """Whether all of it was taken."""
        try:
            if self._poll is None:
                self._stream.write(text)
                self._stream.flush()
            elif not self._write(self._bytes(text)):
                return False
        except BrokenPipeError:
            self.lost_reader = True
            return False
        # a disk that is full, a terminal that is gone
        except (OSError, ValueError):
            return False
        self._moved = time.monotonic()
        return True

    def _bytes(self, text: str) -> bytes:
        errors = self._stream.errors or "strict"
        errors = "backslashreplace" if errors == "strict" else errors
        return text.encode(self._stream.encoding or "utf-8", errors)

    def _write(self, data: bytes) -> bool:
        """Past Python's buffer, whose lock the end of the process would wait for."""
        while data:
            if not self._poll.poll(1e3 * POLL_S):
                if self._is_over.is_set():
                    return False
                continue
            written = os.write(self._stream.fileno(), data[:CHUNK_BYTES])
            data = data[written:]
            self._moved = time.monotonic()
        return True
