# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings as the programs of others write them, and their twins as SigMF pairs."""

from __future__ import annotations

import json
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pmt
from gnuradio import blocks, gr

RATE = 1_920_000
CENTER = 1_800_000_000
TIME = datetime(2016, 1, 1, 23, 19, 14, tzinfo=UTC)
DTYPES = {"ci8": "i1", "cu8": "u1", "ci16": "<i2", "cu16": "<u2", "ci32": "<i4", "cf32": "<f4"}
PCM, FLOAT = 1, 3


def stored(samples: np.ndarray, datatype: str) -> bytes:
    """Complex samples, full scale 1.0, as a format stores them."""
    parts = np.ascontiguousarray(samples, np.complex128).view(float)
    kind = datatype.partition("_")[0]
    if kind in ("cf32", "cf64"):
        return parts.astype({"cf32": "<f4", "cf64": "<f8"}[kind]).tobytes()
    bits = int(kind[2:])
    top = 2.0 ** (bits - 1)
    values = np.clip(np.round(parts * top), -top, top - 1).astype(np.int64)
    if kind[1] == "u":
        values += int(top)
    if bits == 24:
        return (values << 8).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
    return values.astype(DTYPES[kind]).tobytes()


def zstd_compressed(data: bytes) -> bytes:
    """Data as ``zstd`` packs them."""
    try:
        from compression.zstd import compress  # Python 3.14
    except ImportError:
        from zstandard import compress
    return compress(data)


def write_twin(stem: Path, samples, datatype: str, center=CENTER, time=TIME, rate=RATE) -> Path:
    """The same as a SigMF pair; returns its description."""
    capture = {"core:sample_start": 0}
    if center is not None:
        capture["core:frequency"] = center
    if time is not None:
        capture["core:datetime"] = time.isoformat().replace("+00:00", "Z")
    top = {"core:datatype": datatype, "core:sample_rate": rate, "core:version": "1.2.5"}
    stem.with_name(stem.name + ".sigmf-data").write_bytes(stored(samples, datatype))
    meta = stem.with_name(stem.name + ".sigmf-meta")
    meta.write_text(json.dumps({"global": top, "captures": [capture], "annotations": []}))
    return meta


def chunk(name: bytes, content: bytes, length: int | None = None) -> bytes:
    """A chunk of RIFF, padded to an even length."""
    told = len(content) if length is None else length
    return name + struct.pack("<I", told) + content + b"\0" * (len(content) % 2)


def wav_format(datatype: str, rate=RATE, channels=2, extensible=False) -> bytes:
    """The format chunk of a WAV file of I and Q."""
    kind = datatype.partition("_")[0]
    tag, bits = (FLOAT if kind[1] == "f" else PCM), int(kind[2:])
    block = channels * bits // 8
    shown = 0xFFFE if extensible else tag
    content = struct.pack("<HHIIHH", shown, channels, rate, rate * block, block, bits)
    if extensible:
        guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
        content += struct.pack("<HHI", 22, bits, 3) + guid
    return chunk(b"fmt ", content)


def auxi(time=TIME, center=CENTER) -> bytes:
    """SpectraVue's chunk: SYSTEMTIMEs, ten numbers, the name of the next file."""
    start = struct.pack(
        "<8H",
        *(time.year, time.month, time.isoweekday() % 7, time.day),
        *(time.hour, time.minute, time.second, time.microsecond // 1000),
    )
    return chunk(b"auxi", 2 * start + struct.pack("<9I", center, RATE, *7 * (0,)) + 96 * b"\0")


def xml_auxi(time=TIME, center=CENTER) -> bytes:
    """SDR Console's chunk, of which this is a part."""
    text = (
        '<?xml version="1.0"?>\r\n<SDR-XML-Root xml:lang="EN" Description="Saved recording data" '
        f'Created="{time:%d-%b-%Y %H:%M}"><Definition CurrentTimeUTC="{time:%d-%m-%Y %H:%M:%S}" '
        'Filename="02-Jan-2016 001914.012 1800.000MHz.wav" RadioModel="RTL Dongle - R820T" '
        f'SoftwareName="SDR Console" SampleRate="{RATE}" RadioCenterFreq="{center}" '
        f'UTCSeconds="{int(time.timestamp())}"></Definition></SDR-XML-Root>\r\n\0'
    )
    return chunk(b"auxi", text.encode("utf-16-le"))


def write_wav(path: Path, samples, datatype: str, *before: bytes, after=b"", **of_format) -> Path:
    """A RIFF file: format, the chunks ``before`` the data, data, what comes ``after``."""
    data = chunk(b"data", stored(samples, datatype))
    body = b"WAVE" + wav_format(datatype, **of_format) + b"".join(before) + data + after
    path.write_bytes(chunk(b"RIFF", body))
    return path


def write_rf64(path: Path, samples, datatype: str, *before: bytes, form=b"RF64") -> Path:
    """The same with its length in a ds64 chunk (EBU Tech 3306)."""
    data = stored(samples, datatype)
    count = len(data) // (len(stored(samples[:1], datatype)))
    long = chunk(b"ds64", struct.pack("<QQQI", 0, len(data), count, 0))
    body = b"WAVE" + long + wav_format(datatype) + b"".join(before)
    path.write_bytes(chunk(form, body + chunk(b"data", data, 0xFFFFFFFF), 0xFFFFFFFF))
    return path


def write_sdriq(path: Path, samples, bits=16, time=TIME, center=CENTER) -> Path:
    """What SDRangel writes (``sdrbase/dsp/filerecord.cpp``), in its builds of 16 and 24 bits."""
    head = struct.pack("<IQQII", RATE, center, int(time.timestamp() * 1000), bits, 0)
    data = stored(samples, "ci16_le")
    if bits == 24:
        data = (np.frombuffer(data, "<i2").astype("<i4") << 8).tobytes()
    path.write_bytes(head + struct.pack("<I", zlib.crc32(head)) + data)
    return path


# GNU Radio's type, and what gives items of one complex sample, whatever it consists of
FILE_META_KINDS = {
    "cf32_le": (blocks.GR_FILE_FLOAT, blocks.vector_source_c, "<c8"),
    "ci16_le": (blocks.GR_FILE_SHORT, blocks.vector_source_i, "<i4"),
    "ci8": (blocks.GR_FILE_BYTE, blocks.vector_source_s, "<i2"),
}


def write_file_meta(
    path: Path, samples, datatype="cf32_le", detached=False, segment=1_000_000, retunes=(), **more
) -> Path:
    """What GNU Radio's own File Meta Sink writes.

    Args:
        path: of the data.
        samples: complex.
        datatype: one of FILE_META_KINDS.
        detached: whether the headers go into a file of their own.
        segment: items after which the sink begins a new one.
        retunes: (sample, Hz, whole seconds and the rest or None, S/s or None) of tags.
        more: of the sink.
    """
    kind, source_of, item = FILE_META_KINDS[datatype]
    tags = []
    for at, center, time, rate in retunes or ((0, CENTER, (int(TIME.timestamp()), 0.0), None),):
        tags.append((at, "rx_freq", pmt.from_double(center)))
        if rate is not None:
            tags.append((at, "rx_rate", pmt.from_double(rate)))
        if time is not None:
            told = pmt.make_tuple(pmt.from_uint64(time[0]), pmt.from_double(time[1]))
            tags.append((at, "rx_time", told))
    made = [gr.tag_utils.python_to_tag((at, pmt.intern(key), value)) for at, key, value in tags]
    top = gr.top_block()
    items = np.frombuffer(stored(samples, datatype), item)
    source = source_of(items.tolist(), False, 1, made)
    options = {"samp_rate": RATE, "type": kind, "complex": True, "max_segment_size": segment}
    options |= {"extra_dict": pmt.make_dict(), "detached_header": detached, **more}
    sink = blocks.file_meta_sink(items.itemsize, str(path), **options)
    top.connect(source, sink)
    top.run()
    sink.close()
    return path
