# SPDX-License-Identifier: GPL-3.0-or-later
"""A minute of what ``tests.watch_run`` does for hours."""

from watch_run import run


def test_every_event_is_delivered_or_counted_while_broker_source_and_disk_go_away():
    figures, faults = run(75.0, cut_every=25.0, gap=8.0, with_restart=False)
    assert faults == []
    assert figures.cuts == 2 and figures.frames > 100
    assert min(figures.delivered.values()) > 100
