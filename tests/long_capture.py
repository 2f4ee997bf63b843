# SPDX-License-Identifier: GPL-3.0-or-later
"""A long capture of Wi-Fi CSI through ``radiofm activity``: every packet used, memory flat.

``python -m tests.long_capture FOLDER [PACKETS]`` writes what nexmon captures of a walk, 1,000
packets a second in 20 MHz (332 bytes each; 10,000,000 packets by default), labels it, and prints
the figures; exit 1 where one is off. The capture is deleted afterwards.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# `python -m tests.long_capture` finds its neighbours here, pytest by itself
sys.path.insert(0, str(Path(__file__).parent))
from csi_files import int16_words, nexmon_datagram, pcap
from csi_room import Room
from long_run import MOST_GROWTH_MB, growth_mb, memory_of

RATE_HZ = 1000
START_S = 1_700_000_000
# Bytes of a capture's header; of a packet's own before the datagram, and of that before its
# sequence number
HEADER, BEFORE, SEQUENCE = 24, 16 + 14 + 20 + 8, 10


@dataclass(frozen=True)
class Figures:
    """What a run showed; ``memory_mb`` as in :mod:`long_run`, ``file_mb`` of the capture."""

    windows: int
    expected_windows: int
    labels: set[str]
    memory_mb: list[float]
    file_mb: float
    seconds: float


def make_block() -> np.ndarray:
    """A second of packets: uint8 (RATE_HZ, bytes)."""
    times = np.arange(RATE_HZ) / RATE_HZ
    channel = Room(speed=1.0).channel(times, np.arange(-32, 32))[:, 0]
    noise = np.random.default_rng(1).normal(0, 0.01, (2, *channel.shape))
    channel = channel + noise[0] + 1j * noise[1]
    words = int16_words(np.round(np.fft.ifftshift(channel, axes=1) * 1000))
    capture = pcap([nexmon_datagram(row) for row in words])
    return np.frombuffer(capture, np.uint8, offset=HEADER).reshape(RATE_HZ, -1).copy()


def write_capture(path: Path, packets: int) -> None:
    """The block again and again, with times and sequence numbers that go on."""
    block = make_block()
    micros = (np.arange(RATE_HZ) * (1_000_000 // RATE_HZ)).astype("<u4")
    block[:, 4:8] = micros[:, None].view(np.uint8)
    with path.open("wb") as file:
        file.write(pcap([]))
        for second in range(packets // RATE_HZ):
            numbers = (second * RATE_HZ + np.arange(RATE_HZ)) % 4096
            block[:, :4] = np.array([START_S + second], "<u4").view(np.uint8)
            place = BEFORE + SEQUENCE
            block[:, place : place + 2] = (numbers << 4).astype("<u2")[:, None].view(np.uint8)
            file.write(block.tobytes())


def label(path: Path, packets: int) -> Figures:
    """Run the command, watching its memory."""
    start = time.monotonic()
    out = path.parent / "out"
    memory = memory_of("activity", path, "--out", out)
    windows, labels = 0, set()
    with (out / f"{path.stem}.jsonl").open() as file:
        for line in file:
            windows += 1
            labels.add(json.loads(line)["label"])
    return Figures(
        windows=windows,
        # one every half second, to both ends
        expected_windows=2 * (packets // RATE_HZ),
        labels=labels,
        memory_mb=memory,
        file_mb=path.stat().st_size / 1e6,
        seconds=time.monotonic() - start,
    )


def main() -> int:
    """Make, label, print, clean up."""
    folder = Path(sys.argv[1])
    packets = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "long.pcap"
    try:
        write_capture(path, packets)
        figures = label(path, packets)
    finally:
        path.unlink(missing_ok=True)
    growth = growth_mb(figures.memory_mb)
    print(f"{packets} packets, {figures.file_mb:.0f} MB, in {figures.seconds:.0f} s")
    print(f"{figures.windows} windows of {figures.expected_windows}: {sorted(figures.labels)}")
    print(f"memory {max(figures.memory_mb):.0f} MB at most")
    print(f"growth {growth:.1f} MB (at most {MOST_GROWTH_MB:.0f})")
    whole = figures.windows == figures.expected_windows
    return 0 if whole and growth <= MOST_GROWTH_MB else 1


if __name__ == "__main__":
    sys.exit(main())
