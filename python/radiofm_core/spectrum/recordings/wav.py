# SPDX-License-Identifier: GPL-3.0-or-later
"""WAV files of I and Q: RIFF, RF64 and BW64, as SDR#, HDSDR, SDRuno, SDR Console, SDRangel, SDR++
and SatDump write them.

RF64 and its ``ds64`` chunk: EBU Tech 3306; BW64: ITU-R BS.2088; ``WAVE_FORMAT_EXTENSIBLE``:
Microsoft, *Multiple channel audio data and WAVE files*.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...errors import InputError
from .facts import Facts
from .found import Found, Segment
from .wav_auxi import read_auxi

_FORMS = (b"RIFF", b"RF64", b"BW64", b"RIFX")
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_DATATYPES = {
    (_PCM, 8): "cu8",
    (_PCM, 16): "ci16",
    (_PCM, 24): "ci24",
    (_PCM, 32): "ci32",
    (_FLOAT, 32): "cf32",
    (_FLOAT, 64): "cf64",
}
# A length of 32 bits that says: see the ds64 chunk, or was never filled in
_UNTOLD = 0xFFFFFFFF
_MOST_CHUNKS = 1000
_MOST_CHUNK_BYTES = 1 << 20


@dataclass
class _Chunks:
    """What was read of a file's chunks."""

    format: bytes = b""
    auxi: bytes = b""
    data_start: int = 0
    data_bytes: int | None = None


def is_wav(head: bytes) -> bool:
    """Whether a file that begins with these 12 bytes is one."""
    return head[:4] in _FORMS and head[8:12] == b"WAVE"


def read_wav(data_path: Path, shown: Path) -> Found:
    """What a WAV file tells.

    Args:
        data_path: the file.
        shown: what errors call it.

    Raises:
        InputError: it does not hold I and Q, or nothing can be read of it.
    """
    size = data_path.stat().st_size
    with data_path.open("rb") as file:
        order = ">" if file.read(4) == b"RIFX" else "<"
        chunks = _read_chunks(file, size, order)
    if not chunks.format:
        raise InputError(f"{shown}: a WAV file without a format chunk; it is damaged")
    if chunks.data_bytes is None:
        raise InputError(f"{shown}: a WAV file without a data chunk; it is cut short")
    datatype, rate = _format(chunks.format, order, shown)
    center, time = read_auxi(chunks.auxi, order)
    found = Found(
        data_path,
        shown,
        Facts(datatype, float(rate)),
        "WAV header",
        chunks.data_start,
        may_be_local=True,
        segments=[Segment(0, center, time)],
    )
    found.data_bytes = _data_bytes(chunks, size, found)
    return found


def _read_chunks(file: BinaryIO, size: int, order: str) -> _Chunks:
    chunks, long_bytes, place = _Chunks(), 0, 12
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            break
        name, length = head[:4], struct.unpack_from(order + "I", head, 4)[0]
        place += 8
        if name == b"data":
            length = long_bytes if length == _UNTOLD and long_bytes else length
            if chunks.data_bytes is None:
                chunks.data_start, chunks.data_bytes = place, length
            if not 0 < length <= size - place:
                break
        elif name == b"ds64":
            content = file.read(16)
            long_bytes = int.from_bytes(content[8:], "little")
        elif name == b"fmt " and not chunks.format:
            chunks.format = file.read(min(length, _MOST_CHUNK_BYTES))
        elif name == b"auxi" and not chunks.auxi:
            chunks.auxi = file.read(min(length, _MOST_CHUNK_BYTES))
        # what follows the data may tell more
        place += length + length % 2
    return chunks


def _format(content: bytes, order: str, shown: Path) -> tuple[str, int]:
    """(datatype, samples a second)."""
    if len(content) < 16:
        raise InputError(f"{shown}: a WAV file whose format chunk is cut short; it is damaged")
    tag, channels, rate, _, block, bits = struct.unpack_from(order + "HHIIHH", content)
    if tag == _EXTENSIBLE and len(content) >= 26:
        tag = struct.unpack_from(order + "H", content, 24)[0]
    if channels != 2:
        what = "channel" if channels == 1 else "channels"
        raise InputError(
            f"{shown}: a WAV file of {channels} {what}, expected 2 (I and Q): it is audio, or of "
            "several receivers"
        )
    datatype = _DATATYPES.get((tag, bits))
    if datatype is None or block != bits // 4:
        raise InputError(
            f"{shown}: a WAV file of format {tag} with {bits} bits in blocks of {block} bytes, "
            "expected PCM of 8, 16, 24 or 32 bits, or float of 32 or 64 bits"
        )
    if datatype == "cu8":
        return datatype, rate
    return f"{datatype}_{'be' if order == '>' else 'le'}", rate


def _data_bytes(chunks: _Chunks, size: int, found: Found) -> int:
    """Of the samples: what the header tells where that can be, else what there is."""
    there, told = size - chunks.data_start, chunks.data_bytes
    if told == there:
        return told
    name = found.shown.name
    if told in (0, _UNTOLD):
        found.warnings.append(
            f"{name}: its header does not tell how long it is: it was not closed; all {there} "
            "bytes are taken as samples"
        )
        return there
    if told > there:
        found.warnings.append(
            f"{name}: its header tells of {told} bytes of samples, there are {there}: it is cut "
            "short"
        )
        return there
    # lengths of 32 bits begin again at 0 every 4 GiB
    if there >= 2**32 and told < 2**32:
        found.warnings.append(
            f"{name}: its header tells of {told} bytes of samples, there are {there}, more than "
            "a WAV header can tell; all are taken"
        )
        return there
    if there - told >= 8 and not _is_chunk(found.data_path, chunks.data_start + told + told % 2):
        found.warnings.append(
            f"{name}: {there - told} bytes follow the {told} that its header tells of, and are "
            "left out"
        )
    return told


def _is_chunk(path: Path, place: int) -> bool:
    with path.open("rb") as file:
        file.seek(place)
        head = file.read(8)
        rest = os.fstat(file.fileno()).st_size - file.tell()
    # more than one byte of padding is no chunk, and nobody's samples
    if len(head) < 8 or not any(head):
        return True
    name, length = head[:4], int.from_bytes(head[4:], "little")
    return all(32 <= byte < 127 for byte in name) and length <= rest + 1
