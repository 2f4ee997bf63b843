# SPDX-License-Identifier: GPL-3.0-or-later
"""``radiofm watch`` as it runs for weeks: options from a file, sweeps, bursts, a service."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from event_brokers import free_port, until
from level_model import band, make_level_bundle, two_carriers, write_recording
from pretend_radio import Radio
from radiofm_command import assert_one_line_error, radiofm, start_radiofm

from radiofm_cli.command import build_parser, run
from radiofm_cli.config_file import config_text, parse_arguments
from radiofm_cli.sensing.loop import SensorLoop
from radiofm_cli.watching import health
from radiofm_cli.watching.service import Service
from radiofm_core.errors import RadiofmError
from radiofm_core.events.schema import event_validator

SERVICE = Path(__file__).parent.parent / "service"
INSTALLED = Path(sys.prefix) / "share/radiofm"
LTE, NR = 1.8e9, 2.4e9


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_level_bundle(tmp_path_factory.mktemp("models") / "level.pt")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    return write_recording(folder / "two", np.tile(two_carriers(0.3), 5))


@pytest.fixture
def radio(monkeypatch):
    noise = 1e-3 * np.random.default_rng(1).standard_normal((60_000, 2)) @ (1, 1j)
    made = Radio(
        {
            LTE: (noise + band(len(noise), -700e3, -200e3, 0.1, 1)).astype(np.complex64),
            NR: (noise + band(len(noise), 300e3, 800e3, 0.1, 2)).astype(np.complex64),
            None: noise.astype(np.complex64),
        }
    )
    made.install(monkeypatch)
    return made


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "watch.yaml"
        path.write_text(text)
        return path

    return write


# Options from a file


def test_a_file_holds_the_options_and_the_command_line_goes_before(recording, model, config):
    path = config(f"source: file={recording}\nmodel: {model}\njson: true\nduration: 1ms\n")
    done = radiofm("watch", "--config", path, "--duration", "60s")
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["label"] for line in done.stdout.splitlines()} >= {"lte"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sampel-rate: 2M", ("unknown key 'sampel-rate'", "'sample-rate'")),
        ("sample-rate: fast", ("sample-rate: expected a", "'fast'")),
        ("sample-rate: [1M, 2M]", ("sample-rate: expected a single value, got a list",)),
        ("json: perhaps", ("json: expected true or false, got 'perhaps'",)),
        ("precision: fp64", ("precision: expected one of auto, fp32, bf16",)),
        ("threads: -1", ("threads: expected a non-negative integer, got '-1'",)),
        ("- source", ("expected lines such as 'sample-rate: 2.4M', got a list",)),
        ("a: [", ("is no YAML",)),
        ("config: other.yaml", ("unknown key 'config'",)),
        ("gain: loud", ("gain: expected a gain in dB", "'loud'")),
        ("sweep: [1G, 2G:soon]", ("sweep: expected a time", "'soon'")),
        ("duty: 110%", ("duty: expected a part of the time", "'110%'")),
        ("output: [jsonl]", ("jsonl",)),
        ("fail-after: always", ("fail-after: expected a time", "'always'")),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line(config, model, text, words):
    rest = "" if text.startswith(("-", "a:")) else f"\nsource: zmq=tcp://x:1\nmodel: {model}\n"
    rest += "" if "sample-rate" in text or not rest else "sample-rate: 2M\n"
    assert_one_line_error(radiofm("watch", "--config", config(text + rest)), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sweep", "1G"), ("--sweep is for receivers",)),
        (("--every", "1s", "--for", "2s"), ("--every 1 s is not longer than a burst of 2 s",)),
        (("--every", "5s", "--duty", "10%"), ("--duty and --every: give one",)),
        (("--for", "1s"), ("--for needs --every or --duty",)),
        (("--settle", "1s"), ("--settle is for --sweep",)),
        (("--antenna", "RX"), ("antenna 'RX' is for receivers",)),
        (("--duty", "10%", "--for", "1h"), ("expected a time above 0 s", "'1h'")),
        (("--duty", "10%", "--for", "9000s"), ("do not fit into memory",)),
    ],
)
def test_options_that_do_not_go_together_are_one_line(model, arguments, words):
    given = ("--source", "zmq=tcp://127.0.0.1:1", "--sample-rate", "2M", "--model", model)
    assert_one_line_error(radiofm("watch", *given, *arguments), *words)


def test_a_file_that_is_not_there_is_one_line():
    assert_one_line_error(radiofm("watch", "--config", "/nowhere/x.yaml"), "/nowhere/x.yaml")


def test_what_is_in_force_is_printed_and_can_be_read_again(config, tmp_path):
    text = (SERVICE / "watch.yaml").read_text()
    # also what the example leaves out
    text = re.sub(r"^#(?=[a-z]|  - )", "", text, flags=re.M)
    asked = yaml.safe_load(text) | {"http-token": "secret" * 4, "json": True}
    path = config(yaml.safe_dump(asked))
    done = radiofm("watch", "--config", path, "--print-config", "--gain", "LNA=16,VGA=20")
    assert done.returncode == 0, done.stderr
    assert "secret" not in done.stdout
    printed = yaml.safe_load(done.stdout)
    assert printed["gain"] == "LNA=16,VGA=20" and printed["fail-after"] == "never"
    (tmp_path / "again.yaml").write_text(done.stdout)
    options = parse_arguments(build_parser(), ["watch", "--config", str(tmp_path / "again.yaml")])
    command = next(a for a in build_parser()._actions if a.choices and "watch" in a.choices)
    assert config_text(command.choices["watch"], options) == done.stdout


def test_live_activities_take_a_file_too(config, capfd):
    path = config("live: nexmon=5500\nmac: 00:11:22:aa:bb:cc\nsmoothing: 4\n")
    assert run(["activity", "--config", str(path), "--smoothing", "2", "--print-config"]) == 0
    printed = yaml.safe_load(capfd.readouterr().out)
    assert printed["live"] == "nexmon=5500" and printed["smoothing"] == 2
    assert run(["activity", "--config", str(config("life: nexmon=5500\n"))]) == 2
    assert "did you mean 'live'?" in capfd.readouterr().err


# (least number of options in it, what the unit gives beside the file) by command
SERVICES = {"watch": (15, []), "sensor": (12, ["--keys", "x"]), "serve": (8, ["--keys", "x"])}


@pytest.mark.parametrize("name", SERVICES)
def test_every_option_of_the_example_is_one(name, config, capfd):
    path, (least, given) = SERVICE / f"{name}.yaml", SERVICES[name]
    lines = path.read_text().splitlines()
    named = {m[1] for line in lines if (m := re.match(r"#?([a-z-]+):", line))}
    command = next(a for a in build_parser()._actions if a.choices and name in a.choices)
    known = {option for a in command.choices[name]._actions for option in a.option_strings}
    assert {f"--{option}" for option in named} <= known and len(named) >= least
    assert run([name, "--config", str(path), *given, "--print-config"]) == 0
    # also what is commented out has values that are taken
    text = re.sub(r"^#(?=[a-z-]+:)", "", path.read_text(), flags=re.M)
    if name != "watch":
        assert run([name, "--config", str(config(text)), *given, "--print-config"]) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("page", "name"), [("headless", "watch"), ("sensors", "sensor")])
def test_the_page_shows_the_example(page, name):
    text = (SERVICE.parent / f"docs/{page}.md").read_text()
    assert f"```yaml\n{(SERVICE / f'{name}.yaml').read_text()}```" in text


# Sweeps and bursts


def test_each_round_of_a_sweep_is_a_line_by_centre(radio, model, tmp_path, capfd):
    sweep = "1.8G:100ms,2.4G-3G/600M:100ms"
    given = ["--source", "soapy=driver=pretend", "--sample-rate", "1.92M", "--model", str(model)]
    output = ["--output", f"jsonl={tmp_path}", "--sweep", sweep, "--every", "0.5s"]
    assert run(["watch", *given, *output, "--duration", "5s", "--settle", "30ms"]) == 0
    told = [line for line in capfd.readouterr().err.splitlines() if "round " in line]
    assert len(told) >= 2
    for number, line in enumerate(told, 1):
        assert f"round {number}: 1800 MHz 1 LTE; 2400 MHz 1 NR; 3000 MHz nothing" in line
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    written = sorted(map(json.loads, lines), key=lambda event: event["sequence"])
    events = [event for event in written if event["type"] == "emission"]
    found = {(e["label"], e["receiver"]["center_frequency"]) for e in events}
    assert found == {("lte", LTE), ("nr", NR)}
    rounds = [event for event in written if event["type"] == "round"]
    assert [event["round"] for event in rounds] == list(range(1, len(told) + 1))
    for event in rounds:
        event_validator().validate(event)
        centers = [(each["center_frequency"], each["emissions"]) for each in event["centers"]]
        assert centers == [(LTE, {"lte": 1}), (NR, {"nr": 1}), (3e9, {})]
        # 100 ms have five frames of 20 ms, the last one may be cut
        assert all(4 <= each["frames"] <= 6 for each in event["centers"])
    ends = [event["sequence"] for event in events if event["event"] == "end"]
    assert min(ends) < rounds[0]["sequence"]


def test_a_slow_host_judges_bursts_whole(radio, model, capfd):
    given = ["--source", "soapy=driver=pretend", "--sample-rate", "1.92M", "--model", str(model)]
    burst = ["--center-frequency", "1.8G", "--duty", "30%", "--for", "300ms"]
    assert run(["watch", *given, *burst, "--duration", "3s"]) == 0
    out, errors = capfd.readouterr()
    assert ", 30 % of the time, with" in errors and ", 0 dropped" in errors
    starts, ends = out.count("start "), out.count("end ")
    assert starts == ends >= 2
    # bursts of 300 ms have frames of 20 ms
    frames = int(re.search(r"(\d+) frames segmented", errors)[1])
    assert frames >= 2 * 14


# Sources


def test_a_publisher_that_never_was_is_said_and_given_up(model):
    source = f"zmq=tcp://127.0.0.1:{free_port()}"
    given = ("--source", source, "--sample-rate", "1.92M", "--model", model)
    done = radiofm("watch", *given, "--lost-after", "0.5s", "--fail-after", "1s")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert f"no samples from {source} for 0 s" in done.stderr or "for 1 s" in lines[1]
    assert lines[-1].startswith(f"radiofm: error: {source}: given up after ")


# A service


MARK = "no message of a service"


class Notified:
    """A socket as systemd's; ``got``: what was told, in order, as it is read on a thread."""

    def __init__(self, monkeypatch, address: str, watchdog_s: float = 0.0):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(0.1)
        self.got: list[str] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        monkeypatch.setenv("NOTIFY_SOCKET", address.replace("\0", "@"))
        monkeypatch.setenv("WATCHDOG_USEC", str(round(watchdog_s * 1e6)))

    def _read(self):
        while not self._ending.is_set():
            try:
                self.got.append(self._socket.recv(4096).decode())
            except TimeoutError:
                continue

    def settle(self) -> int:
        """How many messages were sent so far: all of them are in ``got``."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(MARK.encode(), self._socket.getsockname())
        until(lambda: MARK in self.got, "what was told is read")
        self.got.remove(MARK)
        return len(self.got)

    def close(self):
        self.settle()
        self._ending.set()
        self._thread.join()
        self._socket.close()


@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_systemd_is_told_how_it_does(monkeypatch, tmp_path, recording, model, kind):
    address = str(tmp_path / "notify") if kind == "file" else f"\0radiofm-test-{free_port()}"
    systemd = Notified(monkeypatch, address, watchdog_s=1.0)
    running = start_radiofm("watch", "--source", f"file={recording}", "--model", model)
    _, errors = running.communicate(timeout=300)
    systemd.close()
    assert running.returncode == 0, errors
    assert systemd.got[0] == "READY=1" and systemd.got[-1] == "STOPPING=1"
    assert systemd.got.count("WATCHDOG=1") >= 2
    assert any(re.fullmatch("STATUS=.*(frames segmented|no frame yet).*", m) for m in systemd.got)


def test_the_watchdog_starves_when_a_run_is_stuck(monkeypatch, tmp_path):
    systemd = Notified(monkeypatch, str(tmp_path / "notify"), watchdog_s=0.03)
    is_well = True
    service = Service(lambda: is_well)
    for state in (True, False):
        is_well = state
        before = systemd.settle()
        for _ in range(10):
            service.look(lambda: "x")
            time.sleep(0.02)
        news = systemd.got[before : systemd.settle()]
        assert ("WATCHDOG=1" in news) == state
    systemd.close()


def test_health_sees_frames_advance_a_model_that_hangs_and_a_source_that_nobody_looks_after(
    monkeypatch,
):
    monkeypatch.setattr(health, "STUCK_S", 0.2)
    flowgraph, source = _Flowgraph(), _Source()
    watched = health.Health(flowgraph, source)
    flowgraph.framed = flowgraph.done = 5
    assert watched.is_well()
    time.sleep(0.3)
    assert watched.is_well()  # nothing to do
    flowgraph.framed = 9
    for _ in range(3):
        flowgraph.done += 1
        time.sleep(0.15)
        assert watched.is_well()  # slow, but on
    time.sleep(0.3)
    assert not watched.is_well()
    flowgraph.done = 9
    assert watched.is_well()
    source.beat -= 100.0
    assert not watched.is_well()


@pytest.mark.parametrize("has_source", [True, False])
def test_health_of_a_sensor_sees_a_link_that_failed_and_a_source_that_nobody_looks_after(
    has_source,
):
    source = _Source() if has_source else None
    loop = SensorLoop(_Link(), None, source, "", False, None)
    if has_source:
        # the server is waited for, the source was not started yet
        source.beat -= 100.0
    assert loop.is_well()
    loop._is_running = True
    assert loop.is_well() != has_source
    if has_source:
        source.beat = time.monotonic()
        assert loop.is_well()
    loop._link.failure = RadiofmError("refused")
    assert not loop.is_well()


class _Link:
    """What the loop of a sensor asks of its link."""

    failure = None


class _Flowgraph:
    """What Health asks of a flowgraph."""

    framed = done = 0

    @property
    def segmenter(self):
        return self

    @property
    def framer(self):
        return self

    def status(self):
        return {"frames": self.done, "dropped": 0}

    def frames(self):
        return self.framed

    def nitems_read(self, port):
        return 0


class _Source:
    """What Health asks of a source."""

    def __init__(self):
        self.beat = time.monotonic()
        self.pipe = self

    def waiting(self):
        return 0


def test_sigterm_is_a_clean_end(model, tmp_path):
    recording = write_recording(tmp_path / "x", np.tile(two_carriers(0.5), 40))
    output = f"jsonl={tmp_path / 'events'}"
    given = ("--source", f"file={recording}", "--model", model, "--output", output)
    running = start_radiofm("watch", *given)
    while "watching" not in running.stderr.readline():
        assert running.poll() is None
    time.sleep(1.0)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 0 and "Traceback" not in errors
    text = "".join(p.read_text() for p in sorted((tmp_path / "events").glob("*.jsonl*")))
    last = max(map(json.loads, text.splitlines()), key=lambda event: event["sequence"])
    assert (last["type"], last["event"], last["reason"]) == ("run", "end", "stopped")


@pytest.mark.parametrize("name", SERVICES)
def test_the_unit_is_one_that_systemd_takes(name):
    unit = INSTALLED / f"radiofm-{name}@.service"
    text = unit.read_text()
    assert "@CMAKE" not in text and "@RADIOFM" not in text
    command = re.search(rf"^ExecStart=(\S+) {name} --config", text, re.M)[1]
    assert Path(command).is_file()
    for line in ("Type=notify", "WatchdogSec=90", "DynamicUser=yes", "ProtectSystem=strict"):
        assert f"\n{line}\n" in text
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
