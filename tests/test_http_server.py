# SPDX-License-Identifier: GPL-3.0-or-later
"""The server of the live view: who may look, what programs get, and that nothing piles up."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import socket
import struct
import time
from contextlib import closing, suppress

import aiohttp
import numpy as np
import pytest
from event_samples import RECEIVER, one_of_each
from radiofm_command import assert_one_line_error, radiofm
from view_messages import CENTER, COLS, NAMES, RATE, emission, feed, frame

from radiofm_core import keys
from radiofm_core.errors import UsageError
from radiofm_core.events.maker import EventMaker
from radiofm_core.view.changes import MOST_WAITING
from radiofm_web import routes
from radiofm_web.address import is_loopback, parse_address
from radiofm_web.intake import MOST_EVENTS, MOST_PICTURES, Intake
from radiofm_web.row_message import MAGIC
from radiofm_web.server import MOST_CONNECTIONS, ViewServer

TEXT = aiohttp.WSMsgType.TEXT
# More only means that it hangs: the machine that tests run on may be full (s)
LONG_S = 120.0


@pytest.fixture
def server():
    with ViewServer("0", source="test") as server:
        yield server


def get(url: str, path: str = "", **headers) -> tuple[int, str, dict]:
    """(status, text, headers) of a request."""
    base, mark, query = url.partition("?")

    async def ask():
        async with (
            aiohttp.ClientSession() as session,
            session.get(base + path + mark + query, headers=headers) as answer,
        ):
            return answer.status, await answer.text(), answer.headers.copy()

    return asyncio.run(asyncio.wait_for(ask(), LONG_S))


async def viewer(session, server, **headers):
    """A page's websocket, that has asked for all."""
    page = await session.ws_connect(f"http://127.0.0.1:{server.port}/live", headers=headers)
    await page.send_json({"type": "view", "span": 10, "lines": 500})
    return page


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


# ---- who may look


@pytest.mark.parametrize("path", ["", "page.js", "api/emissions", "api/status", "live", "events"])
def test_a_foreign_name_or_page_is_refused_without_a_token(server, path):
    assert get(server.url, path, Host=f"rebound.example:{server.port}")[0] == 403
    assert get(server.url, path, Origin="http://other.example")[0] == 403
    assert get(server.url, path, Origin=f"http://127.0.0.1:{server.port + 1}")[0] == 403
    assert get(server.url, path, Origin="null")[0] == 403
    if path not in ("live", "events"):
        assert get(server.url, path, Host="localhost:9")[0] == 200
        assert get(server.url, path, Origin=server.url.rstrip("/"))[0] == 200


def test_another_pages_websocket_is_refused(server):
    async def attempt():
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await viewer(session, server, Origin="http://other.example")
            assert error.value.status == 403
            page = await viewer(session, server, Origin=f"http://127.0.0.1:{server.port}")
            assert (await page.receive_json())["type"] == "hello"

    asyncio.run(asyncio.wait_for(attempt(), LONG_S))


@pytest.mark.parametrize("where", ["0.0.0.0:0", "127.0.0.1:0"])
def test_a_token_is_needed_for_everything(where):
    token = None if where.startswith("0.0.0.0") else "a-token-of-mine"
    with ViewServer(where, token) as server:
        bare, _, query = server.url.partition("?")
        bare = f"http://127.0.0.1:{server.port}/"
        given = query.removeprefix("token=")
        assert given == token if token else len(given) >= 24
        for path in ("", "page.js", "api/emissions", "live", "events", "nothing"):
            assert get(bare, path)[0] == 401
            assert get(f"{bare}?token=wrong", path)[0] == 401
            assert get(bare, path, Cookie=f"radiofm_{server.port}=wrong")[0] == 401
            assert get(bare, path, Authorization="Bearer wrong")[0] == 401
        status, _, headers = get(f"{bare}?{query}")
        cookie = headers["Set-Cookie"]
        assert status == 200 and "HttpOnly" in cookie and "SameSite=Strict" in cookie
        assert get(bare, "api/status", Cookie=cookie.partition(";")[0])[0] == 200
        assert get(bare, "api/status", Authorization=f"Bearer {given}")[0] == 200
        assert get(bare, Origin="http://other.example", Authorization=f"Bearer {given}")[0] == 403


def test_what_is_sent_may_load_nothing_from_elsewhere(server):
    status, text, headers = get(server.url)
    assert status == 200 and "http://" not in text and "https://" not in text
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert get(server.url, "../routes.py")[0] == get(server.url, "%2e%2e/routes.py")[0] == 404


@pytest.mark.parametrize(
    ("host", "is_here"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("[::1]", True), ("localhost", True),
     ("0.0.0.0", False), ("192.0.2.7", False), ("localhost.example", False), ("", False)],
)  # fmt: skip
def test_loopback_is_known_without_a_look_up(host, is_here):
    assert is_loopback(host) is is_here


# ---- addresses


def test_an_address_is_a_port_or_a_host_and_a_port():
    assert str(parse_address("8080")) == "127.0.0.1:8080"
    assert str(parse_address("0.0.0.0:0")) == "0.0.0.0:0"
    assert str(parse_address("[::1]:80")) == "[::1]:80"
    for wrong in (
        "",
        "http",
        "80:",
        ":80",
        "65536",
        "::1:80",
        "a b:80",
        "-1",
        "1.5",
        "http://x:80",
    ):
        with pytest.raises(UsageError, match="PORT or HOST:PORT"):
            parse_address(wrong)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--http", "70000"), ("--http", "'70000'")),
        (("--http", "no-such-host.invalid:80"), ("no-such-host.invalid:80", "unknown host")),
        (("--http", "192.0.2.7:0"), ("192.0.2.7:0", "0.0.0.0")),
        (("--http", "0", "--http-token", "short"), ("--http-token", "12")),
        (("--http", "0", "--http-token", "has a space in it"), ("--http-token",)),
        (("--http-token", "a-token-of-mine"), ("--http",)),
    ],
)
def test_a_wrong_option_is_one_line_before_the_source_is_opened(arguments, words):
    done = radiofm("watch", "--source", "file=not-there.sigmf-meta", *arguments)
    assert_one_line_error(done, *words)


def test_a_port_in_use_is_one_line_before_the_source_is_opened(server):
    done = radiofm("watch", "--source", "file=not-there", "--http", str(server.port))
    assert_one_line_error(done, str(server.port), "in use")


# ---- what programs get


def test_the_api_tells_emissions_and_status(server):
    feed(server, 1.0)
    server.take(keys.PORT_EMISSIONS, emission(1, evidence="symbols of 15 kHz"), None)
    server.take(keys.PORT_EMISSIONS, emission(2, keys.EVENT_END), None)
    wait_for(server)
    first, second = json.loads(get(server.url, "api/emissions")[1])
    assert (first["burst_id"], first["on_air"], first["label"]) == (1, True, "lte")
    assert first["evidence"] == "symbols of 15 kHz" and first["snr_db"] == 12.0
    assert (second["burst_id"], second["on_air"]) == (2, False)
    status = json.loads(get(server.url, "api/status")[1])
    assert status["center_frequency"] == CENTER and status["sample_rate"] == RATE
    assert status["time"] == pytest.approx(1.0, abs=0.05)
    assert [each["label"] for each in status["classes"]] == NAMES
    assert status["source"] == "test" and status["skipped"] == 0


def test_the_api_tells_since_when_a_source_is_lost(server):
    maker = EventMaker(RECEIVER)

    def told():
        return json.loads(get(server.url, "api/status")[1])["source_lost"]

    assert told() is None
    lost = maker.source_lost("soapy", "it ended")
    server.take_event(lost)
    first = told()
    assert (first["since"], first["reason"]) == (lost["time"], "it ended")
    server.take_event(maker.source_retry("soapy", "no device found", 1, 2.0))
    server.take_event(maker.drops("source_overflow", "samples", 1, 1))
    time.sleep(0.3)
    second = told()
    assert (second["since"], second["reason"]) == (lost["time"], "no device found")
    assert second["age"] >= first["age"] + 0.2
    server.take_event(maker.source_found("soapy"))
    assert told() is None


def test_events_are_those_of_the_schema(server):
    events = one_of_each(EventMaker(RECEIVER))

    async def read():
        async with (
            aiohttp.ClientSession() as session,
            session.get(server.url + "events") as stream,
        ):
            assert stream.headers["Content-Type"] == "text/event-stream"
            await stream.content.readuntil(b"\n\n")
            for event in events:
                server.take_event(event)
            return [await stream.content.readuntil(b"\n\n") for _ in events]

    lines = asyncio.run(asyncio.wait_for(read(), LONG_S))
    assert lines == [f"data: {json.dumps(event)}\n\n".encode() for event in events]


def test_a_slow_reader_of_events_is_told_how_many_it_missed():
    intake = Intake()
    intake.events.readers = 1
    for number in range(MOST_EVENTS + 10):
        intake.events.add(emission(number))
    last, gone, lines = intake.events.since(0)
    assert (last, gone, len(lines)) == (MOST_EVENTS + 10, 10, MOST_EVENTS)
    assert json.loads(lines[-1])["burst_id"] == MOST_EVENTS + 9
    assert intake.events.since(last) == (last, 0, [])
    intake.close()


# ---- pages


def read_lines(message: bytes) -> dict:
    """The binary message of radiofm_web/row_message.py, read anew by its description."""
    magic, version, cols, count, tunings, height, _ = struct.unpack_from("<4sHHIIII", message)
    duration, newest, first = struct.unpack_from("<3d", message, 24)
    at = 48
    tuning = np.frombuffer(message, "<f8", 2 * tunings, at).reshape(-1, 2)
    at += tuning.nbytes
    numbers = np.frombuffer(message, "<u4", count, at) + int(first)
    at += 4 * count
    which = np.frombuffer(message, "<u2", count, at)
    at += 2 * count
    levels = np.frombuffer(message, np.uint8, count * cols, at).reshape(count, cols)
    classes = np.frombuffer(message, np.uint8, count * cols, at + count * cols).reshape(count, cols)
    assert (magic, version, at + 2 * count * cols) == (MAGIC, 1, len(message))
    return {"height": height, "duration": duration, "newest": newest, "numbers": numbers,
            "tuning": tuning[which], "levels": levels, "classes": classes}  # fmt: skip


def test_a_page_is_told_changes_and_waits_for_its_answer(server):
    async def look():
        async with aiohttp.ClientSession() as session:
            feed(server, 1.0)
            page = await viewer(session, server)
            hello = await page.receive_json()
            assert hello["protocol"] == 1 and hello["source"] == "test"
            lines = read_lines(await page.receive_bytes())
            assert lines["height"] <= 500 and lines["numbers"][-1] == lines["newest"]
            assert (lines["tuning"] == (CENTER, RATE)).all()
            assert (lines["classes"][:, 30] == 1).all() and (lines["classes"][:, 0] == 0).all()
            level = hello["least_db"] + hello["level_step_db"] * lines["levels"][0, 30]
            assert level == pytest.approx(-50.0, abs=hello["level_step_db"])
            update = await page.receive_json()
            assert update["number"] == 1 and len(update["classes"]) == len(NAMES)
            assert len(base64.b64decode(update["classes"][1]["ramp"])) == 768
            await page.send_json({"type": "seen", "number": 1})
            # two updates that it does not answer, then silence, then the newest at once
            for second in (1.0, 2.0):
                feed(server, 1.0, start=second)
                seen = read_lines(await page.receive_bytes())
                last = (await page.receive_json())["number"]
            assert last == 3 and seen["newest"] * seen["duration"] < 3.0
            feed(server, 2.0, start=3.0)
            with pytest.raises(TimeoutError):
                await page.receive(timeout=0.3)
            await page.send_json({"type": "seen", "number": last})
            late = read_lines(await page.receive_bytes())
            assert (late["newest"] + 1) * late["duration"] == pytest.approx(5.0, abs=0.05)
            assert late["duration"] == seen["duration"]
            assert late["numbers"][0] >= seen["newest"] - 1

    asyncio.run(asyncio.wait_for(look(), LONG_S))


def test_only_emissions_that_changed_are_told_again(server):
    async def look():
        async with aiohttp.ClientSession() as session:
            for number in range(5):
                server.take(keys.PORT_EMISSIONS, emission(number), None)
            wait_for(server)
            page = await viewer(session, server)
            await page.receive_json()
            first = await page.receive_json()
            assert len(first["emissions"]["changed"]) == 5
            await page.send_json({"type": "seen", "number": first["number"]})
            merged = {**emission(4, keys.EVENT_END), keys.MERGED_INTO: 3}
            server.take(keys.PORT_EMISSIONS, merged, None)
            server.take(keys.PORT_EMISSIONS, emission(2, keys.EVENT_UPDATE), None)
            wait_for(server)
            changed, gone = [], []
            while not (changed and gone):
                update = await page.receive_json()
                changed += [e["burst_id"] for e in update["emissions"]["changed"]]
                gone += update["emissions"]["gone"]
            assert (changed, gone) == ([2], [4])

    asyncio.run(asyncio.wait_for(look(), LONG_S))


@pytest.mark.parametrize(
    "message",
    ["{", "[]", "7", '{"type": "tune"}', '{"type": "view"}', '{"type": "view", "span": "x"}',
     '{"type": "view", "span": 1e999, "lines": 5}', '{"type": "seen", "number": 0.5}',
     "[" * 3000],
)  # fmt: skip
def test_a_page_that_says_something_odd_is_let_go(server, message):
    async def say():
        async with aiohttp.ClientSession() as session:
            page = await viewer(session, server)
            await page.receive_json()
            await page.send_str(message)
            while (answer := await page.receive()).type is not aiohttp.WSMsgType.CLOSE:
                assert answer.type is TEXT
            assert answer.data == aiohttp.WSCloseCode.POLICY_VIOLATION
            # others are served
            assert (await (await viewer(session, server)).receive_json())["type"] == "hello"

    asyncio.run(asyncio.wait_for(say(), LONG_S))


def test_what_is_no_request_is_answered_and_leaves_no_trace(server, caplog):
    for garbage in (
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"\0" * 9000,
        b"POST / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 99999 + b"\r\n\r\n",
        b"POST /live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n12345678",
    ):
        with closing(socket.create_connection(("127.0.0.1", server.port))) as odd:
            odd.settimeout(LONG_S)
            odd.sendall(garbage)
            odd.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                assert b" 200 " not in odd.recv(1000)
    assert get(server.url)[0] == 200
    assert [record.getMessage() for record in caplog.records] == []


def test_more_pages_than_there_may_be_are_told_so(server):
    async def crowd():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            pages = [await viewer(session, server) for _ in range(routes.MOST_VIEWERS)]
            for page in pages:
                assert (await page.receive_json())["type"] == "hello"
            extra = await session.ws_connect(server.url + "live")
            answer = await extra.receive()
            assert answer.data == aiohttp.WSCloseCode.TRY_AGAIN_LATER
            assert (
                answer.extra == f"{routes.MOST_VIEWERS} pages are open already; close one of them"
            )
            async with session.get(server.url + "events") as refused:
                assert refused.status == 503
            await pages[0].close()
            while (await (await viewer(session, server)).receive()).type is not TEXT:
                await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(crowd(), LONG_S))


def test_idle_connections_do_not_use_up_the_process(server):
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MOST_CONNECTIONS)]
    try:
        with closing(socket.create_connection(("127.0.0.1", server.port))) as extra:
            extra.settimeout(LONG_S)
            assert b" 503 " in extra.recv(100)
    finally:
        for each in idle:
            each.close()
    end = time.monotonic() + LONG_S
    while get(server.url)[0] != 200 and time.monotonic() < end:
        time.sleep(0.05)
    assert get(server.url)[0] == 200


def test_a_page_that_never_reads_costs_no_memory(server):
    key = base64.b64encode(os.urandom(16)).decode()
    handshake = (
        f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    feed(server, 62.0, cols=512)
    silent = []
    for _ in range(4):
        page = socket.create_connection(("127.0.0.1", server.port))
        page.sendall(handshake.encode())
        page.sendall(masked('{"type": "view", "span": 60, "lines": 1600}'))
        silent.append(page)
    # until all of them have their first picture
    before, earlier = resident_bytes(), 0
    while before - earlier > 1e5:
        time.sleep(0.5)
        before, earlier = resident_bytes(), before
    for second in range(60):
        feed(server, 1.0, start=62.0 + second, cols=512)
        for page in silent:
            # it claims to have seen what it never read, and wants another picture all the time
            page.sendall(masked(f'{{"type": "seen", "number": {second}}}'))
            page.sendall(masked(f'{{"type": "view", "span": {40 + second % 2}, "lines": 1600}}'))
    assert resident_bytes() - before < 20e6
    # and those who read are served
    assert json.loads(get(server.url, "api/status")[1])["time"] > 120
    for page in silent:
        page.close()


def masked(text: str) -> bytes:
    """A text as a websocket's frame from a client, with a mask of zeros."""
    assert len(text) < 126
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text.encode()


def test_the_flowgraph_is_never_held_up():
    intake = Intake()
    power = np.full(20 * COLS, -90.0, np.float32)
    feed_one = (keys.PORT_FRAMES, frame(0.0), power)
    with intake.state._changes.reading():  # as a page's request that takes its time
        begin = time.monotonic()
        for _ in range(1000):
            intake.take(*feed_one)
        assert time.monotonic() - begin < LONG_S / 4
        assert intake.skipped >= 1000 - MOST_PICTURES - MOST_WAITING - 2
    intake.close()
    assert intake.state.snapshot(1.0).newest is not None


def test_a_message_that_does_not_fit_is_counted_and_the_rest_goes_on(server):
    server.take(keys.PORT_FRAMES, {"nonsense": 1}, np.zeros(3, np.float32))
    server.take(keys.PORT_EMISSIONS, emission(1), None)
    wait_for(server)
    assert len(json.loads(get(server.url, "api/emissions")[1])) == 1
    assert json.loads(get(server.url, "api/status")[1])["skipped"] == 1


def test_the_end_takes_a_moment_with_pages_open():
    async def leave():
        with ViewServer("0") as server:
            async with aiohttp.ClientSession() as session:
                pages = [await viewer(session, server) for _ in range(4)]
                stream = await session.get(server.url + "events")
                begin = time.monotonic()
                await asyncio.to_thread(server.close)
                assert time.monotonic() - begin < LONG_S / 4
                for page in pages:
                    while (message := await page.receive()).type is not aiohttp.WSMsgType.CLOSE:
                        pass
                    assert message.data == aiohttp.WSCloseCode.GOING_AWAY
                stream.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            async with aiohttp.ClientSession() as session:
                await session.get(server.url)

    asyncio.run(asyncio.wait_for(leave(), LONG_S))


def wait_for(server) -> None:
    """Until the server has taken what it was given."""
    while server.intake.waiting:
        time.sleep(1e-3)
    time.sleep(0.06)
