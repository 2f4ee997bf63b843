# SPDX-License-Identifier: GPL-3.0-or-later
"""Four sensors and a server on hosts of their own: cut off, flooded, killed; see sensor_run."""

from __future__ import annotations

import pytest
import sensor_run
from sensor_network import why_not

REASON = why_not()


@pytest.mark.skipif(bool(REASON), reason=f"hosts cannot be made here: {REASON}")
def test_every_frame_of_four_sensors_is_judged_or_counted_whatever_fails(tmp_path):
    plan = sensor_run.prepare(tmp_path, steady=2.0, cut=6.0)
    drill, wrong = sensor_run.run(plan)
    assert not wrong, "\n".join(wrong)
    # the server told of the one that was cut off, and that it came back
    changes = [
        event["event"]
        for event in drill.events()
        if event["type"] == "source" and event["receiver"]["name"] == sensor_run.CUT
    ]
    assert changes[:3] == ["found", "lost", "found"]
