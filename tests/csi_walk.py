# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of CSI in which a person stands still, then walks, as ``radiofm activity`` gets them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from csi_files import int16_words, nexmon_datagram, pcap
from csi_room import Receiver, Room, changed

from radiofm_core.csi.packet import CsiPacket

STILL, WALKING = 0.0, 1.0


def scene(*parts: tuple[float, float], **receiver) -> list[CsiPacket]:
    """Packets of parts (speed in m/s, duration in s) one after the other; times from 0 on."""
    heard = Receiver(**receiver)
    packets: list[CsiPacket] = []
    begin_ns = 0
    for number, (speed, duration_s) in enumerate(parts):
        part = replace(heard, seed=heard.seed + number).packets(Room(speed=speed), duration_s)
        packets += [changed(p, time_ns=begin_ns + p.time_ns) for p in part]
        begin_ns += round(duration_s * 1e9)
    return packets


def write_npz(path: Path, packets: list[CsiPacket], **arrays) -> Path:
    """A ``.npz`` of packets of one layout; ``arrays`` replace those of the packets."""
    stored = {
        "csi": np.stack([packet.csi.T for packet in packets]),
        "time_s": np.array([packet.time_ns for packet in packets]) * 1e-9,
        **arrays,
    }
    np.savez(path, **stored)
    return path


def write_pcap(path: Path, duration_s: float, speed: float) -> Path:
    """What nexmon captures of 100 packets a second in 20 MHz, all of one sender."""
    times = np.arange(0, duration_s, 0.01)
    channel = Room(speed=speed).channel(times, np.arange(-32, 32))[:, 0]
    noise = np.random.default_rng(1).normal(0, 0.01, (2, *channel.shape))
    channel = channel + noise[0] + 1j * noise[1]
    # the FFT's order; whole numbers
    words = int16_words(np.round(np.fft.ifftshift(channel, axes=1) * 1000))
    payloads = [nexmon_datagram(row, sequence=k % 4096) for k, row in enumerate(words)]
    path.write_bytes(pcap(payloads, step_us=10_000))
    return path
