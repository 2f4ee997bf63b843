# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the demo recording: ``python -m training.make_demo examples/demo``."""

import sys
from pathlib import Path

from .waveforms.demo import make_demo

if __name__ == "__main__":
    print(make_demo(Path(sys.argv[1] if len(sys.argv) > 1 else "examples/demo")))
