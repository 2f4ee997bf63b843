# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio Companion with the first example."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from display import display, grab, running
from PIL import Image

SIZE = (1780, 800)
ROOT = Path(__file__).resolve().parents[2]
COMPANION = "/usr/bin/gnuradio-companion"
EXAMPLE = ROOT / "examples/segment_recording.grc"
# Companion's console, which names folders of this machine, is below the picture
CONSOLE = 230
# Between its window and the last block Companion does not draw for some seconds
STILL_S = 8.0


def take(path: Path, size: tuple[int, int] = SIZE) -> None:
    """Write a picture as PNG; needs GNU Radio Companion and Xvfb."""
    with tempfile.TemporaryDirectory() as home, display(size) as environment:
        blocks = Path(sys.prefix) / "share/gnuradio/grc/blocks"
        environment |= {"HOME": home, "GRC_BLOCKS_PATH": str(blocks), "GTK_THEME": "Adwaita"}
        _settings(Path(home), size)
        # started by this Python, as ./dev grc does
        with running([sys.executable, COMPANION, str(EXAMPLE)], environment):
            grab(environment, path, STILL_S)
    with Image.open(path) as whole:
        above = whole.crop((0, 0, size[0], size[1] - CONSOLE))
    above.save(path)


def _settings(home: Path, size: tuple[int, int]) -> None:
    """Companion's own: a window as large as the display, no welcome."""
    folder = home / ".gnuradio"
    folder.mkdir()
    (folder / "grc.conf").write_text(
        "[main]\n"
        f"main_window_width = {size[0]}\nmain_window_height = {size[1]}\n"
        f"console_window_position = {size[1] - CONSOLE}\nblocks_window_position = {size[0]}\n"
        "variable_editor_position = 900\n"
    )


if __name__ == "__main__":
    take(Path(sys.argv[1]))
