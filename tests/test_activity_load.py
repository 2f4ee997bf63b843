# SPDX-License-Identifier: GPL-3.0-or-later
"""The load test, short: each sender's windows are answered, none is lost. Never about time."""

from activity_load import expected_windows, many_links, run_load
from motion_model import make_motion_bundle

from radiofm_core import keys
from radiofm_core.csi.spec import CsiSpec


def test_many_senders_lose_nothing(tmp_path):
    links, seconds = 20, 4.0
    model = make_motion_bundle(tmp_path / "motion.pt")
    load = run_load(model, links, seconds, pace=0, overload="wait")
    assert load.packets == len(many_links(links, seconds)) and load.packets_refused == 0
    assert load.expected == len(expected_windows(many_links(links, seconds), CsiSpec()))
    assert len(load.answers) == load.expected >= 4 * links
    assert load.status[keys.FRAMES] == load.expected and load.status[keys.DROPPED] == 0
    assert len({fields[keys.SOURCE] for fields in load.answers}) == links
    labels = {fields[keys.SOURCE]: fields[keys.LABEL] for fields in load.answers}
    # every other room is empty
    moving = [mac for mac, label in labels.items() if label == "MOVING"]
    assert sorted(int(mac[-2:], 16) % 2 for mac in moving) == [1] * (links // 2)
