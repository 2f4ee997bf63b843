# SPDX-License-Identifier: GPL-3.0-or-later
"""A display of its own for a program with a window, and pictures of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# The longest wait for a picture that does not change any more (s)
MOST_S = 90.0


@contextlib.contextmanager
def display(size: tuple[int, int]) -> Iterator[dict[str, str]]:
    """The environment of programs on a new display with that many pixels; needs Xvfb.

    Raises RuntimeError if it does not start.
    """
    read, write = os.pipe()
    screen = f"{size[0]}x{size[1]}x24"
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", screen, "-nolisten", "tcp"]
    with running(command, dict(os.environ), pass_fds=(write,)):
        os.close(write)
        with open(read) as told:
            number = told.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield {**os.environ, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}


@contextlib.contextmanager
def running(command, environment, **more) -> Iterator[subprocess.Popen]:
    """A program that is ended at the end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, **quiet, **more) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def grab(environment: dict[str, str], path: Path, still_s: float = 1.0) -> None:
    """Write a picture of a display as PNG, once it has stayed the same for ``still_s`` seconds; a
    process of its own asks for it.

    Raises RuntimeError: nothing was drawn, or it never came to rest.
    """
    command = [sys.executable, __file__, str(path), str(still_s)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"no picture: {done.stderr.strip()[-200:]}")


def _grab(path: str, still_s: float) -> None:
    from PyQt5.QtWidgets import QApplication

    application = QApplication(sys.argv[:1])
    screen = application.primaryScreen()
    before, since, end = None, time.monotonic(), time.monotonic() + MOST_S
    while time.monotonic() < end:
        picture = screen.grabWindow(0).toImage()
        if picture != before or _is_empty(picture):
            before, since = picture, time.monotonic()
        if time.monotonic() - since > still_s:
            picture.save(path)
            return
        time.sleep(0.2)
    sys.exit("nothing was drawn, or it never came to rest")


def _is_empty(picture) -> bool:
    """Whether there are next to no colours in it: no program has drawn yet."""
    columns = range(0, picture.width(), 7)
    rows = range(0, picture.height(), 7)
    return len({picture.pixel(x, y) for x in columns for y in rows}) < 50


if __name__ == "__main__":
    _grab(sys.argv[1], float(sys.argv[2]))
