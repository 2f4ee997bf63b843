# SPDX-License-Identifier: GPL-3.0-or-later
"""Events over ZeroMQ: to whoever listens, by type, with keys; a slow listener holds nobody up."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import zmq
from event_brokers import PATIENCE_S, free_port, until
from event_samples import RECEIVER, STATUS, emission

from radiofm_core.errors import UsageError
from radiofm_core.events.maker import EventMaker
from radiofm_core.events.schema import event_validator
from radiofm_net.curve_keys import make_sensor_keys, make_server_keys, read_sensor_keys
from radiofm_sinks.opening import open_outputs
from radiofm_sinks.outputs import EventOutputs


def opened(*texts: str, tell=lambda line: None) -> EventOutputs:
    outputs = EventOutputs(EventMaker(RECEIVER, "model"), open_outputs(texts, "roof"), tell)
    outputs.start()
    return outputs


@pytest.fixture
def context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def listener(context, port: int, topic: bytes = b"", **options) -> zmq.Socket:
    socket = context.socket(zmq.SUB)
    for name, value in options.items():
        setattr(socket, name, value)
    socket.setsockopt(zmq.RCVTIMEO, round(1e3 * PATIENCE_S))
    socket.subscribe(topic)
    socket.connect(f"tcp://127.0.0.1:{port}")
    return socket


def hears(outputs: EventOutputs, socket: zmq.Socket) -> None:
    """Until the first event arrives, as a listener joins at any time."""

    def heard() -> bool:
        outputs.take("emissions", emission("update"))
        return bool(socket.poll(100))

    until(heard, "the listener hears")


def test_events_come_with_their_type_and_as_the_schema_says(context):
    port = free_port()
    outputs = opened(f"zmq={port}")
    every, emissions = listener(context, port), listener(context, port, b"emission")
    hears(outputs, every)
    hears(outputs, emissions)
    for number in range(1, 101):
        outputs.take("emissions", emission(number=number))
    outputs.take("status", STATUS)
    # before the end, which gives what is on its way a second
    numbers: list[int] = []
    while not numbers or numbers[-1] < 100:
        numbers.append(json.loads(emissions.recv_multipart()[1])["burst_id"])
    assert numbers[-100:] == list(range(1, 101))
    outputs.close("stopped", PATIENCE_S)
    events = []
    while not events or (events[-1]["type"], events[-1].get("event")) != ("run", "end"):
        kind, text = every.recv_multipart()
        events.append(json.loads(text))
        assert kind.decode() == events[-1]["type"]
    event_validator().validate(events[-1])
    sequence = [event["sequence"] for event in events]
    assert sequence == list(range(sequence[0], sequence[-1] + 1))


def test_it_listens_on_this_machine_alone_unless_told():
    port = free_port()
    outputs = opened(f"zmq={port}")
    (line,) = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if f":{port:04X} 00000000:0000 0A" in line
    ]
    assert line == f"0100007F:{port:04X}"
    outputs.close("stopped")


def test_a_listener_that_hangs_costs_the_others_nothing_and_sees_what_it_missed(context):
    port = free_port()
    # ZeroMQ looks what has been taken once a millisecond: a buffer holds what comes meanwhile
    outputs = opened(f"zmq={port},buffer=100")
    hung = listener(context, port, b"emission", rcvhwm=1, rcvbuf=4096)
    quick = listener(context, port, b"emission")
    hears(outputs, quick)
    hears(outputs, hung)
    heard: list[int] = []
    # more than the system keeps for the one that hangs
    for number in range(1, 2001):
        outputs.take("emissions", emission(number=number, label="x" * 10_000))
        while number not in heard[-1:]:
            heard.append(json.loads(quick.recv_multipart()[1])["burst_id"])
    assert heard[-2000:] == list(range(1, 2001))
    late = []
    while not late or late[-1]["burst_id"] < 10_000:
        outputs.take("emissions", emission(number=10_000))
        late.append(json.loads(hung.recv_multipart()[1]))
    steps = [b["sequence"] - a["sequence"] for a, b in itertools.pairwise(late)]
    assert min(steps) == 1 and max(steps) > 1
    outputs.close("stopped")


def test_with_keys_it_is_heard_by_those_who_have_one(context, tmp_path):
    make_server_keys(tmp_path / "keys")
    own = read_sensor_keys(make_sensor_keys(tmp_path / "keys", "desk"))
    make_server_keys(tmp_path / "others")
    foreign = read_sensor_keys(make_sensor_keys(tmp_path / "others", "thief"))
    port = free_port()
    told: list[str] = []
    outputs = opened(f"zmq={port},keys={tmp_path / 'keys'}", tell=told.append)
    known = {"curve_serverkey": own.server}
    plain = listener(context, port)
    wrong = listener(
        context, port, **known, curve_publickey=foreign.public, curve_secretkey=foreign.secret
    )
    right = listener(context, port, **known, curve_publickey=own.public, curve_secretkey=own.secret)
    hears(outputs, right)
    until(lambda: told, "the other one is refused")
    outputs.take("emissions", emission())
    assert not plain.poll(500) and not wrong.poll(500)
    assert told == [f"zmq={port}: a listener without a known key was refused"]
    outputs.close("stopped")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("{used}", "the port is in use; name another one"),
        ("tcp://127.0.0.1:{used}", "the port is in use"),
        ("tcp://192.0.2.1:5556", "this machine has no such address"),
        ("tcp://here", "expected a port or an endpoint such as tcp://127.0.0.1:5556"),
        ("udp://127.0.0.1:1", "expected a port or an endpoint"),
        ("{free},hwm=5", "unknown option 'hwm'; zmq has: buffer, keys, types"),
        ("{free},keys=/none", "server.key_secret"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(target, told):
    used = free_port()
    outputs = opened(f"zmq={used}")
    with pytest.raises(UsageError) as error:
        open_outputs([f"zmq={target.format(used=used, free=free_port())}"], "roof")
    assert told in str(error.value) and "\n" not in str(error.value)
    outputs.close("stopped")
