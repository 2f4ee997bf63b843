# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m training.pretrain`` for tests of several hosts: it saves a checkpoint at each chance.
Where the environment's ``HELD`` is ``RANK STEP FILE``, that process stops before that step, writes
its number into FILE and waits to be killed. ``MISSED_S``: after so many seconds without a word, a
process is missed."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

from training.command import run_stage
from training.engine import callbacks, processes
from training.engine.batches import Batches


def hold(rank: int, step: int, path: Path) -> None:
    """Let the process ``rank`` wait before ``step``."""
    made = Batches.__iter__

    def held(self):
        for number, batch in enumerate(made(self)):
            if self.rank == rank and number == step:
                part = path.with_suffix(".part")
                part.write_text(str(os.getpid()))
                part.replace(path)
                signal.pause()
            yield batch

    Batches.__iter__ = held


if __name__ == "__main__":
    callbacks.SAVE_EVERY_S = -1.0
    if "MISSED_S" in os.environ:
        processes.MISSED_AFTER = timedelta(seconds=float(os.environ["MISSED_S"]))
    if "HELD" in os.environ:
        number, at, file = os.environ["HELD"].split(" ", 2)
        hold(int(number), int(at), Path(file))
    run_stage("pretrain", __doc__, several=True)
