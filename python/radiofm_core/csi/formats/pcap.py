# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture files of tcpdump: their records, and the UDP payloads in them.

Format: draft-ietf-opsawg-pcap; link-layer headers: the list of LINKTYPE_ values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from ..capture import CUT_OFF, Tally

GLOBAL_HEADER_BYTES = 24
RECORD_HEADER_BYTES = 16
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
# The first four bytes: (byte order, nanoseconds in one unit of the time's fraction)
_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
# Bytes before the IP header and, where there is one, the place of the EtherType
_ETHERNET, _COOKED, _COOKED_2 = 1, 113, 276
_LINK_HEADERS = {_ETHERNET: (14, 12), _COOKED: (16, 14), _COOKED_2: (20, 0)}
_RAW_IP = (12, 101, 228)
_VLAN, _IPV4 = 0x8100, 0x0800
_UDP = 17
# The largest that tcpdump captures; a longer record is damage
MAX_RECORD_BYTES = 262144


def is_pcap(head: bytes) -> bool:
    """Whether a file that begins so is a capture."""
    return head[:4] in _MAGICS


def udp_payloads(file: BinaryIO, port: int, tally: Tally) -> Iterator[tuple[int, bytes]]:
    """(nanoseconds since 1970, payload) of each IPv4 UDP packet to a port.

    Other packets are left out without a word. A record that is cut off, by the end of the file or
    by the length that tcpdump was told to keep, is counted in ``tally``.

    Args:
        file: at its beginning; :func:`is_pcap` is true of it.
        port: destination.
        tally: where damage is noted.
    """
    header = file.read(GLOBAL_HEADER_BYTES)
    if len(header) < GLOBAL_HEADER_BYTES:
        tally.skip(CUT_OFF)
        return
    order, unit = _MAGICS[header[:4]]
    # The upper bits of the link type tell of frame check sequences
    link = struct.unpack_from(order + "I", header, 20)[0] & 0xFFFF
    record = struct.Struct(order + "IIII")
    while head := file.read(RECORD_HEADER_BYTES):
        if len(head) < RECORD_HEADER_BYTES:
            tally.skip(CUT_OFF)
            return
        seconds, fraction, kept, length = record.unpack(head)
        if kept > MAX_RECORD_BYTES:
            tally.skip("damaged from a record of impossible length on")
            return
        data = file.read(kept)
        if len(data) < kept:
            tally.skip(CUT_OFF)
            return
        payload = _udp_payload(data, link, port)
        if payload is None:
            continue
        if kept < length:
            tally.skip("cut off when captured (tcpdump -s 0 keeps all)")
            continue
        yield seconds * 10**9 + fraction * unit, payload


def _udp_payload(data: bytes, link: int, port: int) -> bytes | None:
    """The payload of an IPv4 UDP packet to a port, None of anything else."""
    start = 0
    if link in _LINK_HEADERS:
        start, place = _LINK_HEADERS[link]
        kind = data[place : place + 2]
        if link == _ETHERNET and kind == _VLAN.to_bytes(2, "big"):
            start, kind = start + 4, data[place + 4 : place + 6]
        if kind != _IPV4.to_bytes(2, "big"):
            return None
    elif link not in _RAW_IP:
        return None
    if len(data) < start + 20 or data[start] >> 4 != 4 or data[start + 9] != _UDP:
        return None
    udp = start + 4 * (data[start] & 0xF)
    if len(data) < udp + 8:
        return None
    destination, length = struct.unpack_from(">HH", data, udp + 2)
    return data[udp + 8 : udp + max(length, 8)] if destination == port else None
