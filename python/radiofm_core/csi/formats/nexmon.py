# SPDX-License-Identifier: GPL-3.0-or-later
"""Nexmon CSI: datagrams of the patched firmware of Broadcom chips, live or in a ``.pcap``.

The firmware sends one datagram to UDP port 5500 for each receiving core and spatial stream of a
packet (project's README, ``csi_extractor.c``); :class:`StreamJoiner` puts them together again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from .. import subcarriers
from ..capture import ZERO_CSI, Tally
from ..mac_header import mac_text, sequence_number
from ..packet import CsiPacket
from .pcap import is_pcap, udp_payloads

NAME = "nexmon"
ADVICE = (
    "capture with: tcpdump -i wlan0 -s 0 dst port 5500, while nexutil has collection on for the "
    "channel, bandwidth and sender (makecsiparams)"
)
PORT = 5500

# magic, rssi, frame control, source, sequence control, core and stream, chanspec, chip
_HEADER = struct.Struct("<HbB6sHHHH")
_MAGIC = 0x1111
# Firmware of before 2020 has 0x11111111 there, and neither RSSI nor frame control
_OLD_MAGIC_REST = b"\x11\x11"
# firmware_version.h of nexmon
_CHIPS = {1: "4339", 3: "4358", 101: "43455c0", 106: "4366c0"}
# Those with one antenna: a packet is one datagram
_SINGLE = ("4339", "43455c0")
# What older firmware has in the chip's place, then reserved
_RESERVED = (0, 0xDEAD)
# Floating-point formats: bits of a mantissa with its sign, bits of the exponent
_FLOATS = {"4358": (9, 5), "4366c0": (12, 6)}
# Bandwidth bits of Broadcom's chanspec (D11AC): FFT size and the subcarriers in use
_BANDWIDTH_BITS, _CHANNEL_BITS = 0x3800, 0xFF
_BANDWIDTHS = {
    0x1000: (64, subcarriers.HT_20),
    0x1800: (128, subcarriers.HT_40),
    0x2000: (256, subcarriers.VHT_80),
}
# Datagrams of one packet come within this time (four within 0.12 ms in a real capture)
JOIN_NS = 20_000_000


@dataclass(frozen=True)
class Datagram:
    """One core's and one stream's estimate: ``csi`` complex64 (subcarriers,)."""

    csi: np.ndarray
    subcarriers: np.ndarray
    time_ns: int
    chip: str
    core: int
    stream: int
    mac: str
    sequence: int
    rssi_dbm: float | None
    channel: int

    @property
    def key(self) -> tuple:
        """Equal for all datagrams of a packet."""
        return self.mac, self.sequence, len(self.subcarriers), self.channel


def parse_datagram(payload: bytes, time_ns: int, tally: Tally) -> Datagram | None:
    """One UDP payload, or None with the reason counted.

    Args:
        payload: what the firmware sent to port 5500.
        time_ns: when it came.
        tally: where the chip, and what cannot be read, are noted.
    """
    if len(payload) < _HEADER.size or payload[:2] != _MAGIC.to_bytes(2, "little"):
        tally.skip("datagram not from nexmon_csi")
        return None
    _, rssi, _, source, control, place, chanspec, number = _HEADER.unpack_from(payload)
    found = _by_length(len(payload)) or _BANDWIDTHS.get(chanspec & _BANDWIDTH_BITS)
    if found is None:
        tally.skip(f"datagram with an unknown bandwidth (chanspec 0x{chanspec:04x})")
        return None
    size, kept = found
    if len(payload) < _HEADER.size + 4 * size:
        tally.skip("datagram too short for its bandwidth")
        return None
    words = np.frombuffer(payload, "<u4", size, _HEADER.size)
    if not words.any():
        tally.skip(ZERO_CSI)
        return None
    chip = _CHIPS.get(number) or (_guess_chip(words) if number in _RESERVED else None)
    if chip is None:
        known = ", ".join(_CHIPS.values())
        tally.skip(f"datagram of an unknown chip (number {number}; known: {known})")
        return None
    tally.chip = chip
    return Datagram(
        # FFT order: 0 first, negative ones in the upper half
        csi=_decode(words, chip)[kept],
        subcarriers=kept,
        time_ns=time_ns,
        chip=chip,
        core=place & 7,
        stream=place >> 3 & 7,
        mac=mac_text(source),
        sequence=sequence_number(control),
        rssi_dbm=None if payload[2:4] == _OLD_MAGIC_REST else float(rssi),
        channel=chanspec & _CHANNEL_BITS,
    )


def _by_length(length: int) -> tuple[int, np.ndarray] | None:
    """What a datagram of exactly this length holds: firmware on newer kernels at times tells
    another channel than the one that it listens on (nexmon_csi#39, #198)."""
    for size, kept in _BANDWIDTHS.values():
        if length == _HEADER.size + 4 * size:
            return size, kept
    return None


class StreamJoiner:
    """Puts the datagrams of one packet together as antennas of one :class:`CsiPacket`.

    A packet ends with a datagram that is not of it, or when its time is over. If the network
    lost one of its datagrams, it comes with fewer antennas.
    """

    def __init__(self):
        self._parts: list[Datagram] = []

    def add(self, part: Datagram) -> Iterator[CsiPacket]:
        """Take a datagram; give the packets that are complete with it."""
        if self._parts and not self._belongs(part):
            yield from self.flush()
        self._parts.append(part)
        if part.chip in _SINGLE:
            yield from self.flush()

    def flush(self) -> Iterator[CsiPacket]:
        """Give what is there as it is: after the last datagram, or when none came for long."""
        parts, self._parts = sorted(self._parts, key=lambda p: (p.stream, p.core)), []
        if parts:
            first = min(parts, key=lambda part: part.time_ns)
            yield CsiPacket(
                csi=np.stack([part.csi for part in parts]),
                subcarriers=first.subcarriers,
                time_ns=first.time_ns,
                time_is_absolute=True,
                rssi_dbm=first.rssi_dbm,
                mac=first.mac,
                sequence=first.sequence,
                channel=first.channel,
            )

    def _belongs(self, part: Datagram) -> bool:
        first = self._parts[0]
        taken = {(other.core, other.stream) for other in self._parts}
        return (
            part.key == first.key
            and (part.core, part.stream) not in taken
            and abs(part.time_ns - first.time_ns) <= JOIN_NS
        )


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is a capture of tcpdump."""
    return is_pcap(head)


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a ``.pcap``; their times are of the machine that captured it.

    Args:
        file: at its beginning.
        tally: where the chip and skipped datagrams are noted.
    """
    joiner = StreamJoiner()
    for time_ns, payload in udp_payloads(file, PORT, tally):
        part = parse_datagram(payload, time_ns, tally)
        if part is not None:
            yield from joiner.add(part)
    yield from joiner.flush()


def _guess_chip(words: np.ndarray) -> str:
    """The chip, from which bits of its words are ever set.

    The 4358 uses the lower 23 bits of each, the 4366c0 30; of the others' two signed halves the
    upper one is negative, so has its highest bits set, in half of the subcarriers.
    """
    used = int(np.bitwise_or.reduce(words))
    for chip, (mantissa, exponent) in _FLOATS.items():
        if used < 1 << (2 * mantissa + exponent):
            return chip
    return "43455c0"


def _decode(words: np.ndarray, chip: str) -> np.ndarray:
    """complex64 (FFT size,) of the chip's 32-bit words."""
    if chip in _SINGLE:
        return words.view("<i2").astype(np.float32).view(np.complex64)
    mantissa_bits, exponent_bits = _FLOATS[chip]
    exponent = (words & ((1 << exponent_bits) - 1)).astype(np.int32)
    exponent[exponent >= 1 << (exponent_bits - 1)] -= 1 << exponent_bits
    real = _mantissa(words >> (exponent_bits + mantissa_bits), mantissa_bits)
    imaginary = _mantissa(words >> exponent_bits, mantissa_bits)
    return np.ldexp(real, exponent) + 1j * np.ldexp(imaginary, exponent)


def _mantissa(words: np.ndarray, bits: int) -> np.ndarray:
    """float32: the lowest ``bits``, of which the highest is the sign (not two's complement)."""
    size = (words & ((1 << (bits - 1)) - 1)).astype(np.float32)
    return np.where(words >> (bits - 1) & 1, -size, size)
