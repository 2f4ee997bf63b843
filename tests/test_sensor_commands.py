# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm serve`` and ``radiofm sensor`` as a user runs them, with a model of levels."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys

import pytest
from level_model import make_level_bundle, two_carriers, write_recording
from radiofm_command import radiofm, start_radiofm

from radiofm_core.events.schema import event_validator
from radiofm_net.curve_keys import make_sensor_keys, make_server_keys

LONG_S = 120.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Keys, a model, a recording of 1.5 s."""
    path = tmp_path_factory.mktemp("sensors")
    make_server_keys(path / "keys")
    for name in ("roof", "barn", "stranger"):
        make_sensor_keys(path / "keys", name)
    (path / "keys" / "sensors" / "stranger.key").unlink()
    make_level_bundle(path / "level.pt")
    write_recording(path / "two", two_carriers(1.5))
    return path


def line_with(stream, text: str) -> str:
    """The next line with ``text`` in it."""
    seen = b""
    # byte by byte: of what lies in a buffer neither select nor communicate knows
    while select.select([stream], [], [], LONG_S)[0]:
        byte = os.read(stream.fileno(), 1)
        seen += byte
        if not byte or (byte == b"\n" and text.encode() in seen.splitlines()[-1]):
            break
    line = seen.decode().splitlines()[-1] if seen else ""
    assert text in line, seen.decode()
    return line


@pytest.fixture(scope="module")
def run(folder):
    """A server, the sensors that were run on it, and what came of it all."""
    server = start_radiofm(
        *("serve", "--keys", folder / "keys", "--listen", "tcp://127.0.0.1:0"),
        *("--model", folder / "level.pt", "--threads", "1", "--output", f"jsonl={folder / 'out'}"),
    )
    try:
        line = line_with(server.stderr, "listening at")
        address = line.split("listening at ")[1].split()[0]
        sensors = {
            name: radiofm("sensor", *_options(folder, address, name), *more)
            for name, more in (
                ("roof", ("--json",)),
                ("barn", ("--send", "events", "--model", folder / "level.pt")),
                ("stranger", ()),
            )
        }
    finally:
        server.send_signal(signal.SIGINT)
        out, told = server.communicate(timeout=LONG_S)
    lines = (folder / "out" / "events.jsonl").read_text().splitlines()
    return server, sensors, [json.loads(line) for line in lines], out, told


def _options(folder, address, name) -> tuple:
    return (
        *("--source", f"file={folder / 'two.sigmf-meta'}", "--server", address),
        *("--keys", folder / "keys" / f"{name}.key_secret"),
    )


def test_all_end_well(run):
    server, sensors, _, _, told = run
    assert server.returncode == 0, told
    for name in ("roof", "barn"):
        assert sensors[name].returncode == 0, sensors[name].stderr


def test_the_emissions_are_those_of_the_recording_whoever_judges_them(run):
    _, _, events, out, _ = run
    for name in ("roof", "barn"):
        ends = [
            event
            for event in events
            if event["type"] == "emission"
            and event["event"] == "end"
            and event["receiver"]["name"] == name
            and event["bandwidth"] > 3e5
        ]
        found = {event["label"]: event for event in ends}
        assert set(found) == {"lte", "nr"}
        for label, center, start, length in (
            ("lte", 1.8e9 - 450e3, 0.0, 1.5),
            ("nr", 1.8e9 + 550e3, 0.375, 0.75),
        ):
            event = found[label]
            assert event["center_frequency"] == pytest.approx(center, abs=16e3)
            assert event["bandwidth"] == pytest.approx(500e3, abs=16e3)
            # a machine that is too slow drops frames
            assert event["start_time"] > start - 0.01
            assert event["start_time"] + event["duration"] < start + length + 0.02
            assert event["latency"] >= 0
    assert [line.split()[0] for line in out.splitlines() if " end " in line].count("roof") >= 2


def test_events_are_as_the_schema_says_and_each_receiver_has_a_run_of_its_own(run):
    _, _, events, _, _ = run
    runs = {}
    for event in events:
        event_validator().validate(event)
        runs.setdefault(event["run"], []).append(event)
    names = {own[0]["receiver"]["name"] for own in runs.values()}
    assert {"roof", "barn"} < names
    for own in runs.values():
        assert [event["sequence"] for event in own] == list(range(1, len(own) + 1))
        assert (own[0]["type"], own[0]["event"]) == ("run", "start")
        assert (own[-1]["type"], own[-1]["event"]) == ("run", "end")


def test_every_frame_is_counted_on_both_sides(run):
    _, sensors, events, _, told = run
    last = json.loads(sensors["roof"].stdout.splitlines()[-1])
    status = [e for e in events if e["type"] == "status" and e["receiver"]["name"] == "roof"][-1]
    assert last["made"] == last["judged"] + sum(last["dropped"].values())
    assert status["made"] == last["made"] > 70
    assert status["frames"] == last["judged"]
    assert status["dropped_by"] == last["dropped"]
    assert f"{last['made']} made, {last['judged']} taken by the server" in sensors["roof"].stderr
    assert f"roof: {status['frames']} frames judged" in told


def test_a_sensor_with_an_unknown_key_ends_in_one_line_and_the_server_tells_it(run):
    _, sensors, _, _, told = run
    assert sensors["stranger"].returncode == 2
    errors = [line for line in sensors["stranger"].stderr.splitlines() if "error:" in line]
    assert len(errors) == 1
    assert "does not know this sensor's key; copy the public key stranger.key" in errors[0]
    assert told.count("refused a sensor at 127.0.0.1") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("serve", "--keys", "{}/none"), "radiofm keys new"),
        (("serve", "--keys", "{}/keys", "--listen", "udp://x"), "expected an address such as"),
        (("serve", "--keys", "{}/keys", "--listen", "{taken}"), "the port is in use"),
        (("serve", "--keys", "{}/keys", "--window", "0"), "window"),
        (("sensor", "--keys", "{}/none", "--server", "tcp://127.0.0.1:1"), "expected the file"),
        (
            ("sensor", "--keys", "{}/keys/roof.key_secret", "--server", "here"),
            "expected an address",
        ),
        (("keys", "new", "{}/keys", "../roof"), "expected a name"),
    ],
)
def test_bad_input_is_one_clear_line(folder, arguments, told):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        words = [word.replace("{taken}", address).replace("{}", str(folder)) for word in arguments]
        if words[0] == "sensor":
            words += ["--source", f"file={folder / 'two.sigmf-meta'}"]
        if words[0] == "serve":
            words += ["--model", str(folder / "level.pt")]
        done = radiofm(*words)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("radiofm: error:")]
    assert len(lines) == 1 and told in lines[0], done.stderr
    assert "Traceback" not in done.stderr


def test_a_sensor_that_sends_frames_imports_no_pytorch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import radiofm_cli.commands.sensor, radiofm_net.sensor_link\n"
        "import gnuradio.radiofm.sensor_flowgraph, gnuradio.radiofm.reconnecting.source\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
