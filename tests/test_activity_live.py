# SPDX-License-Identifier: GPL-3.0-or-later
"""`radiofm activity --live`: packets as they come, a source that goes and comes back, events."""

from __future__ import annotations

import json
import os
import pty
import signal
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import csi_files as files
import pytest
from csi_walk import STILL, WALKING, scene, write_npz
from event_brokers import until
from motion_model import make_motion_bundle
from radiofm_command import assert_one_line_error, radiofm, read_one_line, start_radiofm

from radiofm_core.csi.live.opening import live_csi
from radiofm_core.csi.live.recorded import RecordedSource
from radiofm_core.errors import UsageError
from radiofm_core.events.schema import event_validator


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return make_motion_bundle(tmp_path_factory.mktemp("model") / "motion.pt")


@pytest.fixture
def capture(tmp_path) -> Path:
    """Three seconds: still, then somebody walks."""
    packets = scene((STILL, 1.5), (WALKING, 1.5), loss=0.0, amplitude_only=True)
    return write_npz(tmp_path / "capture.npz", packets)


def events_in(folder: Path) -> list[dict]:
    path = folder / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_answers_are_lines_and_events(capture, model, tmp_path):
    out = tmp_path / "events"
    done = radiofm(
        *("activity", "--live", f"file={capture}", "--model", model, "--json"),
        *("--output", f"jsonl={out}", "--receiver", "desk"),
    )
    assert done.returncode == 0, done.stderr
    events = events_in(out)
    for event in events:
        event_validator().validate(event)
    answers = [event for event in events if event["type"] == "activity"]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["label"] for e in answers] == [line["label"] for line in lines]
    assert answers[-1]["label"] == "MOVING" and answers[-1]["motion_db"] > 6
    assert {event["receiver"]["name"] for event in events} == {"desk"}
    assert {event["model"] for event in events} == {"motion"}
    motions = [event for event in events if event["type"] == "motion"]
    assert [event["event"] for event in motions[-2:]] == ["start", "end"]
    assert {event["state"] for event in motions[-2:]} == {"moving"}
    status = [event for event in events if event["type"] == "status"][-1]
    assert status["frames"] == len(answers) >= 3 and status["packets"] == 300
    assert f"{len(answers)} windows classified" in done.stderr


def test_a_file_plays_at_its_own_pace(capture):
    with RecordedSource(capture) as source:
        assert len(list(source)) == 300
        assert source.ended and source.dropped == 0


class Board:
    """An ESP32 on a pseudo-terminal that has the name of a device."""

    def __init__(self, device: Path):
        self._device, self._tick = device, 0
        self._stop = threading.Event()

    @contextmanager
    def plugged_in(self):
        controller, terminal = pty.openpty()
        os.set_blocking(controller, False)
        self._device.symlink_to(os.ttyname(terminal))
        thread = threading.Thread(target=self._send, args=(controller, self._stop))
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self._stop = threading.Event()
            self._device.unlink()
            os.close(terminal)
            os.close(controller)

    def _send(self, controller: int, stop: threading.Event) -> None:
        buffer = files.buffer_of(files.estimate(1, 64, 99)[:, 0])
        while not stop.wait(0.02):
            self._tick += 1
            with suppress(BlockingIOError):  # nobody reads
                os.write(controller, files.esp_csi_line(buffer, self._tick).encode() + b"\n")


def test_a_board_that_is_unplugged_is_waited_for(model, tmp_path):
    board, out = Board(tmp_path / "tty"), tmp_path / "events"

    def told() -> list[str]:
        return [e["event"] for e in events_in(out) if e["type"] == "source"]

    with board.plugged_in():
        command = start_radiofm(
            *("activity", "--live", f"esp32={tmp_path / 'tty'}", "--model", model),
            *("--output", f"jsonl={out}"),
        )
        until(lambda: told() == ["found"], "packets come", 180)
    until(lambda: told()[:2] == ["found", "lost"], "it is lost", 180)
    with board.plugged_in():
        until(lambda: told()[-1] == "found" and len(told()) > 1, "it is back", 180)
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=180)
    assert command.returncode == 0, errors
    events = events_in(out)
    assert (events[-1]["type"], events[-1]["reason"]) == ("run", "stopped")
    assert "the serial port was lost" in errors and "; waiting for it" in errors
    assert "again, after" in errors and "Traceback" not in errors


def test_it_ends_where_nobody_reads_its_events(capture, model):
    done = read_one_line(
        *("activity", "--live", f"file={capture}", "--model", model, "--output", "jsonl=-")
    )
    assert done.returncode == 141 and json.loads(done.stdout)["type"] == "run"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name files of CSI, or a live source with --live"),
        (["x.npz", "--live", "nexmon=0"], "name files of CSI, or a live source"),
        (["x.npz"], "--out is missing"),
        (["x.npz", "--out", "x", "--json"], "--output, --duration and --json are for --live"),
        (["x.npz", "--out", "x", "--output", "zmq=0"], "--output, --duration and --json are for"),
        (["--live", "file=none.pcap"], "none.pcap"),
        (["--live", "esp32=none"], "the serial port cannot be opened"),
        (["--live", "nexmon=192.0.2.1:5500"], "UDP port 5500 at 192.0.2.1 cannot be opened"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments, told, model):
    assert_one_line_error(radiofm("activity", *arguments, "--model", model), told)


@pytest.mark.parametrize("text", ["", "nexmon", "nexmon=", "nexmon=70000", "esp32=", "serial=x"])
def test_another_source_is_refused(text):
    with pytest.raises(UsageError, match="--live: expected 'nexmon=5500'"):
        live_csi(text)
