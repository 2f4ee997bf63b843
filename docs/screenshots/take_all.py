# SPDX-License-Identifier: GPL-3.0-or-later
"""All pictures of programs in the documentation, taken anew: `./dev screenshots [NAME...]`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import browser
import command_line
import companion
import inspectrum
import view
from small_png import small_png

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs/pictures"
# A page is not wider; the repository keeps each version
WIDTH = 1280
MOST_BYTES = 200_000
COLORS = (256, 64, 32, 16)


def take_inspectrum(path: Path) -> None:
    """The demo recording as `radiofm segment` annotates it, in inspectrum."""
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(sys.prefix) / "bin/radiofm")
        demo = str(ROOT / "examples/demo/demo.sigmf-meta")
        command = [program, "segment", demo, "--out", folder]
        subprocess.run(command, check=True, capture_output=True)
        inspectrum.take(Path(folder) / "demo.sigmf-meta", path)


TAKEN: dict[str, Callable[[Path], None]] = {
    "command-line": command_line.take,
    "companion": companion.take,
    "view": view.take,
    "browser": browser.take,
    "inspectrum": take_inspectrum,
}


def main(names: list[str]) -> int:
    """Take the pictures of these names, or all; returns the exit status."""
    unknown = sorted(set(names) - set(TAKEN))
    if unknown:
        print(f"no picture {unknown[0]!r}; there are {', '.join(TAKEN)}", file=sys.stderr)
        return 2
    PICTURES.mkdir(exist_ok=True)
    for name in names or TAKEN:
        with tempfile.TemporaryDirectory() as folder:
            taken = Path(folder) / "taken.png"
            TAKEN[name](taken)
            # a noisy picture is large; with fewer colours the noise is what suffers
            for colors in COLORS:
                picture = small_png(taken.read_bytes(), WIDTH, colors)
                if len(picture) <= MOST_BYTES:
                    break
        if len(picture) > MOST_BYTES:
            print(f"{name}.png has {len(picture)} bytes, more than {MOST_BYTES}", file=sys.stderr)
            return 1
        (PICTURES / f"{name}.png").write_bytes(picture)
        print(f"docs/pictures/{name}.png {len(picture) / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
