# SPDX-License-Identifier: GPL-3.0-or-later
"""WAV files of I and Q."""

import struct
from functools import partial
from random import Random

import recording_files as files

from fuzz import recordings
from fuzz.harness import scratch

run = partial(recordings.read, name="x_1.92Msps.wav")
_CHUNKS = (b"fmt ", b"auxi", b"data", b"ds64", b"JUNK", b"LIST")
_LENGTHS = (0, 1, 15, 16, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def seeds() -> dict[str, bytes]:
    """Of SDR programs' layouts."""
    made = {
        "sdrsharp": lambda path: files.write_wav(path, recordings.SAMPLES, "cu8"),
        "hdsdr": lambda path: files.write_wav(path, recordings.SAMPLES, "ci24_le", files.auxi()),
        "extensible": lambda path: files.write_wav(
            path, recordings.SAMPLES, "cf32_le", extensible=True, after=files.auxi()
        ),
        "console": lambda path: files.write_rf64(
            path, recordings.SAMPLES, "ci16_le", files.xml_auxi()
        ),
    }
    return {name: write(scratch() / "seed.wav").read_bytes() for name, write in made.items()}


def mutate(data: bytes, most: int, rng: Random, blind) -> bytes:
    """Mostly a chunk's name, its length or its content changes."""
    places = [at for name in _CHUNKS for at in _all(data, name)]
    if not places or rng.random() < 0.3:
        return blind(data, most)
    changed, at, kind = bytearray(data), rng.choice(places), rng.randrange(4)
    if kind == 0:
        changed[at : at + 4] = rng.choice(_CHUNKS)
    elif kind == 1:
        length = rng.choice((*_LENGTHS, rng.randrange(2 * len(data))))
        changed[at + 4 : at + 8] = struct.pack("<I", length)
    elif kind == 2:
        changed[at + 8 : at + 48] = blind(bytes(changed[at + 8 : at + 48]), 40)
    else:
        del changed[at : at + rng.randint(1, 60)]
    return bytes(changed[:most])


def _all(data: bytes, name: bytes) -> list[int]:
    return [at for at in range(len(data) - 7) if data[at : at + 4] == name]
