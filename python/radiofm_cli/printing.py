# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a command: what it found on standard output, news on standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from .line_writer import LineWriter

# What waits for a terminal at most
MOST_LINES, MOST_NEWS = 10_000, 1_000
# At the end a reader that takes nothing is waited for so long (s)
PATIENCE_S = 2.0


class _Apart:
    """Both streams, written by threads of their own."""

    def __init__(self):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.flush()
        self.news = LineWriter(sys.stderr, MOST_NEWS, self._tell_news)
        self.lines = LineWriter(sys.stdout, MOST_LINES, self._tell_lines)

    def _tell_lines(self, count: int) -> None:
        self.news.put(_left_out_words(count, "output"))

    def _tell_news(self, count: int) -> None:
        self.news.put(_left_out_words(count, "error"))

    def close(self) -> None:
        """Print what waits, and tell what could not be printed."""
        self.lines.close(PATIENCE_S)
        if self.lines.left_out and not self.lines.lost_reader:
            self._tell_lines(self.lines.left_out)
        self.news.close(PATIENCE_S)


_apart: _Apart | None = None


@contextlib.contextmanager
def printing_apart() -> Iterator[None]:
    """In this block :func:`show` and :func:`tell` never wait for who reads; what finds no place is
    left out, counted, and told. Raises BrokenPipeError at the end where nobody reads standard
    output any more."""
    global _apart
    apart = _apart = _Apart()
    try:
        yield
    finally:
        apart.close()
        _apart = None
    if apart.lines.lost_reader:
        raise BrokenPipeError


def show(line: str) -> None:
    """A line on standard output."""
    if _apart is not None:
        _apart.lines.put(line)
    else:
        print(line, flush=True)


def tell(text: str) -> None:
    """A line of news on standard error, if anybody reads it."""
    if _apart is not None:
        _apart.news.put(f"radiofm: {text}")
        return
    with contextlib.suppress(BrokenPipeError):
        print(f"radiofm: {text}", file=sys.stderr, flush=True)


def check_reader() -> None:
    """Raise BrokenPipeError where nobody reads standard output any more; outside of
    :func:`printing_apart` printing does so itself."""
    if _apart is not None and _apart.lines.lost_reader:
        raise BrokenPipeError


def settle() -> None:
    """Wait for the reader of standard output, while he reads; see :func:`check_reader`."""
    if _apart is not None:
        _apart.lines.settle(PATIENCE_S)
        check_reader()


def _left_out_words(count: int, stream: str) -> str:
    lines = "line was" if count == 1 else "lines were"
    return f"radiofm: {count} {lines} not printed: nobody takes them from standard {stream} in time"
