# SPDX-License-Identifier: GPL-3.0-or-later
"""A SigMF pair as inspectrum shows it, with the annotations in it.

.venv/bin/python docs/screenshots/inspectrum.py PAIR.sigmf-meta PICTURE.png
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from display import display, grab, running

SIZE = (1300, 560)
# As inspectrum's own sliders set them: FFT size as a power of two, levels in dB
SETTINGS = "[General]\nFFTSize=9\nZoomLevel=0\nPowerMax=-10\nPowerMin=-70\n"


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
    with tempfile.TemporaryDirectory() as folder, display(size) as environment:
        home = Path(folder)
        (home / "inspectrum").mkdir(mode=0o700)
        (home / "inspectrum/inspectrum.conf").write_text(SETTINGS)
        environment |= {"XDG_CONFIG_HOME": folder, "XDG_RUNTIME_DIR": folder}
        geometry = f"{size[0]}x{size[1]}+0+0"
        shown = [os.fspath(Path(meta_path).resolve())]
        with running(["inspectrum", "-qwindowgeometry", geometry, *shown], environment) as window:
            try:
                grab(environment, Path(png_path))
            except RuntimeError:
                if window.poll() is not None:
                    raise RuntimeError(f"inspectrum ended with {window.returncode}") from None
                raise


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    take(sys.argv[1], sys.argv[2])
