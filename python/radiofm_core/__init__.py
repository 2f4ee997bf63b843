# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs no GNU Radio: recordings, CSI, model bundles, results, events."""

from pathlib import Path

from .own_packages import find_own_packages

find_own_packages(Path(__file__).parent)
