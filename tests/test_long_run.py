# SPDX-License-Identifier: GPL-3.0-or-later
"""A shorter version of ``long_run.py``: no row is lost, and memory does not grow."""

import long_run

# Frames that are never freed would take 40 MB from one half of the run to the other
MOST_GROWTH_MB = 20.0


def test_twenty_seconds_loses_no_row_and_memory_stays(tmp_path):
    meta = long_run.make_recording(tmp_path, 20)
    figures = long_run.segment(meta, tmp_path / "out")
    assert figures.rows == figures.expected_rows
    assert figures.even
    assert figures.growth_mb < MOST_GROWTH_MB
