# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines for a reader who is slow, stopped or gone: outputs go on, what is left out is counted."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
from level_model import make_level_bundle, two_carriers, write_recording

from radiofm_cli.command import run
from radiofm_cli.line_writer import LineWriter
from radiofm_cli.watching.inbox import Inbox

LONG_S = 120.0


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


@pytest.fixture
def narrow_pipe():
    """(read end, text stream of the write end) of a pipe that holds a page."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "r") as reader:
        yield reader, stream


def test_who_prints_never_waits_and_what_finds_no_place_is_counted(narrow_pipe):
    reader, stream = narrow_pipe
    told = []
    lines = LineWriter(stream, 50, told.append)
    lines.put(f"{0:05} " + "x" * 993)
    # nothing more is printed until somebody reads
    wait_for(lambda: not select.select([], [stream], [], 0)[1])
    begin = time.monotonic()
    for number in range(1, 1000):
        lines.put(f"{number:05} " + "x" * 993)
    assert time.monotonic() - begin < LONG_S / 4
    # 50 wait, one is on its way, and a page is in the pipe
    assert 1000 - 50 - 6 <= lines.left_out <= 1000 - 50
    left_out = lines.left_out
    got = [reader.readline() for _ in range(1000 - left_out)]
    assert [int(line[:5]) for line in got] == list(range(1000 - left_out))
    assert all(len(line) == 1000 for line in got)
    assert lines.settle(LONG_S)
    lines.put("the last")
    assert reader.readline() == "the last\n"
    lines.close(LONG_S)
    assert told == [left_out]
    assert lines.left_out == left_out


def test_a_reader_who_does_not_come_back_is_given_up(narrow_pipe):
    _, stream = narrow_pipe
    lines = LineWriter(stream, 100)
    for _ in range(20):
        lines.put("x" * 999)
    wait_for(lambda: not select.select([], [stream], [], 0)[1])
    begin = time.monotonic()
    lines.close(0.5)
    assert time.monotonic() - begin < LONG_S / 4
    assert lines.left_out == 19
    lines.put("too late")
    assert lines.left_out == 20


def test_a_reader_who_is_slow_is_waited_for(narrow_pipe):
    reader, stream = narrow_pipe
    lines = LineWriter(stream, 100)
    for number in range(30):
        lines.put(f"{number} " + "x" * 990)
    pid = os.fork()
    if not pid:
        try:
            for _ in range(30):
                time.sleep(0.2)
                assert reader.readline()
            os._exit(0)
        finally:
            os._exit(1)
    # less than it takes for all lines
    lines.close(5.0)
    assert os.waitpid(pid, 0)[1] == 0
    assert lines.left_out == 0


def test_a_reader_who_is_gone_is_known(narrow_pipe):
    reader, stream = narrow_pipe
    lines = LineWriter(stream, 100)
    lines.put("one")
    assert reader.readline() == "one\n"
    reader.close()
    lines.put("two")
    deadline = time.monotonic() + LONG_S
    while not lines.lost_reader and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lines.lost_reader and not lines.settle(1.0)
    lines.close(1.0)


def test_what_an_encoding_lacks_is_printed_in_another_way(tmp_path):
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        lines = LineWriter(stream, 10)
        lines.put("5 µs")
        lines.put("6 us")
        lines.close(LONG_S)
    assert (tmp_path / "out").read_text() == "5 \\xb5s\n6 us\n"


def start_watch(tmp_path: Path, model: Path, seconds: float, **streams) -> subprocess.Popen:
    recording = write_recording(tmp_path / "x", np.tile(two_carriers(0.5), int(2 * seconds)))
    words = [sys.executable, "-m", "radiofm_cli", "watch", "--source", f"file={recording}"]
    words += ["--model", model, "--threads", "1", "--json"]
    words += ["--output", f"jsonl={tmp_path / 'events'}"]
    return subprocess.Popen(list(map(str, words)), **streams)


def emissions(tmp_path: Path) -> list[dict]:
    path = tmp_path / "events/events.jsonl"
    # what is written at this moment has no end yet
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [event for event in map(json.loads, lines) if event["type"] == "emission"]


def wait_for(condition) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_pipe_that_nobody_reads_holds_up_no_output(tmp_path, model):
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with (tmp_path / "told").open("w") as told:
        watch = start_watch(tmp_path, model, 6.0, stdout=writing, stderr=told)
        os.close(writing)
        assert watch.wait(LONG_S) == 0
    text = (tmp_path / "told").read_text()
    # more than the pipe holds
    written = emissions(tmp_path)
    assert sum(len(json.dumps(event)) for event in written) > 3 * 4096
    with os.fdopen(reading) as pipe:
        printed = pipe.read().splitlines()
    left_out = re.search(r"radiofm: (\d+) lines were not printed", text)
    assert left_out and "segmented" in text, text
    # the last one may have been cut
    whole = [line for line in printed if line.endswith("}")]
    assert len(whole) + int(left_out[1]) == len(written)


def test_a_terminal_that_is_stopped_holds_up_no_output(tmp_path, model):
    """Both streams go to a terminal, on which the user presses Ctrl-S, and later Ctrl-Q."""
    own, terminal = pty.openpty()
    watch = start_watch(tmp_path, model, 60.0, stdout=terminal, stderr=terminal)
    try:
        seen = b""
        while seen.count(b"{") < 3:
            assert select.select([own], [], [], LONG_S)[0], seen
            seen += os.read(own, 4096)
        os.write(own, b"\x13")
        stopped_at = len(emissions(tmp_path))
        wait_for(lambda: len(emissions(tmp_path)) > stopped_at + 8)
        os.write(own, b"\x11")
        wait_for(lambda: select.select([own], [], [], 0)[0])
        while seen.count(b"\n{") < stopped_at + 8:
            assert select.select([own], [], [], LONG_S)[0], seen
            seen += os.read(own, 4096)
        # and stopped for good
        termios.tcflow(terminal, termios.TCOOFF)
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(LONG_S) == 0
    finally:
        watch.kill()
        os.close(own)
        os.close(terminal)
    (last,) = (tmp_path / "events/events.jsonl").read_text().splitlines()[-1:]
    assert json.loads(last)["type"] == "run"


def test_messages_wait_in_order_up_to_a_bound_and_what_is_dropped_is_counted():
    inbox = Inbox(2)
    for number in range(4):
        inbox.put("status", number)
    for number in range(3):
        inbox.put("burst", number, is_mark=True)
    assert inbox.take() == [("status", 0), ("status", 1), ("burst", 0), ("burst", 1)]
    assert inbox.take_dropped() == 3 and inbox.take_dropped() == 0
    inbox.put("status", 9)
    assert inbox.take() == [("status", 9)] and inbox.take() == []


def test_what_watch_had_no_time_for_is_an_event(tmp_path, model, monkeypatch, capfd):
    monkeypatch.setattr("radiofm_cli.commands.watch.Inbox", lambda: Inbox(1))
    recording = write_recording(tmp_path / "x", np.tile(two_carriers(0.5), 6))
    output = f"jsonl={tmp_path / 'events'}"
    words = ["--model", str(model), "--output", output]
    assert run(["watch", "--source", f"file={recording}", *words]) == 0
    lines = (tmp_path / "events/events.jsonl").read_text().splitlines()
    drops = [event for event in map(json.loads, lines) if event["type"] == "drops"]
    own = [event for event in drops if event["cause"] == "watch_full"]
    assert own and own[-1]["unit"] == "events"
    assert own[-1]["total"] == sum(event["count"] for event in own)
