# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation of chunks that tell their length or check sum: what is inside changes, these fit."""

from __future__ import annotations

import struct
import zlib
from random import Random

from .harness import Blind

_BLIND_SHARE = 0.3
_PCAP_HEADER, _PCAP_RECORD = 24, 16
_PNG_SIGNATURE = 8


def mutate_pcap(data: bytes, most: int, rng: Random, blind: Blind) -> bytes:
    """A capture with some of its records changed, dropped or doubled."""
    order = ">" if data[:1] in (b"\xa1",) else "<"
    records, at = [], _PCAP_HEADER
    while at + _PCAP_RECORD <= len(data):
        kept = struct.unpack_from(order + "I", data, at + 8)[0]
        if at + _PCAP_RECORD + kept > len(data):
            break
        records.append((data[at : at + 8], data[at + _PCAP_RECORD : at + _PCAP_RECORD + kept]))
        at += _PCAP_RECORD + kept
    if not records or rng.random() < _BLIND_SHARE:
        return blind(data, most)
    place = rng.randrange(len(records))
    kind = rng.randrange(6)
    if kind == 0:
        del records[place]
    elif kind == 1:
        records.append(records[place])
    elif kind == 2:
        records[place] = (blind(records[place][0], 8).ljust(8, b"\0"), records[place][1])
    else:
        records[place] = (records[place][0], blind(records[place][1], most))
    changed = data[:_PCAP_HEADER] + b"".join(
        time + struct.pack(order + "II", len(packet), len(packet)) + packet
        for time, packet in records
    )
    return changed if len(changed) <= most else data


def mutate_png(data: bytes, most: int, rng: Random, blind: Blind) -> bytes:
    """A picture with a chunk changed, dropped or doubled; check sums are right."""
    chunks, at = [], _PNG_SIGNATURE
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks or rng.random() < _BLIND_SHARE:
        return blind(data, most)
    place = rng.randrange(len(chunks))
    name, content = chunks[place]
    kind = rng.randrange(6)
    if kind == 0:
        del chunks[place]
    elif kind == 1:
        chunks.insert(place, chunks[place])
    elif kind == 2 and name == b"IDAT":
        chunks[place] = (name, _repacked(content, rng, blind))
    else:
        chunks[place] = (name, blind(content, most))
    changed = data[:_PNG_SIGNATURE] + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
    return changed if len(changed) <= most else data


def _repacked(content: bytes, rng: Random, blind: Blind) -> bytes:
    try:
        raw = zlib.decompressobj().decompress(content, 1 << 16)
    except zlib.error:
        return content
    return zlib.compress(blind(raw, 1 << 16))
