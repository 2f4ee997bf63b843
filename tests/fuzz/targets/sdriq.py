# SPDX-License-Identifier: GPL-3.0-or-later
"""SDRangel's recordings; the checksum of a changed header is right."""

import zlib
from functools import partial
from random import Random

import recording_files as files

from fuzz import recordings
from fuzz.harness import scratch

run = partial(recordings.read, name="x.sdriq")


def seeds() -> dict[str, bytes]:
    """Of 16 and of 24 bits."""
    path = scratch() / "seed.sdriq"
    return {
        str(bits): files.write_sdriq(path, recordings.SAMPLES, bits).read_bytes()
        for bits in (16, 24)
    }


def mutate(data: bytes, most: int, rng: Random, blind) -> bytes:
    """The header or the samples change."""
    if rng.random() < 0.3:
        return blind(data, most)
    head = blind(data[:28], 28).ljust(28, b"\0")[:28]
    return (head + zlib.crc32(head).to_bytes(4, "little") + data[32:])[:most]
