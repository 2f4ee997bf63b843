# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/events.md: tables of the schema, real samples, and programs that run as they are written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from event_brokers import PATIENCE_S, Mosquitto, free_port, until
from event_samples import RECEIVER, emission, one_of_each
from radiofm_command import radiofm as run_radiofm

from radiofm_core.events.maker import EventMaker
from radiofm_core.events.schema import event_validator, schema_text
from radiofm_sinks.opening import KINDS, open_outputs
from radiofm_sinks.outputs import EventOutputs
from radiofm_sinks.prometheus import Metrics

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/events.md"


@pytest.fixture(scope="module")
def event_page():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs/site")
        import event_page

        yield event_page


@pytest.fixture(scope="module")
def shown(event_page) -> dict[str, dict]:
    """The samples on the page."""
    return event_page.message_samples.shown_in(PAGE.read_text())


def section(heading: str) -> str:
    """The page's text below a heading, up to the next one."""
    return PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_its_tables_are_the_schemas(event_page, shown):
    assert event_page.written(PAGE.read_text(), shown) == PAGE.read_text()
    assert len(re.findall(r"<!-- schema: \w+ -->\n\n\|", PAGE.read_text())) == 11


def test_there_is_a_sample_of_each_type_and_it_is_as_the_schema_says(event_page, shown):
    kinds = json.loads(schema_text())["properties"]["type"]["enum"]
    assert sorted(shown) == sorted(kinds)
    for kind, sample in shown.items():
        event_validator().validate(sample)
        assert sample["type"] == kind


def test_the_samples_have_the_keys_of_the_events_of_today(event_page, shown):
    maker = EventMaker(RECEIVER, "model")
    today = {event["type"]: event for event in one_of_each(maker)}
    for kind in ("emission", "activity", "motion", "status", "drops", "round"):
        missing = set(shown[kind]) ^ set(today[kind])
        assert missing <= {"merged_into", "output"}, kind


def consumer() -> str:
    """The page's program."""
    (text,) = re.findall(r"<!-- consumer -->\n\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return text


def test_the_consumer_runs_as_it_is_written(tmp_path):
    port = free_port()
    (tmp_path / "listen.py").write_text(consumer().replace("127.0.0.1:5556", f"127.0.0.1:{port}"))
    assert "5556" in consumer() and len(consumer().splitlines()) <= 13
    outputs = EventOutputs(EventMaker(RECEIVER, "model"), open_outputs([f"zmq={port}"], "roof"))
    outputs.start()
    with (tmp_path / "heard").open("wb") as heard:
        listener = subprocess.Popen([sys.executable, tmp_path / "listen.py"], stdout=heard)
    try:

        def hears() -> bool:
            outputs.take("emissions", emission())
            outputs.take("emissions", emission("end"))
            return (tmp_path / "heard").stat().st_size > 0

        until(hears, "the consumer hears")
    finally:
        listener.terminate()
        listener.wait(PATIENCE_S)
        outputs.close("stopped")
    assert (tmp_path / "heard").read_text().splitlines()[0] == "wifi      2420.552 MHz"


def test_the_line_with_mosquitto_sub_hears_events(tmp_path):
    if shutil.which("mosquitto_sub") is None:
        pytest.skip("needs mosquitto_sub: apt install mosquitto-clients")
    (words,) = re.findall(r"`(mosquitto_sub -h broker [^`]*)`", PAGE.read_text())
    broker = Mosquitto(tmp_path / "broker")
    command = words.replace("-h broker", f"-h 127.0.0.1 -p {broker.port} -C 3 -W 300")
    listener = subprocess.Popen(["sh", "-c", f"exec {command}"], stdout=subprocess.PIPE, text=True)
    name = f"mqtt=127.0.0.1:{broker.port}"
    outputs = EventOutputs(EventMaker(RECEIVER, "model"), open_outputs([name], "roof"))
    outputs.start()
    try:

        def hears() -> bool:
            outputs.take("emissions", emission())
            return listener.poll() is not None

        until(hears, "mosquitto_sub hears")
        lines = listener.communicate()[0].splitlines()
    finally:
        listener.kill()
        outputs.close("stopped")
        broker.stop()
    assert len(lines) == 3
    topic, _, text = lines[-1].partition(" ")
    event_validator().validate(json.loads(text))
    assert re.fullmatch(r"radiofm/\w+/soapy_driver_rtlsdr/event/[a-z]+", topic)


SHARED = {"buffer", "types"}
OF_KINDS = {
    "jsonl": "Files of JSON lines",
    "zmq": "ZeroMQ",
    "mqtts": "MQTT and Home Assistant",
    "influxs": "InfluxDB and Grafana",
    "prometheus": "Prometheus",
}


@pytest.mark.parametrize("kind", OF_KINDS)
def test_each_option_is_told(kind, tmp_path):
    targets = {"jsonl": str(tmp_path), "zmq": "0", "prometheus": str(free_port())}
    text = f"{kind}={targets.get(kind, 'localhost:1')},bucket=x,no-such=1"
    if kind != "influxs":
        text = text.replace("bucket=x,", "")
    with pytest.raises(Exception, match="unknown option 'no-such'") as error:
        open_outputs([text], "roof")
    known = set(str(error.value).partition(" has: ")[2].split(", "))
    told = set(re.findall(r"`([a-z-]+)=", section(OF_KINDS[kind])))
    assert known - SHARED <= told | {"motion-db"}
    assert set(KINDS) >= {kind}
    assert told - known <= {*KINDS, "model"}, told - known


def test_each_metric_is_told():
    own = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in Metrics().registry.collect()
        if metric.name.startswith("radiofm_")
    }
    assert own == set(re.findall(r"`(radiofm_\w+)(?:\{[\w,]+\})?`", section("Prometheus")))


def test_the_command_prints_the_schema_and_checks_files(tmp_path):
    done = run_radiofm("events", "--schema")
    assert done.returncode == 0 and json.loads(done.stdout) == json.loads(schema_text())
    outputs = EventOutputs(EventMaker(RECEIVER), open_outputs([f"jsonl={tmp_path}"], "roof"))
    outputs.start()
    for number in range(5):
        outputs.take("emissions", emission(number=number))
    outputs.close("stopped", PATIENCE_S)
    path = tmp_path / "events.jsonl"
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:2] + whole[4:]))
    done = run_radiofm("events", path)
    assert done.returncode == 0, done.stderr
    count = len(whole) - 2
    assert done.stdout.startswith(f"{count} events of 1 run, all as the schema says; 2 missing\n")
    path.write_text(whole[0] + whole[1].replace('"version": 1', '"version": 7'))
    done = run_radiofm("events", path)
    assert (
        done.returncode == 2 and f"{path}:2: no event of version 1: version: 1 was" in done.stderr
    )
    path.write_text("{\n")
    assert f"{path}:1: no JSON" in run_radiofm("events", path).stderr
    assert "name files of events to check, or --schema" in run_radiofm("events").stderr
    assert "cannot be read" in run_radiofm("events", tmp_path / "none").stderr
