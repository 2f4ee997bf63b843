# SPDX-License-Identifier: GPL-3.0-or-later
"""What blocks run on for weeks: what threads share, symbols, the status thread, the end."""

import subprocess
import sys
import threading
from collections import Counter

import pmt
import pytest
from activity_flow import MessageSource
from gnuradio import gr, radiofm
from gnuradio.radiofm.blocks.csi_source import csi_source
from gnuradio.radiofm.pmts import messages
from gnuradio.radiofm.pmts.messages import MOST_REASONS, OTHER_REASON
from gnuradio.radiofm.radiofm_python import dict_values
from gnuradio.radiofm.runtime.inference_stats import Failures, StatusReporter
from gnuradio.radiofm.runtime.message_block import backlog_after

from radiofm_core import keys
from radiofm_core.csi.capture import Tally

WAIT_S = 60.0


@pytest.fixture
def no_reasons_yet(monkeypatch):
    monkeypatch.setattr(messages, "_reasons", set())


def test_a_source_finds_its_receivers_while_another_thread_makes_blocks():
    source, sink = MessageSource([]), radiofm.result_sink(print, [keys.PORT_WINDOWS])
    many = [radiofm.emission_tracker() for _ in range(1000)]
    top = gr.top_block("shared")
    top.msg_connect((source, keys.PORT_WINDOWS), (sink, keys.PORT_WINDOWS))
    top.start()
    ended, interval = threading.Event(), sys.getswitchinterval()

    def make():
        while not ended.is_set() and len(many) < 1500:
            many.append(radiofm.emission_tracker())

    maker = threading.Thread(target=make)
    sys.setswitchinterval(1e-6)
    try:
        maker.start()
        while maker.is_alive():
            assert backlog_after(source) == 0
    finally:
        ended.set()
        maker.join()
        sys.setswitchinterval(interval)
        top.stop()
        top.wait()


def test_reasons_without_end_become_few_symbols(no_reasons_yet):
    failures, told = Failures(), set()
    for number in range(1000):
        for reason in (f"it failed at 0x{number:x}{'y' * number}", f"tried to take {number} MiB"):
            failures.add(reason)
            told.add(failures.status()[keys.ERROR])
    assert failures.status()[keys.FAILED] == 2000
    assert {"tried to take 3 MiB", OTHER_REASON} < told
    assert len(told) <= 2 * MOST_REASONS + 1


def test_a_framer_tells_of_foreign_messages_in_few_texts(no_reasons_yet):
    framer = radiofm.csi_framer()
    told = set()
    for number in range(1000):
        framer.handle(keys.PORT_CSI, pmt.intern(f"word{number % 7}" * (number % 300)))
        told.add(framer.status()[keys.REASON])
    assert len(told) <= 2 * MOST_REASONS + 1


class DamagedSource(csi_source):
    """A source whose packets are damaged in ever new ways."""

    def __init__(self):
        self.tally = Tally()
        csi_source.__init__(self, "damaged")

    def read(self):
        yield from ()

    def account(self):
        return self.tally, 0


def test_a_source_tells_of_damage_in_few_texts(no_reasons_yet):
    source, told = DamagedSource(), Counter()
    for run in range(20):
        source.tally = Tally()
        for number in range(40):
            source.tally.skip(f"cut off {'z' * run} at {number}")
        refused = source.status()[keys.REFUSED_PACKETS]
        assert sum(refused.values()) == 40
        told.update(refused)
    assert len(told) <= 2 * MOST_REASONS + 1


def test_the_status_thread_outlives_what_publishing_raises():
    errors, calls, again = [], [], threading.Event()

    def publish():
        calls.append(1)
        if len(calls) > 3:
            again.set()
        raise ValueError("no status\nin two lines")

    reporter = StatusReporter(publish, errors.append, interval=0.001)
    reporter.start()
    assert again.wait(WAIT_S)
    reporter.stop()
    assert errors == ["its status could not be sent: no status"]


def test_only_what_is_no_value_here_is_handed_on_as_a_pmt(monkeypatch):
    odd = pmt.init_s16vector(2, [1, 2])
    key = pmt.intern("a")
    fields = pmt.dict_add(pmt.make_dict(), key, pmt.cons(odd, odd))
    assert pmt.is_pair(dict_values(fields, [key])[0])

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(messages, "describe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dict_values(fields, [key])


LEFT_BEHIND = """
import atexit, sys
registered = []
register = atexit.register
def note(call, *arguments, **options):
    registered.append(call.__module__)
    return register(call, *arguments, **options)
atexit.register = note
import threading, time
from gnuradio import radiofm
from gnuradio.radiofm.runtime.left_behind import leave_behind
ours = lambda: sum("radiofm" in name for name in registered)
print(ours())
end = threading.Event()
for _ in range(3):
    thread = threading.Thread(target=end.wait, daemon=True)
    thread.start()
    leave_behind(thread)
print(ours(), flush=True)
"""


def test_a_process_is_prepared_for_its_end_only_if_a_thread_was_left_behind():
    done = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["0", "1"]), done.stderr


LEFT_AT_EXIT = """
import atexit, threading
from gnuradio.radiofm.runtime import left_behind
left_behind._exit_without_destructors = lambda: print("prepared", flush=True)
def last():
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    thread.start()
    left_behind.leave_behind(thread)
atexit.register(last)
"""


def test_a_thread_that_is_left_behind_while_the_process_ends_counts_too():
    done = subprocess.run([sys.executable, "-c", LEFT_AT_EXIT], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["prepared"]), done.stderr
