# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is there: sessions of sensors that come, are silent, come again and end."""

import select
import threading
import time

import pytest

from radiofm_net import protocol
from radiofm_net.attendance import ALIVE_S, Attendance, KeyInUse
from radiofm_net.session import Session
from radiofm_net.waker import Waker


@pytest.fixture
def told():
    return []


@pytest.fixture
def attendance(told):
    return Attendance(lambda session, what, why: told.append((session.id, what, why)))


def hello(name: str, identity: bytes, session: str) -> Session:
    return Session(name, identity, "192.0.2.1", {protocol.SESSION: session})


def test_a_sensor_comes_is_silent_comes_again_and_ends(attendance, told):
    session = attendance.enter(hello("roof", b"1", "a" * 32))
    assert attendance.of(b"1") is session and attendance.sensors == [session]
    session.heard -= protocol.SILENCE_S + 1.0
    attendance.look(60.0)
    assert not session.is_linked and not session.is_over
    attendance.hear(session)
    assert session.is_linked
    session.heard -= 61.0
    attendance.look(60.0)
    attendance.end(session, "once more")
    assert session.is_over and attendance.of(b"1") is None
    assert [what for _, what, _ in told] == ["found", "lost", "found", "lost", "ended"]
    assert told[1][2] == f"nothing came of it for {protocol.SILENCE_S + 1.0:.0f} s"
    # what it counted is still to be told
    assert attendance.sensors == [session]


def test_a_session_goes_on_over_another_connection(attendance, told):
    session = attendance.enter(hello("roof", b"1", "a" * 32))
    again = hello("roof", b"2", "a" * 32)
    attendance.check_key(again)
    assert attendance.enter(again) is session
    assert attendance.of(b"1") is None and attendance.of(b"2") is session
    assert told == [(session.id, "found", "")]


def test_a_sensor_that_starts_again_ends_the_session_before(attendance, told):
    first = attendance.enter(hello("roof", b"1", "a" * 32))
    second = hello("roof", b"2", "b" * 32)
    with pytest.raises(KeyInUse, match=r"192\.0\.2\.1"):
        attendance.check_key(second)
    first.heard -= ALIVE_S + 0.1
    attendance.check_key(second)
    assert attendance.enter(second) is second
    assert first.is_over and attendance.of(b"1") is None and attendance.sensors == [second]
    assert told[1:] == [
        (first.id, "lost", "its sensor has started again"),
        (first.id, "ended", "its sensor has started again"),
        (second.id, "found", ""),
    ]
    # another name is another sensor
    attendance.check_key(hello("barn", b"3", "c" * 32))


def test_one_that_may_not_send_any_more_is_lost_and_passed_over(attendance, told):
    session = attendance.enter(hello("roof", b"1", "a" * 32))
    attendance.expel(session, "its key is gone")
    assert attendance.of(b"1") is None and not session.is_linked and not session.is_over
    assert told[-1] == (session.id, "lost", "its key is gone")


def test_a_thread_that_waits_is_woken_by_any_number_of_calls():
    waker = Waker()
    threading.Timer(0.1, lambda: [waker.wake() for _ in range(100_000)]).start()
    assert select.select([waker.socket], [], [], 120.0)[0]
    deadline = time.monotonic() + 120.0
    while select.select([waker.socket], [], [], 0.5)[0]:
        waker.clear()
        assert time.monotonic() < deadline
    waker.close()
    waker.wake()
