# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a live view while somebody reads them: changes do not wait, and none is lost."""

import signal
import threading
import time

import numpy as np
import pytest
from view_messages import COLS, RATE, ROW_SAMPLES, ROWS, frame

from radiofm_core import keys
from radiofm_core.errors import RadiofmError
from radiofm_core.view.changes import MOST_WAITING, PATIENCE_S, Changes
from radiofm_core.view.spectrum_state import SpectrumState

DURATION = ROWS * ROW_SAMPLES / RATE
INTERRUPTIONS = 20


def test_a_signal_while_a_window_draws_waits_for_threads_that_have_news_for_it():
    """As Ctrl-C in Companion's programs, whose handler waits for the flowgraph's threads."""
    state, power = SpectrumState(), np.full(ROWS * COLS, -90.0, np.float32)
    for number in range(100):
        state.take(keys.PORT_FRAMES, frame(number * DURATION), power)
    ended = []

    def handler(*_) -> None:
        fields = frame((100 + len(ended)) * DURATION)
        thread = threading.Thread(
            target=state.take, args=(keys.PORT_FRAMES, fields, power), daemon=True
        )
        thread.start()
        thread.join(60.0)
        ended.append(not thread.is_alive())
        if len(ended) < INTERRUPTIONS:
            signal.setitimer(signal.ITIMER_REAL, 0.01)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    end = time.monotonic() + 120
    try:
        # in here for nearly all the time, as a window is for a part of it
        while all(ended) and len(ended) < INTERRUPTIONS and time.monotonic() < end:
            state.snapshot(10.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert all(ended) and len(ended) == INTERRUPTIONS
    newest = state.snapshot(10.0).newest
    assert newest == (100 + INTERRUPTIONS) * ROWS - 1  # rows of 1 ms, as the frames'


def test_what_comes_while_somebody_reads_is_made_by_the_reader_in_its_order():
    changes, made = Changes(), []
    with changes.reading():
        for number in range(5):
            changes.make(lambda number=number: made.append(number))
        assert made == []
    assert made == [0, 1, 2, 3, 4]


def test_threads_that_change_at_once_lose_nothing_and_meet_no_reader():
    changes, made, torn = Changes(), [0, 0], []
    refused = []

    def one_more() -> None:
        made[0] += 1
        time.sleep(0)
        made[1] += 1

    def change() -> None:
        for _ in range(300):
            try:
                changes.make(one_more)
            except RadiofmError:
                refused.append(1)

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        with changes.reading():
            first = made[0]
            time.sleep(0)
            torn.append((first, made[0]) != (made[1], made[1]))
    assert made[0] == made[1] == 4 * 300 - len(refused) and not any(torn)


def test_more_than_can_wait_waits_for_a_reader_who_ends(monkeypatch):
    # more than a busy machine takes for what is read here
    monkeypatch.setattr("radiofm_core.view.changes.PATIENCE_S", 60.0)
    changes, made = Changes(), []

    def change() -> None:
        for number in range(3 * MOST_WAITING):
            changes.make(lambda number=number: made.append(number))

    thread = threading.Thread(target=change)
    with changes.reading():
        thread.start()
        thread.join(0.25)
        assert thread.is_alive() and not made
    thread.join()
    assert made == list(range(3 * MOST_WAITING))


def test_more_than_can_wait_is_refused_and_an_error_reaches_one_who_changes():
    changes, made = Changes(), []
    with changes.reading():
        changes.make(lambda: made.append(1 / 0))
        for number in range(1, MOST_WAITING):
            changes.make(lambda number=number: made.append(number))
        begin = time.monotonic()
        for _ in range(20):
            with pytest.raises(RadiofmError, match=f"left out: {MOST_WAITING} changes wait"):
                changes.make(lambda: made.append("left out"))
        # the first of them alone waits
        assert time.monotonic() - begin < 10 * PATIENCE_S
    assert made == list(range(1, MOST_WAITING))
    with pytest.raises(ZeroDivisionError):
        changes.make(lambda: made.append("made"))
    changes.make(lambda: made.append("last"))
    assert made[-2:] == ["made", "last"]
