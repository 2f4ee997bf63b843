# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of a run, scraped over HTTP and read by Prometheus' own reader."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from event_brokers import PATIENCE_S, free_port
from event_samples import ACTIVITY, RECEIVER, STATUS, emission
from prometheus_client.parser import text_string_to_metric_families

from radiofm_core.errors import UsageError
from radiofm_core.events.maker import EventMaker, Receiver
from radiofm_sinks.opening import open_outputs
from radiofm_sinks.outputs import EventOutputs
from radiofm_sinks.states import MOST_LABELS


def scraped(port: int) -> dict[str, list]:
    """Samples by name: (labels without the receiver, value)."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        samples: dict[str, list] = {}
        for family in families:
            for sample in family.samples:
                labels = {k: v for k, v in sample.labels.items() if k != "receiver"}
                samples.setdefault(sample.name, []).append((labels, sample.value))
    return samples


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def outputs(port):
    sinks = open_outputs([f"prometheus={port}"], "roof")
    outputs = EventOutputs(EventMaker(RECEIVER, "segmenter", host="roof"), sinks)
    outputs.start()
    yield outputs
    outputs.close("stopped")


def test_a_scrape_tells_how_the_run_does(outputs, port):
    outputs.source_found("x")
    for number in range(3):
        outputs.take("emissions", emission(number=number))
    outputs.take("emissions", emission("end", number=0))
    outputs.take("emissions", emission(number=3, label="lte"))
    outputs.take("activity", ACTIVITY)
    outputs.take("status", STATUS)
    outputs.take("status", {**STATUS, "frames": 60, "dropped": 10, "failed": 2, "error": "bad"})
    outputs.source_lost("x", "gone")
    found = scraped(port)
    assert found["radiofm_frames_total"] == [({}, 60.0)]
    dropped = {"unit": "frames", "output": ""}
    assert sorted(found["radiofm_dropped_total"], key=lambda each: each[1]) == [
        ({"cause": "no_result", **dropped}, 2.0),
        ({"cause": "model_too_slow", **dropped}, 10.0),
    ]
    assert found["radiofm_emissions_total"] == [({"label": "wifi"}, 3.0), ({"label": "lte"}, 1.0)]
    assert found["radiofm_emissions_on_air"] == [({"label": "wifi"}, 2.0), ({"label": "lte"}, 1.0)]
    assert ({"quantile": "0.99"}, 0.144989) in found["radiofm_latency_seconds"]
    assert found["radiofm_queue_depth"] == [({}, 1.0)]
    assert found["radiofm_motion_db"] == [({"sender": ""}, 14.25)]
    assert found["radiofm_source_up"] == [({}, 0.0)]
    assert found["radiofm_source_lost_total"] == [({}, 1.0)]
    ((run, one),) = found["radiofm_run_info"]
    assert (run["model"], run["host"], one) == ("segmenter", "roof", 1.0)
    assert found["process_resident_memory_bytes"][0][1] > 1e6


def test_counts_go_on_where_a_flowgraph_begins_at_zero(outputs, port):
    outputs.take("status", STATUS)
    outputs.new_flowgraph()
    outputs.take("status", {**STATUS, "frames": 5, "dropped": 1})
    outputs.take("status", {**STATUS, "frames": 2, "dropped": 0})
    found = scraped(port)
    assert found["radiofm_frames_total"] == [({}, 47.0)]
    assert found["radiofm_dropped_total"][0][1] == 4.0


def test_receivers_are_told_apart(outputs, port):
    for name in ("attic", "cellar"):
        outputs.put(EventMaker(Receiver(name, 1e9, 1e6), "m").emission(emission()))
    assert [value for _, value in scraped(port)["radiofm_emissions_total"]] == [1.0, 1.0]


def test_labels_without_end_do_not_become_metrics_without_end(outputs, port):
    for number in range(3 * MOST_LABELS):
        outputs.take("emissions", emission(number=number, label=f"label {number}"))
    found = scraped(port)["radiofm_emissions_total"]
    assert len(found) == MOST_LABELS + 1
    assert sum(value for _, value in found) == 3 * MOST_LABELS


def test_it_answers_on_this_machine_alone_and_gives_its_port_back(outputs, port):
    lines = Path("/proc/net/tcp").read_text().splitlines()
    (line,) = [x.split()[1] for x in lines if f":{port:04X} 00000000:0000 0A" in x]
    assert line == f"0100007F:{port:04X}"
    # one that says nothing does not keep others out
    with socket.create_connection(("127.0.0.1", port)):
        assert scraped(port)
    outputs.close("stopped")
    with pytest.raises(urllib.error.URLError):
        scraped(port)
    (again,) = open_outputs([f"prometheus={port}"], "roof")
    again.release()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("{used}", "cannot listen (Address already in use); name another port"),
        ("0.0.0.0:{used}", "cannot listen (Address already in use)"),
        ("192.0.2.1:9100", "cannot listen (Cannot assign requested address)"),
        ("localhost", "expected PORT or HOST:PORT, such as 9100 or 0.0.0.0:9100"),
        ("99999", "expected HOST or HOST:PORT"),
        ("9100,path=/x", "unknown option 'path'; prometheus has: types"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(outputs, port, target, told):
    with pytest.raises(UsageError) as error:
        open_outputs([f"prometheus={target.format(used=port)}"], "roof")
    assert told in str(error.value) and "\n" not in str(error.value)
