# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands share: exit codes, errors in one line, Ctrl-C, options, tables."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
# As a shell tells it of a program that SIGPIPE ended
EXIT_NO_READER = 141

_SCALES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}


class Stopped(BaseException):
    """Ctrl-C or SIGTERM while there is nothing to save."""


class StopRequest:
    """Whether Ctrl-C or SIGTERM came; the second one ends the process at once."""

    def __init__(self):
        self.requested = False
        self.armed = False
        self._held = False

    def __call__(self, signum, frame) -> None:
        if self.requested:
            # Nothing under a final name is half-written: files are renamed when they are whole
            os._exit(EXIT_INTERRUPTED)
        self.requested = True
        if not (self.armed or self._held):
            raise Stopped

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """A stop waits for the end of this block: for imports of compiled packages and loading,
        where an exception out of a signal would end the process (``terminate called``)."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            if self.requested and not self.armed:
                raise Stopped


@contextlib.contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Catch Ctrl-C and SIGTERM: raise :class:`Stopped`, or only note it once ``armed`` is set."""
    request = StopRequest()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, request) for number in signals}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def report_error(error: object) -> None:
    """One line on standard error, if anybody reads it."""
    text = " ".join(str(error).split())
    with contextlib.suppress(BrokenPipeError):
        print(f"radiofm: error: {text}", file=sys.stderr, flush=True)


def flush_output() -> None:
    """Write out what was printed; raises BrokenPipeError where nobody reads it any more."""
    sys.stdout.flush()
    sys.stderr.flush()


def close_output() -> None:
    """Let go of what cannot be written, which Python would complain of at the process's end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def hertz(text: str) -> float:
    """An argument in Hz: 19200000, 19.2e6 or 19.2M."""
    match = re.fullmatch(r"([-+]?[0-9.]+(?:[eE][-+]?\d+)?)\s*([kKMG]?)(?:[hH][zZ])?", text.strip())
    try:
        value = float(match[1]) * _SCALES[match[2]] if match else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(
            f"expected a frequency in Hz, such as 19.2e6 or 19.2M, got {text!r}"
        )
    return value


def rate(text: str) -> float:
    """A sample rate in Hz, above zero."""
    value = hertz(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"expected a sample rate above 0 Hz, got {text!r}")
    return value


def seconds(text: str) -> float:
    """An argument in seconds, above zero: 0.02, 20ms."""
    match = re.fullmatch(r"([0-9.]+(?:[eE][-+]?\d+)?)\s*(us|ms|s|)", text.strip())
    try:
        scale = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0}
        value = float(match[1]) * scale[match[2]] if match else math.nan
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(
            f"expected a time above 0 s, such as 0.02 or 20ms, got {text!r}"
        )
    return value


def share(text: str) -> float:
    """An argument between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return value


def whole(text: str) -> int:
    """A non-negative integer."""
    if not text.strip().isdigit():
        raise argparse.ArgumentTypeError(f"expected a non-negative integer, got {text!r}")
    return int(text)


def add_model_options(parser: argparse.ArgumentParser, min_confidence: float = 0.5) -> None:
    """The options of commands that run a model; ``min_confidence`` is that option's default."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        default="default",
        help="name of a bundled model or path of a bundle (default: default)",
    )
    group.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    group.add_argument(
        "--precision", default="auto", choices=("auto", "fp32", "bf16"), help="default: auto"
    )
    group.add_argument(
        "--threads",
        type=whole,
        default=0,
        metavar="N",
        help="CPU threads of the model (default 0: one per core, at most 8)",
    )
    group.add_argument(
        "--min-confidence",
        type=share,
        default=min_confidence,
        metavar="P",
        help=f'label "unknown" below this confidence (0..1, default {min_confidence:g})',
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Lines of a table; the first ``left`` columns flush left, the others flush right."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for row in (header, *rows):
        cells = [
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines
