# SPDX-License-Identifier: GPL-3.0-or-later
"""Hours of ``radiofm watch``, with all going away: ``python -m tests.watch_run [HOURS]`` (8).

A recording is played over ZeroMQ for ever; events go to an MQTT broker and to files. The broker is
cut off every ten minutes, the publisher is killed twice, the disk is full once. At the end the
command is killed with SIGKILL and started again. Every event must have been delivered or be counted
as dropped, memory must stay within 50 MB. Needs mosquitto; the full disk needs root.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# `python -m tests.watch_run` finds its neighbours here, pytest by itself
sys.path.insert(0, str(Path(__file__).parent))
from event_brokers import Mosquitto, Subscriber, free_port, until
from level_model import CENTER, RATE, make_level_bundle, two_carriers
from long_run import ALLOCATOR, MOST_GROWTH_MB, growth_mb, resident_mb

CUT_EVERY_S = 600.0
GAP_S = 20.0
LOST_AFTER_S = 5.0
LOOK_S = 1.0
PATIENCE_S = 120.0


@dataclass
class Figures:
    """What a run showed. ``missing``: events by output that neither came nor are counted."""

    events: int = 0
    frames: int = 0
    frames_dropped: int = 0
    delivered: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    cuts: int = 0
    is_in_order: bool = True
    memory_mb: list[float] = field(default_factory=list)
    resumed: str = ""

    @property
    def growth_mb(self) -> float:
        """See :func:`tests.long_run.growth_mb`."""
        return growth_mb(self.memory_mb)

    def faults(self, losses: int, has_full_disk: bool) -> list[str]:
        """What is wrong, in words."""
        found = [f"{n} events are missing in {name}" for name, n in self.missing.items() if n]
        if not self.is_in_order:
            found.append("events in files are out of order")
        for what, count in (("source lost", losses), ("source found", losses + 1)):
            if self.told.get(what) != count:
                found.append(f"{what}: {self.told.get(what, 0)} times, not {count}")
        for what, least in (("mqtt lost", self.cuts), ("jsonl lost", int(has_full_disk))):
            if self.told.get(what, 0) < least:
                found.append(f"{what}: {self.told.get(what, 0)} times, not {least}")
        if self.growth_mb > MOST_GROWTH_MB:
            found.append(f"memory grew by {self.growth_mb:.0f} MB")
        if self.resumed:
            found.append(self.resumed)
        return found


class Publisher:
    """A process that plays two carriers over ZeroMQ, and can be killed."""

    def __init__(self, port: int, folder: Path):
        samples = folder / "samples.c64"
        two_carriers(1.2).tofile(samples)
        script = Path(__file__).with_name("zmq_publisher.py")
        address = f"tcp://127.0.0.1:{port}"
        self._command = [sys.executable, str(script), str(samples), str(RATE), address]
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Begin."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE)

    def kill(self) -> None:
        """As by a power cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Disk:
    """A folder on a file system of its own, which can be full; where that may not be made, a
    folder that cannot."""

    def __init__(self, folder: Path, megabytes: int):
        self.folder = folder
        folder.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        done = subprocess.run(["mount", *options], capture_output=True, check=False)
        self.can_be_full = done.returncode == 0

    def fill(self) -> None:
        """Leave no byte."""
        with contextlib.suppress(OSError), (self.folder / "filler").open("wb", 0) as file:
            while True:
                file.write(bytes(4096))

    def empty(self) -> None:
        """Give the room back."""
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount."""
        if self.can_be_full:
            subprocess.run(["umount", str(self.folder)], check=False)


class Command:
    """``radiofm watch``; its lines are kept, and printed with ``is_loud``."""

    def __init__(
        self, source_port: int, broker_port: int, files: Path, folder: Path, is_loud: bool
    ):
        words = {
            "--source": f"zmq=tcp://127.0.0.1:{source_port}",
            "--sample-rate": f"{RATE:g}",
            "--center-frequency": f"{CENTER:g}",
            "--model": folder / "level.pt",
            "--threads": 1,
            "--lost-after": LOST_AFTER_S,
        }
        outputs = ["--output", f"mqtt=127.0.0.1:{broker_port}", "--output", f"jsonl={files}"]
        given = [str(word) for pair in words.items() for word in pair]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "radiofm_cli", "watch", *given, *outputs],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | ALLOCATOR,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, args=(is_loud,), daemon=True)
        self._reader.start()
        until(lambda: any("watching" in line for line in self.lines), "it watches", PATIENCE_S)

    def end(self, number: int) -> int:
        """Send a signal, and wait; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def _read(self, is_loud: bool) -> None:
        for line in self.process.stderr:
            self.lines.append(line)
            if is_loud:
                print(line.rstrip(), flush=True)


def run(
    seconds: float,
    cut_every: float = CUT_EVERY_S,
    gap: float = GAP_S,
    is_loud: bool = False,
    with_restart: bool = True,
) -> tuple[Figures, list[str]]:
    """Run for ``seconds``; the broker is away for ``gap`` seconds every ``cut_every``, the source
    twice, the disk is full once. Returns what was seen, and what is wrong with it."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        make_level_bundle(folder / "level.pt")
        disk = Disk(folder / "disk", 32 + int(seconds / 60))
        stack.callback(disk.close)
        broker = Mosquitto(folder / "broker")
        stack.callback(broker.stop)
        subscriber = Subscriber(broker.port)
        stack.callback(subscriber.close)
        source_port = free_port()
        publisher = Publisher(source_port, folder)
        stack.callback(publisher.kill)
        publisher.start()
        command = Command(source_port, broker.port, disk.folder, folder, is_loud)
        stack.callback(command.process.kill)
        steps = _plan(seconds, cut_every, gap, broker, publisher, disk)
        figures.cuts = sum(step[1] == broker.stop for step in steps)
        _follow(command, steps, seconds, figures)
        code = command.end(signal.SIGTERM)
        _count(figures, subscriber, disk.folder)
        faults = figures.faults(2, disk.can_be_full)
        faults += [f"ended with {code}"] if code else []
        if with_restart:
            faults += _restart(source_port, broker.port, disk.folder, folder, is_loud)
    return figures, faults


def _plan(seconds, cut_every, gap, broker, publisher, disk) -> list[tuple]:
    """(when, what to do), in order."""
    steps = []
    at = cut_every / 2
    while at + gap < seconds - gap:
        steps += [(at, broker.stop), (at + gap, broker.start)]
        at += cut_every
    for share in (0.3, 0.65):
        steps += [(share * seconds, publisher.kill), (share * seconds + gap, publisher.start)]
    if disk.can_be_full:
        steps += [(0.5 * seconds, disk.fill), (0.5 * seconds + gap, disk.empty)]
    return sorted(steps, key=lambda step: step[0])


def _follow(command: Command, steps, seconds: float, figures: Figures) -> None:
    began = time.monotonic()
    todo, next_line = list(steps), 60.0
    while (passed := time.monotonic() - began) < seconds:
        assert command.process.poll() is None, "it ended by itself: " + "".join(command.lines[-3:])
        while todo and todo[0][0] <= passed:
            todo.pop(0)[1]()
        figures.memory_mb.append(resident_mb(command.process.pid))
        if passed >= next_line:
            next_line += 60.0
            growth = growth_mb(figures.memory_mb)
            memory = f"memory {figures.memory_mb[-1]:.0f} MB ({growth:+.1f})"
            print(f"{passed / 60:6.0f} min  {memory}", flush=True)
        time.sleep(LOOK_S)


def _count(figures: Figures, subscriber: Subscriber, files: Path) -> None:
    """Compare what the outputs counted with what came."""
    in_files = _lines(files)
    last = max(in_files, key=lambda event: event["sequence"])
    figures.events = last["sequence"]
    until(lambda: any(_is_end(e) for e in subscriber.events()), "the end came over MQTT")
    over_mqtt = subscriber.events()
    sequences = [event["sequence"] for event in in_files]
    figures.is_in_order = sequences == sorted(set(sequences))
    counts = last["outputs"]
    for name, events in (("mqtt", over_mqtt), ("jsonl", in_files)):
        output = next(each for each in counts if each.startswith(name))
        came = {event["sequence"] for event in events}
        figures.delivered[name], figures.dropped[name] = len(came), counts[output]["dropped"]
        figures.missing[name] = max(0, figures.events - len(came) - figures.dropped[name])
    for event in in_files:
        if event["type"] in ("source", "output"):
            what = event.get("output", "source").partition("=")[0]
            told = f"{what} {event['event']}"
            figures.told[told] = figures.told.get(told, 0) + 1
        if event["type"] == "status" and "frames" in event:
            figures.frames, figures.frames_dropped = event["frames"], event["dropped"]


def _restart(source_port: int, broker_port: int, files: Path, folder: Path, is_loud: bool) -> list:
    """Killed with SIGKILL and started again, it goes on in the same files."""
    before = len(_lines(files))
    for number in (signal.SIGKILL, signal.SIGTERM):
        command = Command(source_port, broker_port, files, folder, is_loud)
        count = len(_lines(files))
        until(lambda n=count: len(_lines(files)) > n + 10, "events are written", PATIENCE_S)
        command.end(number)
    runs: dict[str, list[int]] = {}
    for event in _lines(files)[before:]:
        runs.setdefault(event["run"], []).append(event["sequence"])
    whole = [numbers == list(range(1, len(numbers) + 1)) for numbers in runs.values()]
    return [] if whole == [True, True] else [f"after SIGKILL and a restart: {whole}"]


def _lines(files: Path) -> list[dict]:
    """All events in the files, in their order; a line that is under way is left out."""
    found = []
    for path in sorted(files.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns):
        lines = path.read_text().split("\n")
        found += [json.loads(line) for line in lines[:-1]]
    return found


def _is_end(event: dict) -> bool:
    return event["type"] == "run" and event["event"] == "end"


def main() -> int:
    """Run and print the figures; 1 if something is wrong."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    seconds = hours * 3600
    # at least three cuts of the broker
    cut_every = min(CUT_EVERY_S, seconds / 4)
    figures, faults = run(seconds, cut_every, min(GAP_S, cut_every / 3), is_loud=True)
    print(
        f"{hours:g} h, {figures.frames} frames, {figures.frames_dropped} dropped; "
        f"{figures.events} events; broker cut {figures.cuts} times; told: {figures.told}"
    )
    for name, count in figures.delivered.items():
        print(
            f"{name}: {count} delivered, {figures.dropped[name]} counted as dropped, "
            f"{figures.missing[name]} missing"
        )
    print(f"memory {figures.memory_mb[-1]:.0f} MB, grew by {figures.growth_mb:+.1f} MB")
    for fault in faults:
        print(f"FAILED: {fault}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
