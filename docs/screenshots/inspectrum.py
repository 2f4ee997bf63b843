# SPDX-License-Identifier: GPL-3.0-or-later
"""A SigMF pair as inspectrum shows it, with the annotations in it.

.venv/bin/python docs/screenshots/inspectrum.py PAIR.sigmf-meta PICTURE.png
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SIZE = (1300, 560)
# As inspectrum's own sliders set them: FFT size as a power of two, levels in dB
SETTINGS = "[General]\nFFTSize=9\nZoomLevel=0\nPowerMax=-10\nPowerMin=-70\n"
# A picture that stays the same for so long is drawn to its end (s), and the longest wait for that
STILL_S = 1.0
MOST_S = 30.0
GRABBED = "grabbed"


def take(meta_path: str | os.PathLike, png_path: str | os.PathLike, size=SIZE) -> None:
    """Write a picture of a pair as PNG; needs inspectrum and Xvfb, and takes about 5 seconds.

    Args:
        meta_path: the pair's ``.sigmf-meta``.
        png_path: of the picture.
        size: of inspectrum's window, in pixels.

    Raises:
        RuntimeError: a program is missing or ended, or nothing was drawn, in one line.
    """
    for program in ("inspectrum", "Xvfb"):
        if shutil.which(program) is None:
            raise RuntimeError(f"{program} is not installed: apt install inspectrum xvfb")
    with tempfile.TemporaryDirectory() as folder, _display(size) as display:
        home = Path(folder)
        (home / "inspectrum").mkdir(mode=0o700)
        (home / "inspectrum/inspectrum.conf").write_text(SETTINGS)
        own = {"DISPLAY": display, "XDG_CONFIG_HOME": folder, "XDG_RUNTIME_DIR": folder}
        environment = {**os.environ, **own, "QT_QPA_PLATFORM": "xcb"}
        geometry = f"{size[0]}x{size[1]}+0+0"
        shown = [os.fspath(Path(meta_path).resolve())]
        with _running(["inspectrum", "-qwindowgeometry", geometry, *shown], environment) as window:
            command = [sys.executable, __file__, GRABBED, os.fspath(png_path)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            if window.poll() is not None:
                raise RuntimeError(f"inspectrum ended with status {window.returncode}")
            if done.returncode:
                raise RuntimeError(f"no picture of inspectrum: {done.stderr.strip()[-200:]}")


@contextlib.contextmanager
def _display(size: tuple[int, int]) -> Iterator[str]:
    """A display of its own, with that many pixels; its name."""
    screen = f"{size[0]}x{size[1]}x24"
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", screen, "-nolisten", "tcp"]
    with _running(command, dict(os.environ), pass_fds=(write,)):
        os.close(write)
        with open(read) as told:
            number = told.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield f":{number}"


@contextlib.contextmanager
def _running(command, environment, **more) -> Iterator[subprocess.Popen]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, **quiet, **more) as process:
        try:
            yield process
        finally:
            process.terminate()


def _grab(path: str) -> None:
    """Write a picture of the display once it is drawn."""
    from PyQt5.QtWidgets import QApplication

    application = QApplication(sys.argv[:1])
    screen = application.primaryScreen()
    before, since, end = None, time.monotonic(), time.monotonic() + MOST_S
    while time.monotonic() < end:
        picture = screen.grabWindow(0).toImage()
        if picture != before or _is_empty(picture):
            before, since = picture, time.monotonic()
        if time.monotonic() - since > STILL_S:
            picture.save(path)
            return
        time.sleep(0.2)
    sys.exit("nothing was drawn, or it never came to rest")


def _is_empty(picture) -> bool:
    """Whether there are next to no colours in it: no spectrogram yet."""
    columns = range(0, picture.width(), 7)
    rows = range(0, picture.height(), 7)
    return len({picture.pixel(x, y) for x in columns for y in rows}) < 50


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if sys.argv[1] == GRABBED:
        _grab(sys.argv[2])
    else:
        take(sys.argv[1], sys.argv[2])
