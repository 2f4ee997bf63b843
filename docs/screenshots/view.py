# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view's window with the demo recording."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from display import display, grab, running

SIZE = (1180, 760)
ROOT = Path(__file__).resolve().parents[2]
# The model has labelled all of the recording then
STILL_S = 12.0
DEMO = ROOT / "examples/demo/demo.sigmf-meta"


def take(path: Path, size: tuple[int, int] = SIZE) -> None:
    """Write a picture as PNG; needs Xvfb."""
    radiofm = Path(sys.prefix) / "bin/radiofm"
    with tempfile.TemporaryDirectory() as home, display(size) as environment:
        environment |= {"HOME": home, "XDG_CONFIG_HOME": home}
        command = [str(radiofm), "view", str(DEMO)]
        with running(command, environment):
            grab(environment, path, STILL_S)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
