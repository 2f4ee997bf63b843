# SPDX-License-Identifier: GPL-3.0-or-later
"""A shorter version of ``long_run.py``: no frame is lost, none doubled, memory stays."""

import long_run


def test_twenty_seconds_lose_no_row_and_memory_stays_flat(tmp_path):
    meta = long_run.make_recording(tmp_path, 20)
    figures = long_run.segment(meta, tmp_path / "out", settled_s=8.0)
    assert figures.rows == figures.expected_rows
    assert figures.even
    assert figures.growth_mb < long_run.MOST_GROWTH_MB
