# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled CSI as small real files: bodies that stand, walk and run, and what is known of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from csi_room import Receiver, Room

from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.subcarriers import HT_20
from training.activity.data.clips import Clip, Span

SPEEDS = {"RUN": 2.5, "STAND": 0.0, "WALK": 0.8}


def moving_packets(speed: float, seconds: float, seed: int = 0) -> list[CsiPacket]:
    """Amplitudes of one antenna while a body walks at ``speed`` (m/s)."""
    receiver = Receiver(seed=seed, amplitude_only=True)
    return receiver.packets(Room(seed=seed, speed=speed), seconds)


def write_recordings(folder: Path, runs: int = 4, seconds: float = 2.0) -> None:
    """``runs`` recordings as ``radiofm activity`` reads them, each of all activities one after
    another, and the tables of their labels."""
    folder.mkdir(parents=True)
    for run in range(runs):
        amplitudes, times, lines = [], [], ["start_s,end_s,label"]
        for number, (label, speed) in enumerate(SPEEDS.items()):
            packets = moving_packets(speed, seconds, seed=10 * run + number)
            amplitudes += [packet.csi[0] for packet in packets]
            times += [number * seconds + packet.time_ns * 1e-9 for packet in packets]
            lines.append(f"{number * seconds},{(number + 1) * seconds},{label}")
        np.savez(folder / f"run{run}.npz", amplitude=np.stack(amplitudes), time_s=times)
        (folder / f"run{run}.npz.labels.csv").write_text("\n".join(lines) + "\n")


def clip_of(amplitude: np.ndarray, rate_hz: float, spans: tuple[Span, ...] = ()) -> Clip:
    """A clip of 56 subcarriers at an even rate, all of them with ``amplitude`` (packets,)."""
    packets = [
        CsiPacket(np.full((1, len(HT_20)), value, np.float32), HT_20, round(i * 1e9 / rate_hz))
        for i, value in enumerate(amplitude)
    ]
    return Clip("clip", "group", packets, spans)
