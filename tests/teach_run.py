# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lesson is worth, as ``docs/teach.md`` tells: four recordings with seven bursts each of a
kind that no model was trained on, five marked in each, taught as a user does.

``python -m tests.teach_run FOLDER``
"""

from __future__ import annotations

import sys
from pathlib import Path

from training.segmentation.teach.lesson import Lesson
from training.segmentation.teach.run import teach

from .chirp_bursts import samples_with_bursts, write_marked

RECORDINGS, BURSTS, MARKED = 4, 7, 5


def main(folder: Path) -> None:
    """Make the recordings in ``folder`` and teach."""
    for number in range(RECORDINGS):
        iq, bursts = samples_with_bursts(BURSTS, number)
        marks = [burst.annotation("drone") for burst in bursts[:MARKED]]
        write_marked(folder / "marked" / f"r{number}", marks, iq)
    teach(Lesson(str(folder / "marked"), "drone", folder / "drone"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
