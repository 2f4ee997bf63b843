# SPDX-License-Identifier: GPL-3.0-or-later
"""Events as JSON lines in files: whole lines whatever happens, closed by size and age."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from event_brokers import PATIENCE_S, until
from event_samples import RECEIVER, STATUS, emission

from radiofm_core.errors import UsageError
from radiofm_core.events.maker import EventMaker
from radiofm_core.events.schema import event_validator
from radiofm_sinks.line_file import LineFile
from radiofm_sinks.opening import open_outputs
from radiofm_sinks.outputs import EventOutputs

# A program that writes events until it is killed
WRITER = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from event_samples import RECEIVER, emission
from radiofm_core.events.maker import EventMaker
from radiofm_sinks.opening import open_outputs
from radiofm_sinks.outputs import EventOutputs

outputs = EventOutputs(EventMaker(RECEIVER), open_outputs(["jsonl=" + sys.argv[1]], "x"))
outputs.start()
number = 0
while True:
    number += 1
    outputs.take("emissions", emission(number=number))
    # a disk may be slow: no more than the buffer holds
    while any(counts.waiting > 1000 for counts in outputs.counts().values()):
        time.sleep(0.001)
"""


def opened(*texts: str, tell=lambda line: None) -> EventOutputs:
    outputs = EventOutputs(EventMaker(RECEIVER, "model"), open_outputs(texts, "roof"), tell)
    outputs.start()
    return outputs


def events_in(folder: Path) -> list[dict]:
    """Of all files, in the order in which they were written."""
    paths = [*sorted(folder.glob("events-*.jsonl")), folder / "events.jsonl"]
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def numbers(events: list[dict]) -> list[int]:
    return [event["sequence"] for event in events]


def test_each_event_is_a_line(tmp_path):
    outputs = opened(f"jsonl={tmp_path / 'a,b'}")
    outputs.take("emissions", emission())
    until(lambda: len(events_in(tmp_path / "a,b")) == 3, "events are written at once")
    outputs.take("status", STATUS)
    counts = outputs.close("stopped", PATIENCE_S)
    events = events_in(tmp_path / "a,b")
    for event in events:
        event_validator().validate(event)
    assert numbers(events) == list(range(1, len(events) + 1))
    assert counts[f"jsonl={tmp_path / 'a,b'}"].delivered == len(events)
    assert [(e["type"], e.get("event")) for e in (events[0], events[-1])] == [
        ("run", "start"),
        ("run", "end"),
    ]


def test_types_can_be_chosen(tmp_path):
    outputs = opened(f"jsonl={tmp_path},types=emission+drops")
    outputs.take("emissions", emission())
    outputs.take("status", STATUS)
    outputs.close("stopped", PATIENCE_S)
    assert [event["type"] for event in events_in(tmp_path)] == ["emission", "drops"]


def test_files_are_closed_by_size_and_the_oldest_go(tmp_path):
    outputs = opened(f"jsonl={tmp_path},size=8k,keep=3")
    for number in range(300):
        outputs.take("emissions", emission(number=number))
        if number % 10 == 0:
            until(lambda: outputs.counts()[f"jsonl={tmp_path}"].waiting == 0, "written")
    outputs.close("stopped", PATIENCE_S)
    closed = sorted(tmp_path.glob("events-*.jsonl"))
    assert len(closed) == 3
    assert all(path.stat().st_size <= 8192 for path in (*closed, tmp_path / "events.jsonl"))
    found = numbers(events_in(tmp_path))
    assert found == list(range(found[0], found[-1] + 1))


def test_files_are_closed_by_age_also_those_of_a_run_before(tmp_path):
    file = LineFile(tmp_path / "events.jsonl", 1 << 20, 3600.0, 0)
    file.write([b'{"time": "2020-01-01T00:00:00.000000Z"}\n'])
    file.close()
    outputs = opened(f"jsonl={tmp_path},age=1h")
    outputs.close("stopped", PATIENCE_S)
    (closed,) = tmp_path.glob("events-*.jsonl")
    assert closed.read_text().startswith('{"time": "2020')
    assert numbers(events_in(tmp_path)[1:])[:2] == [1, 2]


def test_a_killed_writer_leaves_whole_lines_or_one_that_the_next_run_mends(tmp_path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)])
    path = tmp_path / "events.jsonl"
    try:
        until(lambda: path.exists() and path.stat().st_size > 100_000, "events")
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait(PATIENCE_S)
    text = path.read_bytes()
    *lines, rest = text.split(b"\n")
    assert numbers(map(json.loads, lines)) == list(range(1, len(lines) + 1))
    with path.open("ab") as file:
        file.write(b'{"version": 1, "type": "emis')
    told: list[str] = []
    outputs = opened(f"jsonl={tmp_path}", tell=told.append)
    outputs.close("stopped", PATIENCE_S)
    events = events_in(tmp_path)
    cut = len(rest) + len(b'{"version": 1, "type": "emis')
    assert told == [f"jsonl={tmp_path}: cut off {cut} bytes of a line that was half-written"]
    assert [event["run"] for event in events].count(events[0]["run"]) == len(lines)
    assert numbers(events[len(lines) :])[:2] == [1, 2]


def test_a_file_of_one_torn_line_alone_is_emptied(tmp_path):
    (tmp_path / "events.jsonl").write_bytes(b"x" * 200_000)
    file = LineFile(tmp_path / "events.jsonl", 1 << 20, 3600.0, 0)
    assert file.mended == 200_000
    file.close()
    assert (tmp_path / "events.jsonl").read_bytes() == b""


def test_a_file_that_somebody_moves_is_begun_anew(tmp_path):
    outputs = opened(f"jsonl={tmp_path}")
    until(lambda: events_in(tmp_path), "the first event")
    (tmp_path / "events.jsonl").rename(tmp_path / "events-0.jsonl")

    def is_anew() -> bool:
        outputs.take("emissions", emission())
        time.sleep(0.2)
        return (tmp_path / "events.jsonl").exists()

    until(is_anew, "a new file")
    outputs.close("stopped", PATIENCE_S)
    assert numbers(events_in(tmp_path)) == list(range(1, len(events_in(tmp_path)) + 1))


def test_on_a_full_disk_events_wait_and_go_on_when_there_is_room(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    told: list[str] = []
    name = f"jsonl={disk}"
    try:
        outputs = opened(f"{name},buffer=100,size=1M", tell=told.append)
        ballast = disk / "ballast"
        with pytest.raises(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        for number in range(1000):
            outputs.take("emissions", emission(number=number))
        until(lambda: told, "it is told")
        assert told[0] == f"{name}: cannot be written: No space left on device; events wait for it"
        for line in (disk / "events.jsonl").read_text().splitlines():
            json.loads(line)
        ballast.unlink()
        until(lambda: outputs.counts()[name].waiting == 0, "all is written")
        final = outputs.close("stopped", PATIENCE_S)[name]
        found = numbers(events_in(disk))
        assert found == sorted(set(found))
        assert len(found) == final.delivered and final.dropped > 0
        assert final.delivered + final.dropped == found[-1]
        assert "takes events again" in told[1]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_one_program_at_a_time_writes_a_file(tmp_path):
    outputs = opened(f"jsonl={tmp_path}")
    with pytest.raises(UsageError, match=r"another program writes .*choose another folder"):
        open_outputs([f"jsonl={tmp_path}"], "roof")
    outputs.close("stopped", PATIENCE_S)
    (again,) = open_outputs([f"jsonl={tmp_path}"], "roof")
    again.release()


def test_standard_output_can_be_read_by_a_pipe(tmp_path):
    program = WRITER.replace('"jsonl=" + sys.argv[1]', '"jsonl=-"').replace(
        "while True:", "for _ in range(50):"
    )
    done = subprocess.run(
        [sys.executable, "-c", program + "\noutputs.close('ended', 120.0)"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert 52 <= len(events) <= 53 and events[-1]["reason"] == "ended"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("json=folder", "--output: expected one of jsonl=, zmq=, mqtt="),
        ("folder", "--output: expected one of jsonl="),
        ("jsonl=", "--output: expected one of jsonl="),
        ("jsonl=/proc/none", "cannot be written"),
        ("jsonl=/etc/hostname", "cannot be written"),
        ("jsonl={},size=1", "size: expected 4096 bytes or more, as 64M, got '1'"),
        ("jsonl={},size=big", "size: expected 4096 bytes"),
        ("jsonl={},age=0", "age: expected 1 s or more, as 10m or 1d, got '0'"),
        ("jsonl={},keep=-1", "keep: expected a non-negative integer, got '-1'"),
        ("jsonl={},rotate=1", "unknown option 'rotate'; jsonl has: age, buffer, keep, size, types"),
        ("jsonl=-,size=64M", "unknown option 'size'; jsonl has: buffer, types"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path, text, told):
    with pytest.raises(UsageError) as error:
        open_outputs([text.format(tmp_path)], "roof")
    assert told in str(error.value) and "\n" not in str(error.value)
    assert not os.listdir(tmp_path)


def test_the_same_output_twice_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"is given twice|another program"):
        open_outputs([f"jsonl={tmp_path}", f"jsonl={tmp_path}"], "roof")
    (sink,) = open_outputs([f"jsonl={tmp_path}"], "roof")
    sink.release()
