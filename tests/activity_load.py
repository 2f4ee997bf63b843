# SPDX-License-Identifier: GPL-3.0-or-later
"""How long answers take when many senders are followed at once.

``.venv/bin/python -m tests.activity_load [--links 20] [--seconds 30] [--model M]``

Packets of ``--links`` simulated senders, each 100 a second with jitter, of which 10 % are lost,
go in real time through csi_framer and activity_classifier in one flowgraph. For each answer it
counts from when the last packet inside its window was sent into the flowgraph.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pmt
from gnuradio import gr, radiofm
from gnuradio.radiofm.pmts.messages import to_pmt

from radiofm_core import keys
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.windows import CsiFramer

sys.path.insert(0, str(Path(__file__).parent))

from csi_dicts import START_S, csi_dict
from csi_room import Receiver, Room

# Senders are on the air at any time: their windows begin within a hop of each other
START_SPREAD_S = 0.5
# Rooms to simulate; more senders hear the same ones, at other times
ROOMS = 4


class PacedPackets(gr.basic_block):
    """Sends each packet when its time comes; ``sent``: when it did (s, monotonic), per packet.

    ``pace``: times as fast as they were received; 0: at once.
    """

    def __init__(self, packets: list[CsiPacket], pace: float = 1.0):
        gr.basic_block.__init__(self, "packets", in_sig=None, out_sig=None)
        self._port = pmt.intern(keys.PORT_CSI)
        self.message_port_register_out(self._port)
        self._times = [packet.time_ns * 1e-9 for packet in packets]
        self._messages = [to_pmt(csi_dict(p, mac=p.mac, sequence=p.sequence)) for p in packets]
        self._pace = pace
        self._is_stopping = threading.Event()
        self.sent = np.zeros(len(packets))
        # of the sending thread: not the flowgraph's own
        self.cpu_s = 0.0

    def start(self) -> bool:
        threading.Thread(target=self._run, daemon=True).start()
        return True

    def stop(self) -> bool:
        self._is_stopping.set()
        return True

    def _run(self) -> None:
        begin = time.monotonic()
        for index, (time_s, message) in enumerate(zip(self._times, self._messages, strict=True)):
            if self._pace:
                wait = begin + time_s / self._pace - time.monotonic()
                if self._is_stopping.wait(wait) if wait > 0 else self._is_stopping.is_set():
                    return
            self.sent[index] = time.monotonic()
            self.message_port_pub(self._port, message)
        self.cpu_s = time.thread_time()
        self._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))


@dataclass
class Load:
    """What came of a run. Arrays in seconds, one value a window that a packet completed."""

    packets: int
    packets_refused: int
    expected: int
    answers: list[dict]
    status: dict
    wall_s: float
    cpu_s: float
    # From the window's last packet: to the one that completed it, and to the answer
    to_complete: np.ndarray
    to_answer: np.ndarray


def many_links(links: int, seconds: float) -> list[CsiPacket]:
    """Packets of ``links`` senders, in the order of their times."""
    rng = np.random.default_rng(0)
    heard = [
        Receiver(seed=seed).packets(Room(seed=seed, speed=seed % 2), seconds)
        for seed in range(min(links, ROOMS))
    ]
    packets = []
    for link in range(links):
        mac, later_ns = f"02:00:00:00:00:{link:02x}", int(rng.uniform(0, START_SPREAD_S) * 1e9)
        packets += [
            # lost ones have taken their number with them
            replace(
                p, mac=mac, sequence=round(p.time_ns / 1e7) % 4096, time_ns=p.time_ns + later_ns
            )
            for p in heard[link % len(heard)]
        ]
    return sorted(packets, key=lambda packet: packet.time_ns)


def run_load(model: str, links: int, seconds: float, pace: float = 1.0, **options) -> Load:
    """Run the flowgraph to the end of its packets; ``options`` are the classifier's."""
    packets = many_links(links, seconds)
    source = PacedPackets(packets, pace)
    classifier = radiofm.activity_classifier(model, **options)
    framer = radiofm.csi_framer(spec=classifier.bundle_info.spec)
    arrived: list[tuple[float, dict]] = []
    sink = radiofm.result_sink(
        lambda port, fields, data: arrived.append((time.monotonic(), fields)), [keys.PORT_ACTIVITY]
    )
    top = gr.top_block("activity load", catch_exceptions=True)
    top.msg_connect((source, keys.PORT_CSI), (framer, keys.PORT_CSI))
    top.msg_connect((framer, keys.PORT_WINDOWS), (classifier, keys.PORT_WINDOWS))
    top.msg_connect((classifier, keys.PORT_ACTIVITY), (sink, keys.PORT_ACTIVITY))
    # the packets are the test's own: looking through them for garbage would count as delay
    gc.collect()
    gc.freeze()
    begin, cpu = time.monotonic(), _cpu_s()
    top.run()
    gc.unfreeze()
    wall_s, cpu_s = time.monotonic() - begin, _cpu_s() - cpu - source.cpu_s
    expected = expected_windows(packets, framer.spec)
    delays = []
    for time_s, fields in arrived:
        last, completing = expected[_window_of(fields, framer.spec)]
        if completing is not None:
            sent = source.sent[last]
            delays.append((source.sent[completing] - sent, time_s - sent))
    to_complete, to_answer = np.array(delays).reshape(-1, 2).T
    return Load(
        packets=len(packets),
        packets_refused=sum(framer.status()[keys.REFUSED_PACKETS].values()),
        expected=len(expected),
        answers=[fields for _, fields in arrived],
        status=classifier.status(),
        wall_s=wall_s,
        cpu_s=cpu_s,
        to_complete=to_complete,
        to_answer=to_answer,
    )


def expected_windows(packets: list[CsiPacket], spec) -> dict[tuple, tuple[int, int | None]]:
    """Of each window of the packets: its last packet, and the one that completes it.

    The key is (sender, ms of the window's start). What the end of the stream completes has None:
    how late that is says nothing of a stream that goes on.
    """
    framer = CsiFramer(spec)
    found = [(w, i) for i, packet in enumerate(packets) for w in framer.push(packet)]
    found += [(w, None) for w in framer.finish()]
    times = {}
    for index, packet in enumerate(packets):
        times.setdefault(packet.mac, []).append((packet.time_ns, index))
    windows = {}
    for window, index in found:
        end_ns = window.time_ns + (spec.rows - 0.5) / spec.rate_hz * 1e9
        last = max(i for t, i in times[window.source] if t < end_ns)
        windows[window.source, round(window.time_ns * 1e-6)] = (last, index)
    return windows


def _window_of(fields: dict, spec) -> tuple[str, int]:
    seconds, fraction = fields[keys.RX_TIME]
    middle_s = seconds - START_S + fraction
    return fields[keys.SOURCE], round((middle_s - (spec.duration_s - spec.hop_s) / 2) * 1e3)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _percentiles(seconds: np.ndarray) -> str:
    if not len(seconds):
        return "none"
    p50, p99 = np.percentile(seconds * 1e3, (50, 99))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {seconds.max() * 1e3:.0f} ms"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--model", default="default")
    parser.add_argument("--threads", type=int, default=1, help="of the model")
    options = parser.parse_args()
    load = run_load(
        options.model,
        options.links,
        options.seconds,
        overload="drop",
        threads=options.threads,
        max_batch=options.links,
    )
    lost = load.expected - len(load.answers)
    print(f"{options.links} links, {load.packets / options.seconds:.0f} packets/s in all")
    print(f"packets: {load.packets} sent, {load.packets_refused} refused")
    print(f"windows: {load.expected}, {lost} lost ({load.status[keys.DROPPED]} dropped)")
    print(f"last packet in the window sent -> activity message: {_percentiles(load.to_answer)}")
    print(f"  of it until the packet that completes the window: {_percentiles(load.to_complete)}")
    print(f"  and from then on: {_percentiles(load.to_answer - load.to_complete)}")
    model_s = np.array([fields[keys.LATENCY] for fields in load.answers])
    print(f"    of it in the classifier: {_percentiles(model_s)}")
    print(f"CPU time per second: {load.cpu_s / load.wall_s:.2f} s")


if __name__ == "__main__":
    main()
