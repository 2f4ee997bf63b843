# SPDX-License-Identifier: GPL-3.0-or-later
"""Datagrams at the UDP port of nexmon, each after two bytes that tell its length."""

import struct

import csi_files
import csi_samples
import numpy as np

from radiofm_core.csi.live.nexmon_udp import NexmonUdpSource


def seeds() -> dict[str, bytes]:
    """Two chips, one of them with several antennas."""
    csi = csi_files.estimate(1, 64, 99)[:, 0]
    words = np.arange(64, dtype="<u4") << 5
    one = [csi_files.nexmon_datagram(csi_files.int16_words(csi))] * 2
    several = [csi_files.nexmon_datagram(words, core, chip=3) for core in (0, 1)]
    return {"one": _joined(one), "several": _joined(several)}


def _joined(datagrams: list[bytes]) -> bytes:
    return b"".join(struct.pack("<H", len(d)) + d for d in datagrams)


class _Socket:
    """A socket at which ``data`` comes, then nothing."""

    def __init__(self, data: bytes):
        self.rest = data

    def recv(self, size: int) -> bytes:
        if not self.rest:
            raise TimeoutError
        stop = 2 + int.from_bytes(self.rest[:2], "little")
        datagram, self.rest = self.rest[2:stop], self.rest[stop:]
        return datagram[:size]


def run(data: bytes) -> None:
    """Read all that comes, and the pause after it."""
    source = NexmonUdpSource()
    source._socket = _Socket(data)
    more = True
    while more:
        more = bool(source._socket.rest)
        for packet in source._read():
            if source.tally.accept(packet):
                csi_samples.check([packet])
