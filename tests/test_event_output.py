# SPDX-License-Identifier: GPL-3.0-or-later
"""The event output block: messages of a flowgraph become events, run by run."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest
from event_brokers import free_port
from event_samples import ACTIVITY, STATUS, emission
from gnuradio import gr, radiofm
from gnuradio.radiofm.pmts.messages import to_pmt
from hostile_messages import foreign
from test_emission_printer import Sender

from radiofm_core.errors import UsageError
from radiofm_core.events.schema import event_validator

RECORDING = Path(__file__).parent.parent / "examples/demo/demo.sigmf-meta"

# What Companion's program would do with the demo recording
DEMO = """
from gnuradio import gr, radiofm
flowgraph = gr.top_block()
source = radiofm.recording_source("{recording}")
framer, segmenter = radiofm.spectrogram_framer(61.44e6), radiofm.spectrogram_segmenter()
tracker = radiofm.emission_tracker()
events = radiofm.event_output("jsonl={folder}", "", "", "roof", 2.4e9, 61.44e6, "default")
flowgraph.connect(source, framer, segmenter)
flowgraph.msg_connect(segmenter, "detections", tracker, "detections")
flowgraph.msg_connect(tracker, "emissions", events, "emissions")
flowgraph.msg_connect(segmenter, "status", events, "status")
flowgraph.run()
print(events.counts())
"""


def run_with(block, messages) -> None:
    """A flowgraph that sends (port, fields or PMT) pairs."""
    made = [(port, to_pmt(m) if isinstance(m, dict) else m) for port, m in messages]
    sender = Sender(made)
    flowgraph = gr.top_block("events")
    for port in ("emissions", "activity", "status"):
        flowgraph.msg_connect((sender, port), (block, port))
    flowgraph.run()


def events_in(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_each_message_is_an_event_and_each_run_has_a_beginning_and_an_end(tmp_path):
    block = radiofm.event_output(
        f"jsonl={tmp_path}", receiver="roof", center_frequency=2.4e9, sample_rate=61.44e6
    )
    activity = {key: value for key, value in ACTIVITY.items() if key != "rx_time"}
    messages = [("emissions", emission()), ("activity", activity), ("status", STATUS)]
    for _ in range(2):
        run_with(block, messages)
    events = events_in(tmp_path)
    for event in events:
        event_validator().validate(event)
    assert events[0]["receiver"] == {
        "name": "roof",
        "center_frequency": 2.4e9,
        "sample_rate": 61.44e6,
    }
    runs = {event["run"]: [] for event in events}
    assert len(runs) == 2
    for event in events:
        runs[event["run"]].append(event["type"])
    for types in runs.values():
        assert {"emission", "activity", "status", "drops"} <= set(types)
        assert types[0] == types[-1] == "run"
    assert {e["model"] for e in events if e["type"] == "activity"} == {"activity-vit-tiny"}
    assert block.counts()[f"jsonl={tmp_path}"]["dropped"] == 0


def test_the_events_of_the_demo_recording(tmp_path):
    program = DEMO.format(recording=RECORDING, folder=tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    events = events_in(tmp_path)
    ended = [e for e in events if e["type"] == "emission" and e["event"] == "end"]
    assert {e["label"] for e in ended if "merged_into" not in e} == {"lte", "nr", "wifi"}
    assert [e["frames"] for e in events if e["type"] == "status"][-1] == 2
    assert f"'delivered': {len(events)}" in done.stdout


def test_foreign_messages_are_counted_and_end_nothing(tmp_path):
    block = radiofm.event_output(f"jsonl={tmp_path}")
    messages = [(port, m) for port in ("emissions", "activity", "status") for m in foreign()]
    run_with(block, [*messages, ("emissions", emission(number=77))])
    events = events_in(tmp_path)
    for event in events:
        event_validator().validate(event)
    assert 77 in [event.get("burst_id") for event in events]
    assert block.failures > 0


def test_a_broker_that_is_away_does_not_hold_a_flowgraph_up(tmp_path):
    port = free_port()
    block = radiofm.event_output(f"jsonl={tmp_path}", f"mqtt=127.0.0.1:{port},buffer=10")
    run_with(block, [("emissions", emission(number=n)) for n in range(500)])
    counts = block.counts()
    assert counts[f"mqtt=127.0.0.1:{port}"]["delivered"] == 0
    assert counts[f"mqtt=127.0.0.1:{port}"]["dropped"] >= 500
    assert len(events_in(tmp_path)) == counts[f"jsonl={tmp_path}"]["delivered"]


def test_a_block_that_never_runs_gives_back_what_it_holds(tmp_path):
    block = radiofm.event_output(f"jsonl={tmp_path}")
    with pytest.raises(UsageError, match="another program writes"):
        radiofm.event_output(f"jsonl={tmp_path}")
    del block
    gc.collect()
    radiofm.event_output(f"jsonl={tmp_path}")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"output": ""}, "output: expected one such as 'jsonl=events', got ''"),
        ({"output": "zmq=0", "output_2": 5}, "output: expected one such as 'jsonl=events', got 5"),
        ({"output": "file=x"}, "--output: expected one of jsonl="),
        ({"output": "zmq=0", "sample_rate": -1}, "sample rate: expected 0 S/s or more, got -1"),
        ({"output": "zmq=0", "center_frequency": "x"}, "center frequency: expected a finite"),
    ],
)
def test_wrong_parameters_are_told_in_one_line(parameters, told):
    with pytest.raises(UsageError) as error:
        radiofm.event_output(**parameters)
    assert told in str(error.value)
