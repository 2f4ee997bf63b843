# SPDX-License-Identifier: GPL-3.0-or-later
"""All outputs of a run: one order, drops of their own, a clock that is set, an end in time."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from event_brokers import PATIENCE_S, until
from event_samples import RECEIVER, STATUS, emission
from radiofm_command import assert_one_line_error, radiofm

from radiofm_core.errors import InputError
from radiofm_core.events.clock import RunClock
from radiofm_core.events.maker import EventMaker
from radiofm_sinks.opening import open_outputs
from radiofm_sinks.outputs import EventOutputs
from radiofm_sinks.sink import EventSink, Trouble

RECORDING = Path(__file__).parent.parent / "examples/demo/demo.sigmf-meta"


class NoDelivery(EventSink):
    """An output that is never reached."""

    def deliver(self, events) -> None:
        raise Trouble("nobody is there")


class Hanging(EventSink):
    """A disk that does not come back."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.released = threading.Event()

    def deliver(self, events) -> None:
        self.released.wait()


def opened(sinks, maker=None, tell=lambda line: None, listeners=()) -> EventOutputs:
    outputs = EventOutputs(maker or EventMaker(RECEIVER, "model"), sinks, tell, listeners)
    outputs.start()
    return outputs


def events_in(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_events_of_many_threads_have_one_order_in_every_output(tmp_path):
    heard: list[dict] = []
    texts = [f"jsonl={tmp_path / name}" for name in ("a", "b")]
    outputs = opened(open_outputs(texts, "roof"), listeners=[heard.append])
    threads = [
        threading.Thread(
            target=lambda n=n: [outputs.take("emissions", emission(number=n)) for _ in range(200)]
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outputs.close("stopped", PATIENCE_S)
    for events in (heard, events_in(tmp_path / "a"), events_in(tmp_path / "b")):
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        assert len(events) >= 802
        times = [event["monotonic"] for event in events]
        assert times == sorted(times)
    # what comes after the end is too late for all of them
    outputs.take("emissions", emission())
    assert len(heard) == len(events_in(tmp_path / "a"))


def test_a_clock_set_back_is_an_event_and_a_line(tmp_path):
    wall, told = [1_700_000_000 * 10**9], []
    maker = EventMaker(RECEIVER, clock=RunClock(lambda: wall[0] + time.monotonic_ns()))
    outputs = opened(open_outputs([f"jsonl={tmp_path}"], "roof"), maker, told.append)
    # nothing else is to come between the step and the emission
    until(lambda: [e["type"] for e in events_in(tmp_path)] == ["run", "output"], "it has begun")
    wall[0] -= 3600 * 10**9
    outputs.take("emissions", emission())
    outputs.close("stopped", PATIENCE_S)
    assert told == ["the clock was set by -3600.0 s"]
    events = events_in(tmp_path)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    (step,) = [event for event in events if event["type"] == "clock"]
    assert step["step"] == pytest.approx(-3600, abs=1)
    after = events[events.index(step) + 1]
    assert after["type"] == "emission" and after["time"] < events[0]["time"]


def test_what_was_lost_is_an_event_for_each_cause(tmp_path):
    outputs = opened(open_outputs([f"jsonl={tmp_path}"], "roof"))
    outputs.take("status", STATUS)
    outputs.take("status", {**STATUS, "dropped": 10, "failed": 1, "error": "bad"})
    outputs.take("status", {"failed": 5, "error": "of another block"})
    outputs.take("status", {**STATUS, "dropped": 10, "failed": 1, "error": "bad"})
    outputs.new_flowgraph()
    outputs.take("status", {**STATUS, "dropped": 2})
    outputs.drops("source_overflow", "samples", 4096)
    outputs.drops("source_overflow", "samples", 0)
    outputs.close("stopped", PATIENCE_S)
    drops = [event for event in events_in(tmp_path) if event["type"] == "drops"]
    told = [(event["cause"], event["unit"], event["count"], event["total"]) for event in drops]
    assert told == [
        ("model_too_slow", "frames", 3, 3),
        ("model_too_slow", "frames", 7, 10),
        ("no_result", "frames", 1, 1),
        ("model_too_slow", "frames", 2, 12),
        ("source_overflow", "samples", 4096, 4096),
    ]


def test_what_an_output_loses_is_told_by_the_others_and_at_the_end(tmp_path):
    told: list[str] = []
    sinks = [NoDelivery("lost", capacity=10), *open_outputs([f"jsonl={tmp_path}"], "roof")]
    outputs = opened(sinks, tell=told.append)
    for number in range(100):
        outputs.take("emissions", emission(number=number))
    # the rest has the time that the other one is waited for
    until(lambda: outputs.counts()[f"jsonl={tmp_path}"].waiting == 0, "written")
    counts = outputs.close("stopped", timeout=2.0)
    assert told == ["lost: nobody is there; events wait for it"]
    assert counts["lost"].delivered == 0 and counts["lost"].waiting == 0
    assert counts["lost"].dropped == len(events_in(tmp_path))
    *_, drops, end = (e for e in events_in(tmp_path) if e["type"] in ("drops", "run"))
    assert (drops["cause"], drops["output"]) == ("output_full", "lost")
    assert drops["total"] >= 90 and end["outputs"]["lost"]["dropped"] >= drops["total"]
    assert outputs.summary()[0] == f"lost: 0 events, {counts['lost'].dropped} dropped"


def test_an_output_that_hangs_holds_up_neither_events_nor_the_end(tmp_path):
    hanging = Hanging("hanging", capacity=5)
    outputs = opened([hanging, *open_outputs([f"jsonl={tmp_path}"], "roof")])
    for number in range(50):
        outputs.take("emissions", emission(number=number))
    until(lambda: outputs.counts()[f"jsonl={tmp_path}"].waiting == 0, "written")
    counts = outputs.close("stopped", timeout=2.0)
    assert counts["hanging"].delivered == 0
    assert counts["hanging"].dropped == len(events_in(tmp_path))
    hanging.released.set()


def test_a_foreign_message_is_refused_and_takes_no_number(tmp_path):
    outputs = opened(open_outputs([f"jsonl={tmp_path}"], "roof"))
    with pytest.raises(InputError):
        outputs.take("emissions", {"event": "start"})
    outputs.take("masks", {"any": "thing"})
    outputs.close("stopped", PATIENCE_S)
    events = events_in(tmp_path)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert "emission" not in {event["type"] for event in events}


def test_a_wrong_output_ends_a_command_with_one_line_before_the_model_is_loaded(tmp_path):
    done = radiofm("watch", "--source", f"file={RECORDING}", "--output", "jsonl=/proc/none")
    assert_one_line_error(done, "--output jsonl=/proc/none: cannot be written")
