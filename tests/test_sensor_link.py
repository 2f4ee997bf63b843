# SPDX-License-Identifier: GPL-3.0-or-later
"""A sensor's link and a server's hub on real sockets: who may send, what comes, what is counted."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict

import pytest
import zmq
from event_brokers import free_port

from radiofm_core import keys
from radiofm_core.errors import RadiofmError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_net import protocol
from radiofm_net.curve_keys import make_sensor_keys, make_server_keys, read_sensor_keys
from radiofm_net.hub import Hub
from radiofm_net.link_socket import LinkSocket
from radiofm_net.sensor_link import SensorLink

SPEC = SpectrogramSpec()
# The machine that tests run on may be full (s)
LONG_S = 120.0


class Server:
    """A hub whose frames are judged when the test says so."""

    def __init__(self, folder, address="tcp://127.0.0.1:0", spec=SPEC, **options):
        self.told: list[str] = []
        self.changes: list[tuple[str, str]] = []
        self.taken: dict[str, list[int]] = defaultdict(list)
        self.judges = True
        self.hub = Hub(
            *(address, folder, spec, "none", self._take, self._change, self.told.append),
            **options,
        )
        self.hub.start()

    @property
    def address(self) -> str:
        return self.hub.address

    def _take(self, session, kind, fields, parts) -> int:
        self.taken[session.name].append(fields[protocol.SEQUENCE])
        if self.judges:
            session.judged(session.latency(fields.get(protocol.CAPTURED)))
        return 0

    def _change(self, session, what, why) -> None:
        self.changes.append((session.name, what))

    def session(self, name="roof"):
        return next(each for each in self.hub.sensors if each.name == name)


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch):
    """A sensor that was refused asks again soon."""
    monkeypatch.setattr("radiofm_net.sensor_link.REFUSED_PAUSE_S", 0.2)


@pytest.fixture
def folder(tmp_path):
    make_server_keys(tmp_path / "keys")
    for name in ("roof", "barn"):
        make_sensor_keys(tmp_path / "keys", name)
    return tmp_path / "keys"


@pytest.fixture
def ends():
    """Whatever is put into it is closed at the end."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(folder, ends):
    def start(**options) -> Server:
        server = Server(folder, **options)
        ends.callback(server.hub.stop)
        return server

    return start


@pytest.fixture
def connect(folder, ends):
    def start(address, path=None, name="roof", capacity=100, **hello) -> SensorLink:
        told: list[str] = []
        described = {
            protocol.SENDS: protocol.FRAME,
            keys.SAMPLE_RATE: 1.92e6,
            keys.CENTER_FREQUENCY: 1e9,
            **hello,
        }
        link = SensorLink(
            *(address, read_sensor_keys(path or folder / f"{name}.key_secret")),
            *(lambda: described, capacity, told.append),
            longest_wait=LONG_S,
        )
        link.told = told
        ends.callback(link.close, 0.0)
        return link

    return start


def until(is_so, what: str) -> None:
    end = time.monotonic() + LONG_S
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def put(link: SensorLink, count: int) -> None:
    for _ in range(count):
        link.put(protocol.FRAME, {protocol.CAPTURED: time.time()}, [b"x" * 1000])


def failure(link: SensorLink) -> RadiofmError:
    with pytest.raises(RadiofmError) as error:
        link.wait_welcome(LONG_S)
    return error.value


def test_frames_come_once_each_in_order_and_both_sides_count_them(serve, connect):
    server = serve()
    link = connect(server.address, capacity=1000)
    welcome = link.wait_welcome(LONG_S)
    assert SpectrogramSpec.from_dict(welcome[protocol.SPEC]) == SPEC
    put(link, 200)
    link.close(LONG_S)
    made, judged, dropped, left = link.buffer.counts()
    assert (made, judged, sum(dropped.values()), left) == (200, 200, 0, 0)
    assert server.taken["roof"] == list(range(200))
    until(lambda: ("roof", "ended") in server.changes, "the end is told")
    session = server.session()
    assert session.done()[protocol.JUDGED] == session.made == 200
    assert 0 <= session.latencies()[0] <= session.latencies()[1] < LONG_S


def test_no_more_frames_are_under_way_than_the_window(serve, connect):
    server = serve(window=5)
    server.judges = False
    link = connect(server.address)
    put(link, 20)
    until(lambda: len(server.taken["roof"]) == 5, "five are sent")
    time.sleep(0.3)
    assert server.taken["roof"] == list(range(5))
    server.judges = True
    for _ in range(5):
        server.session().judged(None)
    until(lambda: link.buffer.counts()[1] == 20, "the others follow")
    assert server.taken["roof"] == list(range(20))


def test_a_key_that_the_server_does_not_know_is_refused_in_one_line_on_both_sides(
    serve, connect, folder, tmp_path
):
    server = serve()
    (folder / "sensors" / "roof.key").unlink()
    error = failure(connect(server.address))
    assert isinstance(error, UsageError)
    assert "does not know this sensor's key" in str(error)
    until(lambda: server.told, "the server tells it")
    assert len(server.told) == 1
    assert "refused a sensor at 127.0.0.1" in server.told[0]
    assert server.hub.refused == {"connections": 1}
    assert server.hub.sensors == []


def test_another_servers_key_is_told_in_one_line_on_both_sides(serve, connect, tmp_path):
    server = serve()
    make_server_keys(tmp_path / "other")
    path = make_sensor_keys(tmp_path / "other", "roof")
    error = failure(connect(server.address, path))
    assert "is not `radiofm serve` with the server-key" in str(error)
    until(lambda: server.told, "the server tells it")
    assert len(server.told) == 1
    assert "it had not this server's key" in server.told[0]


def test_what_is_no_server_of_ours_is_told(connect, ends):
    context = zmq.Context()
    other = context.socket(zmq.ROUTER)
    ends.callback(context.destroy, 0)
    port = other.bind_to_random_port("tcp://127.0.0.1")
    assert "is not `radiofm serve`" in str(failure(connect(f"tcp://127.0.0.1:{port}")))


def test_who_shows_no_key_is_not_heard(serve, ends):
    server = serve()
    context = zmq.Context()
    ends.callback(context.destroy, 0)
    stranger = context.socket(zmq.DEALER)
    stranger.connect(server.address)
    stranger.send_multipart(protocol.pack(protocol.HELLO, {protocol.PROTOCOL: 1}))
    until(lambda: server.hub.refused.get("connections"), "it is refused")
    assert not stranger.poll(300)
    assert server.hub.sensors == []


@pytest.mark.parametrize(
    ("hello", "told"),
    [
        ({keys.SAMPLE_RATE: 1.0}, "outside the model's range"),
        ({keys.SAMPLE_RATE: "fast"}, "no sample rate"),
        ({keys.CENTER_FREQUENCY: None}, "no center frequency"),
        ({protocol.SENDS: "poems"}, "expected frame or event"),
        ({protocol.FINGERPRINT: "0123456789abcdef"}, "spectrogram spec 0123456789abcdef"),
    ],
)
def test_a_receiver_that_does_not_fit_the_model_is_refused_on_both_sides(
    serve, connect, hello, told
):
    server = serve()
    error = failure(connect(server.address, **hello))
    assert told in str(error)
    assert len(server.told) == 1 and told in server.told[0]
    assert server.hub.sensors == []


def test_a_sensor_of_another_version_is_refused_on_both_sides(serve, connect, monkeypatch):
    server = serve()
    monkeypatch.setattr("radiofm_net.sensor_link.OWN_PROTOCOL", 99)
    error = failure(connect(server.address))
    for line in (str(error), server.told[0]):
        assert "version 99 of the protocol" in line and "this server version 1" in line


def test_two_sensors_with_one_key_are_one_too_many_until_the_first_has_gone(serve, connect):
    server = serve()
    first = connect(server.address)
    first.wait_welcome(LONG_S)
    second = connect(server.address)
    until(lambda: server.told, "the server tells it")
    assert "another sensor at 127.0.0.1 sends with this key" in server.told[0]
    assert second.wait_welcome(0.1) is None
    first.close(0.0)
    assert second.wait_welcome(LONG_S) is not None


def test_a_key_that_is_taken_away_ends_it_and_one_that_comes_back_lets_it_in(
    serve, connect, folder
):
    server = serve()
    link = connect(server.address)
    link.wait_welcome(LONG_S)
    path = folder / "sensors" / "roof.key"
    text = path.read_text()
    path.unlink()
    until(lambda: not link.is_linked, "the link ends")
    put(link, 3)
    until(lambda: "does not know" in link.told[-1], "and stays down")
    assert server.taken["roof"] == []
    path.write_text(text)
    until(lambda: server.taken["roof"] == [0, 1, 2], "what waited comes")


def test_a_server_that_is_killed_and_started_again_gets_what_was_not_judged(
    serve, connect, folder, ends
):
    address = f"tcp://127.0.0.1:{free_port()}"
    first = serve(address=address)
    link = connect(address)
    put(link, 10)
    until(lambda: link.buffer.counts()[1] == 10, "ten are judged")
    first.judges = False
    put(link, 10)
    until(lambda: len(first.taken["roof"]) == 18, "eight are under way")
    first.hub.stop()
    until(lambda: not link.is_linked, "the sensor sees it")
    second = serve(address=address)
    until(lambda: link.buffer.counts()[1] == 20, "the rest is judged")
    assert second.taken["roof"] == list(range(10, 20))
    assert link.buffer.of_this_server()[protocol.JUDGED] == 10


def test_a_server_that_falls_silent_is_connected_to_again_and_nothing_comes_twice(
    serve, connect, monkeypatch
):
    monkeypatch.setattr(protocol, "SILENCE_S", 1.5)
    server = serve()
    link = connect(server.address)
    put(link, 5)
    until(lambda: link.buffer.counts()[1] == 5, "five are judged")
    # what it would send goes astray, as on a line that is cut
    send, server.hub._send = server.hub._send, lambda *message: None
    put(link, 5)
    until(lambda: not link.is_linked, "the sensor sees it")
    server.hub._send = send
    until(lambda: link.buffer.counts()[1] == 10, "all are judged")
    assert server.taken["roof"] == list(range(10))


def test_without_a_server_it_waits_and_drops_what_finds_no_place(connect, serve):
    address = f"tcp://127.0.0.1:{free_port()}"
    link = connect(address, capacity=10)
    put(link, 25)
    assert link.buffer.counts()[2][protocol.NETWORK] == 15
    server = serve(address=address)
    until(lambda: link.buffer.counts()[1] == 10, "the last ten come")
    assert server.taken["roof"] == list(range(15, 25))


def test_a_sensor_that_goes_without_a_word_ends_after_a_while(serve, connect, monkeypatch):
    monkeypatch.setattr(protocol, "SILENCE_S", 1.0)
    server = serve(gone_after=2.0)
    link = connect(server.address)
    link.wait_welcome(LONG_S)
    # as if it were killed: no last word
    link._send = lambda *message: None
    link.close(0.0)
    until(lambda: ("roof", "ended") in server.changes, "it has ended")
    assert [what for _, what in server.changes] == ["found", "lost", "ended"]


def test_clocks_are_compared_and_both_sides_know(serve, connect):
    server = serve()
    link = connect(server.address)
    until(lambda: link.clock.round_trip is not None, "times are exchanged")
    until(lambda: server.hub.sensors and server.session().round_trip is not None, "and told")
    # one clock
    assert abs(link.clock.offset) <= link.clock.round_trip
    assert server.session().clock_offset == pytest.approx(link.clock.offset, abs=1.0)


@pytest.mark.parametrize(
    "message",
    [
        [b"frame"],
        [b"frame", b"{"],
        [b"frame", b"[]"],
        [b"frame", b"{}"],
        [b"frame", b'{"sequence": -1}'],
        [b"frame", b'{"sequence": "many"}', b"x"],
        [b"ping", b'{"made": 1e999}'],
        [b"ping", b'{"network": -5}'],
        [b"poem", b"{}"],
        [b"\xff\xff", b"{}"],
        [b"frame", b"[" * 100_000],
        [b"ping", b'{"made": 1' + b" " * 100_000 + b"}"],
    ],
)
def test_a_message_that_is_none_is_counted_and_the_next_one_is_taken(serve, folder, ends, message):
    server = serve()
    own = read_sensor_keys(folder / "roof.key_secret")
    context = zmq.Context()
    ends.callback(context.destroy, 0)
    link = LinkSocket(context, server.address, own)
    ends.callback(link.close)
    hello = {
        protocol.PROTOCOL: protocol.VERSION,
        protocol.SESSION: "one",
        protocol.SENDS: protocol.FRAME,
        keys.SAMPLE_RATE: 1.92e6,
        keys.CENTER_FREQUENCY: 1e9,
    }
    link.send(protocol.pack(protocol.HELLO, hello))
    until(lambda: server.hub.sensors, "it is let in")
    link.send(message)
    until(lambda: server.hub.refused.get("messages") == 1, "it is counted")
    link.send(protocol.pack(protocol.FRAME, {protocol.SEQUENCE: 0}))
    until(lambda: server.taken["roof"] == [0], "the next one is taken")
    assert len(server.told) == 1


def test_a_port_in_use_and_addresses_that_are_none_are_told(serve, folder, connect):
    server = serve()
    with pytest.raises(UsageError, match="the port is in use"):
        Server(folder, server.address)
    for address in ("tcp://127.0.0.1", "udp://127.0.0.1:1", "tcp://:5", "tcp://h:99999", "x"):
        with pytest.raises(UsageError, match="expected an address such as"):
            Server(folder, address)
        with pytest.raises(UsageError, match="expected an address such as"):
            connect(address)
    with pytest.raises(UsageError, match=r"--listen tcp://192\.0\.2\.1:5600"):
        Server(folder, "tcp://192.0.2.1:5600")
