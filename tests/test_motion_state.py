# SPDX-License-Identifier: GPL-3.0-or-later
"""Still or moving, with hysteresis: what begins when, what is over, and what changes nothing."""

import numpy as np
import pytest

from radiofm_core import keys
from radiofm_core.csi.activity import MAX_SOURCES, Activity
from radiofm_core.csi.message_fields import motion_fields
from radiofm_core.csi.motion import motion_db
from radiofm_core.csi.motion_state import END, MOVING, START, STILL, MotionStates
from radiofm_core.csi.reader import open_csi
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.csi.windows import frame_packets
from radiofm_core.errors import UsageError
from radiofm_core.events import names
from radiofm_sinks.mqtt_topics import MOTION, Topics, state_messages
from radiofm_sinks.states import ReceiverState

HOP_S = 0.5


def answer(number, level, source="", start_s=0.0):
    return Activity(
        label="",
        confidence=0.0,
        probabilities={},
        start_ns=round((start_s + number * HOP_S) * 1e9),
        duration_s=HOP_S,
        motion_db=level,
        packet_rate=100.0,
        lost_packets=0,
        source=source,
    )


def changes(levels, states=None, **more):
    """(what changes, the states) as answers of these levels come, half a second each."""
    states = states or MotionStates()
    found = [c for k, level in enumerate(levels) for c in states.take(answer(k, level, **more))]
    return found, states


def told(found):
    return [(c.event, c.state, c.start_ns * 1e-9, c.duration_s) for c in found]


def test_a_state_begins_where_it_was_first_seen():
    found, states = changes([3.0] * 8 + [20.0] * 6 + [3.0] * 8)
    assert told(found) == [
        (START, STILL, 0.0, 3.0),
        (END, STILL, 0.0, 4.0),
        (START, MOVING, 4.0, 1.0),
        (END, MOVING, 4.0, 3.0),
        (START, STILL, 7.0, 3.0),
    ]
    assert told(states.finish()) == [(END, STILL, 7.0, 4.0)] and states.finish() == []


def test_one_answer_is_no_motion_and_a_pause_in_a_walk_is_no_stillness():
    found, states = changes([3.0] * 8 + [20.0] + [3.0] * 8)
    assert [c.state for c in found] == [STILL]
    assert told(states.finish()) == [(END, STILL, 0.0, 8.5)]
    found, states = changes([20.0] * 4 + [3.0] * 5 + [20.0] * 4)
    assert [c.state for c in found] == [MOVING]
    (end,) = states.finish()
    # the pause is a part of it and makes it less sure
    assert end.duration_s == 6.5 and 0.5 < end.confidence < 0.7 < found[0].confidence


def test_between_the_levels_what_was_goes_on():
    for first, state in ((20.0, MOVING), (3.0, STILL)):
        found, states = changes([first] * 6 + [9.0] * 20)
        assert [c.state for c in found] == [state]
        assert states.finish()[0].duration_s == 13.0
    assert changes([9.0] * 20)[0] == []


def test_levels_near_the_limit_make_no_flood():
    rng = np.random.default_rng(3)
    found, _ = changes(9.0 + rng.normal(0, 0.7, 2000))
    assert sum(change.event == START for change in found) < 20


def test_confidence_and_level_are_means_of_the_state():
    found, states = changes([11.0] * 4 + [25.0] * 4)
    assert found[0].motion_db == 11.0 and 0.7 < found[0].confidence < 0.9
    (end,) = states.finish()
    assert end.motion_db == 18.0 and found[0].confidence < end.confidence < 1.0


@pytest.mark.parametrize("later_s", [60.0, -30.0])
def test_a_pause_or_a_clock_set_back_ends_a_state(later_s):
    found, states = changes([20.0] * 4, start_s=100.0)
    more, _ = changes([20.0] * 4, states, start_s=100.0 + later_s)
    assert told(found) == [(START, MOVING, 100.0, 1.0)]
    assert told(more) == [(END, MOVING, 100.0, 2.0), (START, MOVING, 100.0 + later_s, 1.0)]


def test_windows_that_are_refused_for_a_moment_end_nothing():
    found, states = changes([20.0] * 4)
    more, _ = changes([20.0] * 4, states, start_s=6.0)
    assert len(found) == 1 and more == []


def test_senders_are_apart_and_the_one_longest_silent_makes_room():
    states = MotionStates()
    for number in range(MAX_SOURCES):
        changes([20.0] * 4, states, source=f"{number}")
    found, _ = changes([3.0] * 8, states, source="one more")
    assert [(c.event, c.state, c.source) for c in found] == [
        (END, MOVING, "0"),
        (START, STILL, "one more"),
    ]
    assert len(states.finish()) == MAX_SOURCES


def test_the_level_can_be_changed_and_is_checked():
    states = MotionStates(5.0)
    assert [c.state for c in changes([6.0] * 4, states)[0]] == [MOVING]
    states.set_moving_db(20.0)
    assert [c.state for c in changes([6.0] * 8, states, start_s=2.0)[0]] == [MOVING, STILL]
    for wrong in (0, -1, 1000, "loud", float("nan"), None):
        with pytest.raises(UsageError, match="moving_db: expected 2 to 100 dB"):
            MotionStates(wrong)


def test_a_forgotten_stream_ends_nothing():
    _, states = changes([20.0] * 4)
    states.reset()
    assert states.finish() == []


def test_real_rooms_are_still_and_who_moves_in_them_moves(shared_data):
    spec = CsiSpec()
    for path in sorted((shared_data / "csi/esp32_motion").glob("*c3*.npz")):
        windows = list(frame_packets(open_csi(path), spec))
        levels = [motion_db(window.amplitude, window.rate_hz) for window in windows]
        found, states = changes(levels)
        state = MOVING if path.name.startswith("movement") else STILL
        assert [(c.event, c.state) for c in found] == [(START, state)], path.name
        assert states.finish()[0].duration_s == len(levels) * HOP_S


def test_home_assistants_motion_follows_the_state_where_one_is_told():
    topics, state = Topics("radiofm", "roof"), ReceiverState()
    times = {names.TIME: "2024-05-01T12:00:00.000000Z"}

    def shown(level):
        activity = {keys.LABEL: "SEATED", keys.SOURCE: "", keys.MOTION_DB: level}
        state.take({names.TYPE: names.ACTIVITY, **times, **activity})
        return state_messages("desk", state, topics)["radiofm/desk/state/activity/any"][MOTION]

    assert (shown(7.0), shown(2.0)) == ("ON", "OFF")
    found, states = changes([20.0] * 4)
    for change in found:
        state.take({names.TYPE: names.MOTION, **times, **motion_fields(change)})
    # one quiet answer in between is no stillness
    assert (shown(2.0), shown(20.0)) == ("ON", "ON")
    for change in states.finish():
        state.take({names.TYPE: names.MOTION, **times, **motion_fields(change)})
    assert shown(2.0) == "OFF"
    assert state.motions == {}
