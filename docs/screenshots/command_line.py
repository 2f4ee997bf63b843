# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: what `radiofm segment` prints, as a terminal shows it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from radiofm_core.outputs.style import EMPTY, FAINT, FRAME, INK, PAPER

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ("radiofm", "segment", "examples/demo/demo.sigmf-meta", "--out", "results")
FONT = "DejaVuSansMono.ttf"
FONT_SIZE, LINE, MARGIN, BAR = 15, 22, 18, 34
PROMPT = "$ "


def take(path: Path) -> None:
    """Write a picture as PNG; runs the command on the demo recording."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "examples").symlink_to(ROOT / "examples")
        program = [str(Path(sys.prefix) / "bin/radiofm"), *COMMAND[1:]]
        done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True)
    lines = [PROMPT + " ".join(COMMAND), *done.stdout.rstrip().splitlines(), PROMPT]
    draw(lines).save(path)


def draw(lines: list[str]) -> Image.Image:
    """Lines of text in a terminal's window."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts/ttf"
    font = ImageFont.truetype(str(folder / FONT), FONT_SIZE)
    width = round(max(font.getlength(line) for line in lines)) + 2 * MARGIN
    height = BAR + LINE * len(lines) + 2 * MARGIN - 6
    image = Image.new("RGB", (width, height), EMPTY)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width, BAR), fill=PAPER)
    pen.line((0, BAR, width, BAR), fill=FRAME)
    pen.text((MARGIN, 8), "gr-radiofm", font=font, fill=FAINT)
    for number, line in enumerate(lines):
        at = (MARGIN, BAR + MARGIN + number * LINE - 4)
        if line.startswith(PROMPT):
            pen.text(at, PROMPT, font=font, fill=FAINT)
            pen.text((at[0] + font.getlength(PROMPT), at[1]), line[2:], font=font, fill=INK)
        else:
            pen.text(at, line, font=font, fill=FAINT if number == 2 else INK)
    return image


if __name__ == "__main__":
    take(Path(sys.argv[1]))
