# SPDX-License-Identifier: GPL-3.0-or-later
"""Shorter versions of ``long_run.py`` and ``long_capture.py``: nothing is lost, and memory does not
grow."""

import long_capture
import long_run

# Frames that are never freed would take 40 MB from one half of the run to the other
MOST_GROWTH_MB = 20.0


def test_twenty_seconds_loses_no_row_and_memory_stays(tmp_path):
    meta = long_run.make_recording(tmp_path, 20)
    figures = long_run.segment(meta, tmp_path / "out")
    assert figures.rows == figures.expected_rows
    assert figures.even
    assert figures.growth_mb < MOST_GROWTH_MB


def test_forty_thousand_packets_are_all_labelled_and_memory_stays(tmp_path):
    path = tmp_path / "long.pcap"
    long_capture.write_capture(path, 40_000)
    figures = long_capture.label(path, 40_000)
    assert figures.windows == figures.expected_windows == 80
    assert figures.labels == {"WALKING"}
    # what is read and kept would be 13 MB of the file and twice as much of the channel
    assert long_run.growth_mb(figures.memory_mb) < 10
