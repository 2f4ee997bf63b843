# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sensor keeps: nothing is lost that is not counted, whatever server and link do."""

from __future__ import annotations

import random
import types

import pytest

from radiofm_net.protocol import (
    JUDGED,
    NETWORK,
    NO_RESULT,
    SENSOR_QUEUE,
    SERVER_QUEUE,
    STOPPED,
)
from radiofm_net.send_buffer import SendBuffer

NOTHING = {JUDGED: 0, SERVER_QUEUE: 0, NO_RESULT: 0}


def filled(count: int, capacity: int = 100, longest_wait: float = 60.0) -> SendBuffer:
    buffer = SendBuffer(capacity, longest_wait)
    for _ in range(count):
        buffer.add("frame", {}, [])
    return buffer


def sent(buffer: SendBuffer) -> list[int]:
    """The numbers of what may be sent now."""
    return [item.sequence for item in iter(buffer.next, None)]


def check(buffer: SendBuffer) -> None:
    made, judged, dropped, left = buffer.counts()
    assert made == judged + sum(dropped.values()) + left
    assert left == buffer.left


def test_without_a_link_the_oldest_is_dropped_once_the_buffer_is_full():
    buffer = filled(130)
    assert buffer.next() is None
    assert buffer.counts() == (130, 0, {**NOTHING_DROPPED, NETWORK: 30}, 100)
    buffer.link("a", 8, 0, NOTHING)
    assert sent(buffer) == list(range(30, 38))


NOTHING_DROPPED = dict.fromkeys((SENSOR_QUEUE, NETWORK, STOPPED, SERVER_QUEUE, NO_RESULT), 0)


def test_no_more_is_under_way_than_the_server_takes():
    buffer = filled(20)
    buffer.link("a", 3, 0, NOTHING)
    assert sent(buffer) == [0, 1, 2]
    buffer.settle({JUDGED: 1, SERVER_QUEUE: 1, NO_RESULT: 0})
    assert sent(buffer) == [3, 4]
    assert buffer.counts() == (20, 1, {**NOTHING_DROPPED, SERVER_QUEUE: 1}, 18)


def test_what_a_lost_connection_swallowed_is_sent_again_and_nothing_twice():
    buffer = filled(10)
    buffer.link("a", 5, 0, NOTHING)
    assert sent(buffer) == [0, 1, 2, 3, 4]
    buffer.unlink()
    # the server has 0 to 2, of which 0 is judged
    buffer.link("a", 5, 3, {**NOTHING, JUDGED: 1})
    assert sent(buffer) == [3, 4, 5]
    buffer.settle({**NOTHING, JUDGED: 6})
    assert buffer.counts() == (10, 6, NOTHING_DROPPED, 4)


def test_what_a_server_that_is_gone_had_not_judged_goes_to_the_next_one():
    buffer = filled(10)
    buffer.link("a", 5, 0, NOTHING)
    sent(buffer)
    buffer.settle({**NOTHING, JUDGED: 2, NO_RESULT: 1})
    buffer.unlink()
    buffer.link("b", 5, 0, NOTHING)
    assert sent(buffer) == [3, 4, 5, 6, 7]
    buffer.settle({**NOTHING, JUDGED: 5})
    assert buffer.counts() == (10, 7, {**NOTHING_DROPPED, NO_RESULT: 1}, 2)
    assert buffer.of_this_server() == {**NOTHING, JUDGED: 5}


@pytest.fixture
def pass_by(monkeypatch):
    """A clock that goes on when it is told to, by how many seconds."""
    now = [1000.0]
    monkeypatch.setattr(
        "radiofm_net.send_buffer.time", types.SimpleNamespace(monotonic=lambda: now[0])
    )

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def test_with_a_link_what_waits_too_long_is_dropped(pass_by):
    buffer = filled(0, longest_wait=0.05)
    buffer.link("a", 1, 0, NOTHING)
    for _ in range(5):
        buffer.add("frame", {}, [])
    assert sent(buffer) == [0]
    pass_by(0.1)
    buffer.add("frame", {}, [])
    # the one under way is the server's affair
    assert buffer.counts() == (6, 0, {**NOTHING_DROPPED, SENSOR_QUEUE: 4}, 2)


def test_what_waited_for_the_link_has_a_minute_after_it(pass_by):
    buffer = filled(5, longest_wait=0.05)
    pass_by(0.1)
    buffer.link("a", 2, 0, NOTHING)
    assert sent(buffer) == [0, 1]
    buffer.settle({**NOTHING, JUDGED: 2})
    assert sent(buffer) == [2, 3]


def test_a_stop_drops_what_waits_and_then_what_is_under_way():
    buffer = filled(5)
    buffer.link("a", 2, 0, NOTHING)
    sent(buffer)
    buffer.drop_waiting()
    assert buffer.counts() == (5, 0, {**NOTHING_DROPPED, STOPPED: 3}, 2)
    buffer.drop_all()
    assert buffer.counts() == (5, 0, {**NOTHING_DROPPED, STOPPED: 5}, 0)


def test_a_server_that_tells_less_than_before_or_more_than_was_sent_confuses_no_count():
    buffer = filled(5)
    buffer.link("a", 2, 0, NOTHING)
    sent(buffer)
    buffer.settle({**NOTHING, JUDGED: 1000})
    check(buffer)
    buffer.settle(NOTHING)
    check(buffer)
    assert sent(buffer) == [2, 3]


@pytest.mark.parametrize("seed", range(20))
def test_counts_add_up_whatever_comes(seed):
    random.seed(seed)
    buffer = SendBuffer(12, 60.0)
    server, followed, done = 0, 0, dict(NOTHING)
    is_linked = False
    under_way: list[int] = []
    for _ in range(400):
        step = random.random()
        if step < 0.5:
            buffer.add("frame", {}, [])
        elif step < 0.6:
            buffer.unlink()
            is_linked, under_way = False, []
        elif step < 0.7 and not is_linked:
            if random.random() < 0.3:
                server, followed, done = server + 1, 0, dict(NOTHING)
            buffer.link(str(server), 4, followed, done)
            is_linked = True
        elif step < 0.9 and is_linked:
            new = sent(buffer)
            assert new == sorted(new)
            # it takes them all, or the connection breaks before it does
            if new and random.random() < 0.8:
                followed = new[-1] + 1
                under_way += new
        elif is_linked and under_way:
            done[random.choice((JUDGED, SERVER_QUEUE, NO_RESULT))] += 1
            under_way.pop(0)
            buffer.settle(done)
        check(buffer)
        assert buffer.left <= 12 + 4
