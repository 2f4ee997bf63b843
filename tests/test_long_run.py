# SPDX-License-Identifier: GPL-3.0-or-later
"""A shorter version of ``long_run.py``: no row is lost, and memory does not depend on length."""

import long_run


def test_three_times_the_length_loses_no_row_and_takes_no_more_memory(tmp_path):
    peaks = []
    for seconds in (6, 18):
        folder = tmp_path / str(seconds)
        meta = long_run.make_recording(folder, seconds)
        figures = long_run.segment(meta, folder / "out", settled_s=0.0)
        assert figures.rows == figures.expected_rows
        assert figures.even
        peaks.append(figures.peak_mb)
    assert peaks[1] - peaks[0] < long_run.MOST_GROWTH_MB
