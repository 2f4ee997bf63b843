# SPDX-License-Identifier: GPL-3.0-or-later
"""Four sensors and a server on hosts of their own: ``python -m tests.sensor_run`` (as root).

Each host is a network namespace of this machine. One sensor is ``radiofm sensor`` with a
recording, one only sends, one is cut off and comes back, one floods; meanwhile the server is
killed and started again. At the end every frame must be judged or dropped by a cause that both
sides tell, and nothing may hang. It prints what came of each sensor: frames, drops by cause, bytes
a second, and the latency from the antenna's host to the event; exit 1 where something is wrong.

``--cut S`` is how long the one is cut off (30 s), ``--steady S`` how long it goes on before and
after each fault (10 s), ``--model`` what judges (a model without training that looks at levels
alone, so that this machine keeps up).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# `python -m tests.sensor_run` finds its neighbours here, pytest by itself
sys.path.insert(0, str(Path(__file__).parent))
from sensor_network import SERVER_ADDRESS, Network, hosts, why_not

from radiofm_net.curve_keys import make_sensor_keys, make_server_keys
from radiofm_net.protocol import NETWORK, SENSOR_CAUSES, SERVER_CAUSES

PORT = 5600
ADDRESS = f"tcp://{SERVER_ADDRESS}:{PORT}"
RADIOFM = (sys.executable, "-m", "radiofm_cli")
SENSOR = (sys.executable, str(Path(__file__).parent / "sensor_process.py"))
REAL, STEADY, CUT, FLOOD = "real", "steady", "cut", "flood"
# Until programs have started, and a sensor is back after a fault (s): more means that it hangs
START_S, BACK_S, END_S = 120.0, 120.0, 120.0
# Frames a second of the sensors that make them up
FRAME_RATE = 10.0


@dataclass
class Plan:
    """How long each part goes on (s), and with what."""

    folder: Path
    model: str
    recording: Path
    steady: float = 10.0
    cut: float = 30.0
    frame_rate: float = FRAME_RATE

    @property
    def buffer(self) -> int:
        """Frames that the sensor that is cut off keeps: of a third of that time, as a busy machine
        makes fewer."""
        return round(self.cut * self.frame_rate / 3)


@dataclass
class Process:
    """A program whose lines are read as they come."""

    name: str
    running: subprocess.Popen
    reports: list[dict] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    news: queue.Queue = field(default_factory=queue.Queue)

    @property
    def last(self) -> dict:
        """The newest report."""
        return self.reports[-1] if self.reports else {}


class Drill:
    """The programs, and what is done to them."""

    def __init__(self, network: Network, plan: Plan):
        self._network, self._plan = network, plan
        self.server: Process | None = None
        self.sensors: dict[str, Process] = {}
        self.phases: list[tuple[str, float]] = []

    def run(self) -> None:
        """All of it; raises TimeoutError where something hangs."""
        plan = self._plan
        self._start_server()
        self._start_sensors()
        self._phase("steady", plan.steady)
        self._network.cut(CUT)
        self._phase("one cut off", plan.cut)
        self._network.mend(CUT)
        self._until(lambda: self._is_linked(CUT), BACK_S, f"{CUT} is back")
        self._phase("it is back", plan.steady)
        self.server.running.kill()
        self.server.running.wait(END_S)
        self._phase("no server", plan.steady / 2)
        self._start_server()
        for name in self.sensors:
            self._until(lambda name=name: self._is_linked(name), BACK_S, f"{name} is back")
        self._phase("another server", plan.steady)
        self._end()

    def kill(self) -> None:
        """Whatever runs."""
        for process in filter(None, (self.server, *self.sensors.values())):
            if process.running.poll() is None:
                process.running.kill()
                process.running.wait(END_S)

    def statuses(self, name: str, server: int = -1) -> list[dict]:
        """A receiver's status events, of the server's run of that number."""
        events = self.events()
        runs = [e["run"] for e in events if e["receiver"]["name"] == name and e["type"] == "run"]
        run = list(dict.fromkeys(runs))[server]
        return [e for e in events if e["run"] == run and e["type"] == "status"]

    def events(self) -> list[dict]:
        """All that the servers told."""
        path = self._plan.folder / "events" / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def _start_server(self) -> None:
        plan = self._plan
        command = self._network.on_server(
            *RADIOFM,
            *("serve", "--listen", ADDRESS, "--keys", str(plan.folder / "keys")),
            *("--model", plan.model, "--output", f"jsonl={plan.folder / 'events'}"),
        )
        self.server = _started("server", command, plan.folder)
        server = self.server
        self._until(
            lambda: any("listening at" in line for line in server.told), START_S, "server listens"
        )

    def _start_sensors(self) -> None:
        plan = self._plan
        common = {
            name: ("--server", ADDRESS, "--keys", str(plan.folder / "keys" / f"{name}.key_secret"))
            for name in (REAL, STEADY, CUT, FLOOD)
        }
        pace = ("--rate", str(plan.frame_rate), "--buffer", str(plan.buffer))
        commands = {
            REAL: (
                *RADIOFM,
                *("sensor", "--source", f"file={plan.recording}", "--json", *common[REAL]),
                *("--frame-duration", "40ms"),
            ),
            STEADY: (*SENSOR, *common[STEADY], *pace),
            CUT: (*SENSOR, *common[CUT], *pace),
            FLOOD: (*SENSOR, *common[FLOOD], "--flood", "--buffer", "1000"),
        }
        for name, command in commands.items():
            line = self._network.on_sensor(name, *command)
            self.sensors[name] = _started(name, line, plan.folder)
        for name, sensor in self.sensors.items():
            self._until(
                lambda sensor=sensor: any("connected" in line for line in sensor.told),
                START_S,
                f"{name} is connected",
            )

    def _end(self) -> None:
        for name, sensor in self.sensors.items():
            if name == REAL:
                sensor.running.send_signal(signal.SIGINT)
            else:
                sensor.running.stdin.write("end\n")
                sensor.running.stdin.flush()
        for name, sensor in self.sensors.items():
            self._until(lambda s=sensor: s.running.poll() is not None, END_S, f"{name} ends")
        self.server.running.send_signal(signal.SIGINT)
        self._until(lambda: self.server.running.poll() is not None, END_S, "server ends")
        for process in (self.server, *self.sensors.values()):
            _take_news(process)

    def _is_linked(self, name: str) -> bool:
        """Whether it says so, or its server does, since the last fault."""
        sensor = self.sensors[name]
        lines = [line for line in sensor.told if "connected" in line or "lost" in line]
        return bool(lines) and "connected" in lines[-1]

    def _phase(self, name: str, seconds: float) -> None:
        self.phases.append((name, time.time()))
        end = time.monotonic() + seconds
        self._until(lambda: time.monotonic() >= end, seconds + 60.0, name)

    def _until(self, is_so, timeout: float, what: str) -> None:
        end = time.monotonic() + timeout
        while not is_so():
            for process in filter(None, (self.server, *self.sensors.values())):
                _take_news(process)
                if process.running.poll() not in (None, 0, -signal.SIGKILL):
                    raise TimeoutError(f"{process.name} has ended\n{self._told()}")
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: not within {timeout:g} s\n{self._told()}")
            time.sleep(0.05)

    def _told(self) -> str:
        processes = filter(None, (self.server, *self.sensors.values()))
        return "\n".join(f"{p.name}: {' | '.join(p.told[-8:])}" for p in processes)


def faults(drill: Drill) -> list[str]:
    """What is wrong with a drill that has ended."""
    found = []
    for name, sensor in drill.sensors.items():
        last = sensor.last
        if sensor.running.returncode != 0:
            found.append(f"{name} ended with {sensor.running.returncode}: {sensor.told[-3:]}")
        dropped = last["dropped"]
        ends = last["judged"] + sum(dropped.values())
        if last["made"] != ends or last["waiting"]:
            found.append(f"{name}: {last['made']} made, {ends} came to an end: {last}")
        if last["judged"] == 0:
            found.append(f"{name}: no frame was judged")
        told = drill.statuses(name)[-1]
        if "of_this_server" in last:
            own = last["of_this_server"]
            server = {"judged": told["frames"]} | {
                cause: told["dropped_by"][cause] for cause in SERVER_CAUSES
            }
            if own != server:
                found.append(f"{name}: the sensor knows {own}, the server {server}")
        of_sensor = {cause: told["dropped_by"][cause] for cause in SENSOR_CAUSES}
        if of_sensor != {cause: dropped[cause] for cause in SENSOR_CAUSES}:
            found.append(f"{name}: dropped {dropped}, the server was told {of_sensor}")
    most = drill.sensors[FLOOD].last["judged"]
    for name in (REAL, STEADY):
        last = drill.sensors[name].last
        # while there is no server its buffer is too small, and that is nobody's fault
        sendable = last["made"] - last["dropped"][NETWORK]
        # a machine that stands still costs some; where it is too slow for all, each has its turn
        if last["judged"] < min(0.75 * sendable, most / 4):
            found.append(f"{name}: the one that floods took its place: {last}")
    if not drill.sensors[CUT].last["dropped"][NETWORK]:
        found.append(f"{CUT}: its buffer held all of the cut; nothing was tried")
    if not drill.sensors[FLOOD].last["dropped"]["server_queue"]:
        found.append(f"{FLOOD}: it sent no more than it may; nothing was tried")
    if drill.server.running.returncode != 0:
        found.append(f"the server ended with {drill.server.running.returncode}")
    return found


def figures(drill: Drill) -> list[str]:
    """Lines of a table: of each sensor frames, drops by cause, bytes a second, latency."""
    names = (*SENSOR_CAUSES, *SERVER_CAUSES)
    lines = [
        "| sensor | made | judged | "
        + " | ".join(c.replace("_", " ") for c in names)
        + " | MB/s | "
        "latency p50 / p99, first server | second server | clock offset / round trip |",
        "|---" * (7 + len(names)) + "|",
    ]
    for name, sensor in drill.sensors.items():
        last = sensor.last
        first, second = drill.statuses(name, 0), drill.statuses(name, -1)
        rates = [status["byte_rate"] for status in first + second if status["byte_rate"]]
        lines.append(
            f"| {name} | {last['made']} | {last['judged']} | "
            + " | ".join(str(last["dropped"][cause]) for cause in names)
            + f" | {max(rates, default=0) / 1e6:.2f} | {_latency(first)} | {_latency(second)} | "
            f"{1e3 * last['clock_offset']:.2f} / {1e3 * (last['round_trip'] or 0):.2f} ms |"
        )
    return lines


def _latency(statuses: list[dict]) -> str:
    found = [s for s in statuses if "latency_p50" in s]
    if not found:
        return "–"
    return f"{1e3 * found[-1]['latency_p50']:.0f} / {1e3 * found[-1]['latency_p99']:.0f} ms"


def prepare(folder: Path, **options) -> Plan:
    """Keys, a model, and a recording that lasts for all of it, in ``folder``."""
    from level_model import make_level_bundle, write_long_recording

    make_server_keys(folder / "keys")
    for name in (REAL, STEADY, CUT, FLOOD):
        make_sensor_keys(folder / "keys", name)
    options.setdefault("model", str(make_level_bundle(folder / "level.pt")))
    plan = Plan(folder=folder, recording=folder / "two.sigmf-meta", **options)
    # longer than any run of it: the sensor is stopped
    write_long_recording(folder / "two", math.ceil(plan.cut + 5 * plan.steady + 120.0), 2.0)
    return plan


def run(plan: Plan) -> tuple[Drill, list[str]]:
    """The drill, and what is wrong with it."""
    with hosts([REAL, STEADY, CUT, FLOOD]) as network:
        drill = Drill(network, plan)
        try:
            drill.run()
        except TimeoutError as error:
            return drill, [str(error)]
        finally:
            drill.kill()
    return drill, faults(drill)


def _started(name: str, command: list[str], folder: Path) -> Process:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    running = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        cwd=folder,
        env=environment,
    )
    process = Process(name, running)

    def read(stream, is_told: bool) -> None:
        with contextlib.suppress(ValueError):
            for line in stream:
                process.news.put((is_told, line.strip()))

    for stream, is_told in ((running.stdout, False), (running.stderr, True)):
        threading.Thread(target=read, args=(stream, is_told), daemon=True).start()
    return process


def _take_news(process: Process) -> None:
    while not process.news.empty():
        is_told, line = process.news.get()
        if is_told:
            process.told.append(line)
        elif line.startswith("{"):
            process.reports.append(json.loads(line))


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.sensor_run")
    parser.add_argument("--cut", type=float, default=30.0)
    parser.add_argument("--steady", type=float, default=10.0)
    parser.add_argument("--model")
    options = parser.parse_args()
    if reason := why_not():
        print(f"cannot be run here: {reason}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        given = {"model": options.model} if options.model else {}
        plan = prepare(Path(folder), cut=options.cut, steady=options.steady, **given)
        drill, wrong = run(plan)
        if drill.sensors and all(sensor.last for sensor in drill.sensors.values()):
            print("\n".join(figures(drill)))
        for line in wrong:
            print(f"wrong: {line}")
        if wrong:
            for process in filter(None, (drill.server, *drill.sensors.values())):
                print(f"{process.name}:", *process.told[-20:], sep="\n  ")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
