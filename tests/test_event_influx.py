# SPDX-License-Identifier: GPL-3.0-or-later
"""Events to InfluxDB: line protocol over real HTTP, by what the data base answers."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest
from aiohttp import web
from event_brokers import PATIENCE_S, free_port, until
from event_samples import ACTIVITY, OUTPUTS, RECEIVER, STATUS, emission, one_of_each

from radiofm_core.errors import UsageError
from radiofm_core.events.clock import utc_nanoseconds
from radiofm_core.events.maker import EventMaker, Receiver
from radiofm_sinks.line_protocol import line_of
from radiofm_sinks.opening import open_outputs
from radiofm_sinks.outputs import EventOutputs

# Of the protocol's grammar, what comes from us: names without quotes, escaped , = and space
NAME = r"(?:[^,= \\\n]|\\[,= ])+"
VALUE = r"(?:-?[0-9]+i|-?[0-9.e+-]+|true|false|\"(?:[^\"\\]|\\[\"\\])*\")"
LINE = re.compile(
    rf"(?P<measurement>{NAME})(?P<tags>(?:,{NAME}={NAME})*) "
    rf"(?P<fields>{NAME}={VALUE}(?:,{NAME}={VALUE})*) (?P<time>[0-9]{{19}})\n"
)
TOKEN = "s3cret=="


class DataBase:
    """Answers as InfluxDB 2 does: 204, 401 without the token, or what it is told to."""

    def __init__(self):
        self.port = free_port()
        self.lines: list[str] = []
        self.answers: list[web.Response] = []
        self.requests = 0
        self.most = 1 << 20
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/api/v2/write", self._write)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", self.port).start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())

    async def _write(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        self.requests += 1
        if request.headers.get("Authorization") != f"Token {TOKEN}":
            return web.json_response({"code": "unauthorized"}, status=401)
        if request.query.get("bucket") != "radio":
            message = 'bucket "x" not found'
            return web.json_response({"code": "not found", "message": message}, status=404)
        assert request.query["precision"] == "ns" and request.query["org"] == "home"
        if body and self.answers:
            return self.answers.pop(0)
        if len(body) > self.most:
            return web.json_response({"message": "too large"}, status=413)
        self.lines += body.splitlines(keepends=True)
        return web.Response(status=204)


@pytest.fixture
def data_base(monkeypatch):
    monkeypatch.setenv("RADIOFM_INFLUX_TOKEN", TOKEN)
    # what had no answer in time is sent again: here each line is to come once
    monkeypatch.setattr("radiofm_sinks.influx.ANSWER_S", PATIENCE_S)
    with DataBase() as data_base:
        yield data_base


def opened(data_base, tell=lambda line: None, more: str = ""):
    name = f"influx=127.0.0.1:{data_base.port}"
    sinks = open_outputs([f"{name},org=home,bucket=radio{more}"], "roof")
    outputs = EventOutputs(EventMaker(RECEIVER, "model", host="roof"), sinks, tell)
    outputs.start()
    return outputs, name


def test_each_event_is_a_line_of_the_protocol_with_a_time_of_its_own():
    maker = EventMaker(Receiver('odd, "name"=\n\\', None, None), None, host="roof")
    events = one_of_each(maker)
    lines = [line_of(event).decode() for event in events]
    assert all(LINE.fullmatch(line) for line in lines), lines
    assert {line.split(",")[0] for line in lines} == {
        f"radiofm_{event['type']}" for event in events
    }
    times = [int(LINE.fullmatch(line)["time"]) for line in lines]
    assert len(set(times)) == len(times)
    for event, time_ns in zip(events, times, strict=True):
        assert utc_nanoseconds(event["time"]) == time_ns // 1000 * 1000


def test_a_line_tells_what_the_event_does():
    maker = EventMaker(Receiver("attic 1", 2.4e9, 61.44e6), "m", host="roof")
    line = LINE.fullmatch(line_of(maker.emission(emission())).decode())
    assert line["tags"] == r",event=start,host=roof,label=wifi,model=m,receiver=attic\ 1"
    fields = dict(field.split("=", 1) for field in line["fields"].split(","))
    assert fields["burst_id"] == "0i" and fields["bandwidth"] == "19943040.0"
    assert fields["receiver_center_frequency"] == "2400000000.0"
    assert fields["run"] == f'"{maker.run}"'
    status = line_of(maker.status(STATUS, OUTPUTS)).decode()
    assert "outputs_mqtt\\=localhost_waiting=3i" in status and "frames=40i" in status
    assert "probabilities_WALKING=0.9914" in line_of(maker.activity(ACTIVITY)).decode()


def test_events_come_in_batches(data_base):
    outputs, name = opened(data_base)
    for number in range(300):
        outputs.take("emissions", emission(number=number))
    counts = outputs.close("stopped", PATIENCE_S)[name]
    assert len(data_base.lines) == counts.delivered >= 302 and counts.dropped == 0
    assert data_base.requests < 10
    assert all(LINE.fullmatch(line) for line in data_base.lines)


def test_a_data_base_that_is_busy_is_waited_for(data_base):
    told: list[str] = []
    data_base.answers = [web.Response(status=503, headers={"Retry-After": "1"})]
    outputs, name = opened(data_base, told.append)
    until(lambda: any("again" in line for line in told), "it takes events again")
    assert outputs.close("stopped", PATIENCE_S)[name].dropped == 0
    assert told[0] == f"{name}: HTTP status 503; events wait for it"


def test_what_it_will_never_take_is_dropped_and_counted(data_base):
    told: list[str] = []
    data_base.answers = [web.json_response({"message": "unable to parse"}, status=400)]
    outputs, name = opened(data_base, told.append)
    until(lambda: outputs.counts()[name].dropped, "the refusal")
    refused = outputs.counts()[name].dropped
    outputs.take("emissions", emission())
    counts = outputs.close("stopped", PATIENCE_S)[name]
    assert counts.dropped == refused and counts.delivered == len(data_base.lines)
    assert "refuses events (HTTP status 400: unable to parse), which are dropped" in told[0]


def test_a_batch_that_is_too_large_is_split(data_base):
    data_base.most = 20_000
    outputs, name = opened(data_base)
    for number in range(200):
        outputs.take("emissions", emission(number=number))
    counts = outputs.close("stopped", PATIENCE_S)[name]
    assert counts.dropped == 0 and counts.delivered == len(data_base.lines) == len(
        set(data_base.lines)
    )


def test_one_that_comes_later_gets_all(data_base):
    told: list[str] = []
    data_base.__exit__()
    outputs, name = opened(data_base, told.append)
    until(lambda: told, "it is told")
    assert told == [f"{name}: connection refused; events wait for it"]
    with DataBase() as later:
        later_port, data_base.port = data_base.port, later.port
        outputs._sinks[0]._connection.port = later.port
        assert later_port != later.port
        assert outputs.close("stopped", PATIENCE_S)[name].delivered == len(later.lines)


@pytest.mark.parametrize(
    ("options", "token", "told"),
    [
        ("org=home,bucket=radio", "wrong", "the token is not accepted"),
        ("org=home,bucket=radio", None, "the token is not accepted"),
        ("org=home,bucket=x", TOKEN, 'HTTP status 404: bucket "x" not found'),
        ("org=home", TOKEN, "it needs bucket=NAME"),
        ("bucket=radio,token=abc", TOKEN, "token-file="),
        ("bucket=radio,token-file=/none", TOKEN, "there is no file '/none'"),
        ("bucket=radio,precision=ms", TOKEN, "unknown option 'precision'; influx has: bucket"),
        ("bucket=radio", "two\nlines", "token: expected one line of ASCII"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(data_base, monkeypatch, options, token, told):
    monkeypatch.delenv("RADIOFM_INFLUX_TOKEN")
    if token is not None:
        monkeypatch.setenv("RADIOFM_INFLUX_TOKEN", token)
    with pytest.raises(UsageError) as error:
        open_outputs([f"influx=127.0.0.1:{data_base.port},{options}"], "roof")
    assert told in str(error.value) and "\n" not in str(error.value)
    assert token is None or token not in str(error.value)
