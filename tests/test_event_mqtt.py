# SPDX-License-Identifier: GPL-3.0-or-later
"""Events to a real MQTT broker: confirmed, retained, through cuts, and refused in one line."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest
from event_brokers import (
    PASSWORD,
    PATIENCE_S,
    USER,
    Certificates,
    Mosquitto,
    Subscriber,
    password_file,
    until,
)
from event_samples import ACTIVITY, STATUS, emission

from radiofm_core.errors import UsageError
from radiofm_core.events.maker import EventMaker, Receiver
from radiofm_core.events.schema import event_validator
from radiofm_sinks.mqtt_topics import slug
from radiofm_sinks.opening import open_outputs
from radiofm_sinks.outputs import EventOutputs

BASE = f"radiofm/{slug(socket.gethostname())}"
PROGRAM = "roof"


@pytest.fixture(autouse=True)
def long_waits(monkeypatch):
    """A broker that is slow to answer as the machine is full is no broker that is away."""
    monkeypatch.setattr("radiofm_sinks.mqtt.CONNECT_S", PATIENCE_S)


@pytest.fixture
def broker(tmp_path):
    broker = Mosquitto(tmp_path / "broker")
    yield broker
    broker.stop()


@pytest.fixture
def subscriber(broker):
    subscriber = Subscriber(broker.port)
    yield subscriber
    subscriber.close()


def opened(*texts: str, tell=lambda line: None) -> EventOutputs:
    maker = EventMaker(Receiver(PROGRAM, 2.4e9, 61.44e6), "segmenter-vit-tiny")
    outputs = EventOutputs(maker, open_outputs(texts, PROGRAM), tell)
    outputs.start()
    return outputs


def test_events_arrive_in_order_and_as_the_schema_says(broker, subscriber):
    outputs = opened(f"mqtt=127.0.0.1:{broker.port}")
    for number in range(200):
        outputs.take("emissions", emission(number=number))
    outputs.take("status", STATUS)
    counts = outputs.close("stopped", PATIENCE_S)[f"mqtt=127.0.0.1:{broker.port}"]
    until(lambda: subscriber.newest(f"{BASE}/roof/availability") == "offline", "good-bye")
    events = subscriber.events()
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert (counts.delivered, counts.dropped) == (len(events), 0)
    for event in events[:3] + events[-3:]:
        event_validator().validate(event)
    assert events[-1]["event"] == "end" and events[-1]["type"] == "run"
    assert f"{BASE}/roof/event/emission" in subscriber.topics()


def test_what_fits_the_buffer_survives_a_cut_and_the_rest_is_counted_exactly(broker, subscriber):
    told: list[str] = []
    name = f"mqtt=127.0.0.1:{broker.port}"
    outputs = opened(f"{name},buffer=100", tell=told.append)
    until(lambda: subscriber.events(), "the first event")
    broker.stop()
    until(lambda: told, "the cut is told")
    assert told == [f"{name}: the connection was lost; events wait for it"]
    for number in range(1000):
        outputs.take("emissions", emission(number=number))
    counts = outputs.counts()[name]
    assert counts.waiting == 100 and counts.dropped > 900 - 100
    broker.start()
    until(lambda: outputs.counts()[name].waiting == 0, "all is delivered")
    final = outputs.close("stopped", PATIENCE_S)[name]
    until(
        lambda: any(
            e["event"] == "end" and e["type"] == "run" for e in subscriber.events() if "event" in e
        ),
        "the last event",
    )
    events = {event["sequence"]: event for event in subscriber.events()}
    last = max(events)
    assert final.waiting == 0
    assert len(events) == final.delivered
    assert final.delivered + final.dropped == last
    # of those during the cut, the newest are there
    numbers = [e["burst_id"] for e in events.values() if e["type"] == "emission"]
    assert numbers[-90:] == list(range(910, 1000))
    drops = [e for e in events.values() if e["type"] == "drops"]
    assert drops and drops[-1]["output"] == name and drops[-1]["total"] == final.dropped
    assert [e["event"] for e in events.values() if e["type"] == "output"][-1] == "found"
    assert "takes events again" in told[1] and str(final.dropped) in told[1]


def test_a_broker_that_comes_later_gets_all_events(broker, subscriber):
    told: list[str] = []
    # what it knows of the subscriber it keeps: the events may come before that is back
    broker.stop()
    name = f"mqtt=127.0.0.1:{broker.port}"
    outputs = opened(name, tell=told.append)
    outputs.take("emissions", emission())
    until(lambda: told, "it is told")
    assert told == [f"{name}: connection refused; events wait for it"]
    broker.start()
    until(lambda: len(subscriber.events()) >= 2, "the events")
    final = outputs.close("stopped", PATIENCE_S)[name]
    until(lambda: len(subscriber.events()) >= final.delivered, "the last event")
    assert final.dropped == 0
    assert [e["sequence"] for e in subscriber.events()] == list(range(1, final.delivered + 1))


def test_a_broker_that_hangs_holds_nobody_up(broker):
    name = f"mqtt=127.0.0.1:{broker.port}"
    outputs = opened(f"{name},buffer=50")
    until(lambda: outputs.counts()[name].delivered, "the first event")
    broker.signal(19)
    for number in range(200):
        outputs.take("emissions", emission(number=number))
    began = time.monotonic()
    counts = outputs.close("stopped", timeout=1.0)[name]
    broker.signal(18)
    assert time.monotonic() - began < 20
    assert counts.waiting == 0 and counts.dropped >= 150


def test_states_are_retained_and_home_assistant_is_told(broker):
    outputs = opened(f"mqtt=127.0.0.1:{broker.port},homeassistant=yes")
    for number in range(3):
        outputs.take("emissions", emission(number=number))
    outputs.take("emissions", emission("end", number=1))
    outputs.take("activity", ACTIVITY)
    outputs.take("activity", {**ACTIVITY, "source": "00:11:22:33:44:55", "motion_db": 0.4})
    outputs.take("status", STATUS)
    late = Subscriber(broker.port)
    state = f"{BASE}/roof/state"
    # in whatever order the broker has them
    wanted = [
        f"{state}/{name}" for name in ("status", "activity/any", "activity/00_11_22_33_44_55")
    ]
    until(lambda: late.newest(f"{BASE}/roof/availability") == "online", "availability")
    until(lambda: {*wanted} <= {*late.topics()}, "states")
    counts = {"total": 2, "wifi": 2}
    until(lambda: json.loads(late.newest(f"{state}/emissions") or "0") == counts, "emissions")
    until(lambda: sum(topic.endswith("config") for topic in late.topics()) >= 8, "configurations")
    until(lambda: any("binary_sensor" in t and "any" in t for t in late.topics()), "its motion")
    moving = json.loads(late.newest(f"{state}/activity/any"))
    assert (moving["label"], moving["motion"]) == ("WALKING", "ON")
    still = json.loads(late.newest(f"{state}/activity/00_11_22_33_44_55"))
    assert still["motion"] == "OFF"
    configurations = {t: json.loads(late.newest(t)) for t in late.topics() if t.endswith("config")}
    motion = next(c for t, c in configurations.items() if "binary_sensor" in t and "any" in t)
    assert motion["device_class"] == "motion" and motion["state_topic"] == f"{state}/activity/any"
    assert motion["availability_topic"] == f"{BASE}/roof/availability"
    assert len({c["unique_id"] for c in configurations.values()}) == len(configurations) >= 8
    for configuration in configurations.values():
        until(lambda c=configuration: c["state_topic"] in late.topics(), "a configured state")
    outputs.close("stopped", PATIENCE_S)
    until(lambda: late.newest(f"{BASE}/roof/availability") == "offline", "good-bye")
    late.close()


def test_a_program_that_is_killed_is_offline_by_its_will(broker, subscriber):
    outputs = opened(f"mqtt=127.0.0.1:{broker.port}")
    until(lambda: subscriber.newest(f"{BASE}/roof/availability") == "online", "online")
    (sink,) = outputs._sinks
    # its own thread is at it meanwhile: the connection ends under it, the socket stays
    sink._client.socket().shutdown(socket.SHUT_RDWR)
    until(lambda: "offline" in [m[1].decode() for m in subscriber._messages], "the will")
    outputs.close("stopped")


def test_user_and_password_come_from_a_file_or_the_environment(tmp_path, monkeypatch):
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Mosquitto(folder, "allow_anonymous false", f"password_file {password_file(folder)}")
    place = f"mqtt=127.0.0.1:{broker.port}"
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    try:
        for text in (f"{place},user={USER},password-file={secret}", f"{place},user={USER}"):
            outputs = opened(text)
            assert outputs.close("stopped", PATIENCE_S)[place].dropped == 0
            monkeypatch.setenv("RADIOFM_MQTT_PASSWORD", PASSWORD)
        monkeypatch.setenv("RADIOFM_MQTT_PASSWORD", "wrong")
        for text in (place, f"{place},user={USER}"):
            if text == place:
                monkeypatch.delenv("RADIOFM_MQTT_PASSWORD", raising=False)
            else:
                monkeypatch.setenv("RADIOFM_MQTT_PASSWORD", "wrong")
            with pytest.raises(UsageError, match="it does not let us in") as error:
                open_outputs([text], PROGRAM)
            assert str(error.value).startswith(f"--output {place}: ")
    finally:
        broker.stop()


def tls_broker(folder: Path, certificates: Certificates) -> Mosquitto:
    return Mosquitto(
        folder,
        f"certfile {certificates.cert}",
        f"keyfile {certificates.key}",
        "allow_anonymous true",
    )


def test_over_tls_the_certificate_is_checked(tmp_path):
    good = Certificates(tmp_path / "good")
    old = Certificates(tmp_path / "old", is_expired=True)
    for certificates, ca, told in (
        (good, good.ca, None),
        (good, old.ca, "self.signed|unable to get|signature"),
        (old, old.ca, "certificate has expired"),
    ):
        broker = tls_broker(tmp_path / "broker", certificates)
        place = f"mqtts=localhost:{broker.port}"
        try:
            if told is None:
                counts = opened(f"{place},ca={ca}").close("stopped", PATIENCE_S)[place]
                assert counts.delivered >= 2
                continue
            with pytest.raises(UsageError, match=f"its certificate is not accepted: .*({told})"):
                open_outputs([f"{place},ca={ca}"], PROGRAM)
        finally:
            broker.stop()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mqtt=", "--output: expected one of jsonl=,"),
        ("mqtt=host:0x", "expected HOST or HOST:PORT; user and password are options"),
        ("mqtt=user:word@host", "expected HOST or HOST:PORT; user and password are options"),
        ("mqtt=host:70000", "expected HOST or HOST:PORT"),
        ("mqtt=host,password=word", "password-file="),
        ("mqtt=host,user=radio,password-file=/none", "password-file: there is no file '/none'"),
        ("mqtt=host,qos=2", "unknown option 'qos'; mqtt has: buffer, "),
        ("mqtt=host,topic=radio/#", "topic: expected one without"),
        ("mqtt=host,homeassistant=maybe", "homeassistant: expected yes or no, got 'maybe'"),
        ("mqtt=host,buffer=0", "buffer: expected an integer from 1, got '0'"),
        ("mqtt=host,buffer=9,buffer=9", "buffer is given twice"),
        ("mqtt=host,types=emission+noise", "types: expected some of run"),
        ("mqtts=host,ca=/none", "ca: there is no file '/none'"),
        ("mqtts=host,ca=/etc/hostname", "ca: /etc/hostname holds no certificate"),
        ("mqtt=host,ca=/etc/hostname", "unknown option 'ca'"),
    ],
)
def test_wrong_options_are_told_in_one_line(text, told):
    with pytest.raises(UsageError) as error:
        open_outputs([text], PROGRAM)
    assert told in str(error.value) and "\n" not in str(error.value)
