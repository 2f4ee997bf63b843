# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end of a file's name tells of a recording."""

from __future__ import annotations

from pathlib import PurePath

META_SUFFIX = ".sigmf-meta"
DATA_SUFFIX = ".sigmf-data"
COLLECTION_SUFFIX = ".sigmf-collection"
ARCHIVE_SUFFIXES = (".sigmf", ".sigmf.tar")
WAV_SUFFIXES = (".wav", ".wave", ".rf64", ".bw64")
SDRIQ_SUFFIX = ".sdriq"
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")

# What GNU Radio, rtl_433, inspectrum, SDR++, Universal Radio Hacker (whose number counts the bits
# of both parts), gr-osmosdr and PortaPack write under them
RAW_SUFFIXES = {
    **dict.fromkeys((".cf32", ".fc32", ".cfile", ".complex", ".complex64"), "cf32_le"),
    **dict.fromkeys((".cf64", ".fc64", ".complex128"), "cf64_le"),
    **dict.fromkeys((".cs32", ".sc32", ".ci32"), "ci32_le"),
    **dict.fromkeys((".cs16", ".sc16", ".ci16", ".c16", ".complex32s"), "ci16_le"),
    **dict.fromkeys((".cu16", ".complex32u"), "cu16_le"),
    **dict.fromkeys((".cs8", ".sc8", ".ci8", ".c8", ".complex16s"), "ci8"),
    **dict.fromkeys((".cu8", ".complex16u"), "cu8"),
}
# These name no format: who writes them, as which
AMBIGUOUS_SUFFIXES = {
    ".iq": "programs write 8-bit, 16-bit and float samples under it",
    ".raw": "it names no format: gqrx writes cf32_le, others integers",
    ".bin": "it names no format: rtl_sdr writes cu8, hackrf_transfer ci8",
    ".dat": "it names no format: GNU Radio and UHD write cf32_le or ci16_le",
    ".data": "it names no format",
    ".s8": "SatDump writes complex samples (ci8) under it, others real ones",
    ".s16": "SatDump writes complex samples (ci16_le) under it, others real ones",
    ".f32": "SatDump writes complex samples (cf32_le) under it, others real ones",
    ".u8": "it may be cu8, or real samples",
}


def is_compressed_name(name: str) -> bool:
    """Whether it is that of a compressed file."""
    return without_compression(name) != name


def without_compression(name: str) -> str:
    """A file's name without the suffix of a compressed one."""
    lower = name.lower()
    for suffix in COMPRESSED_SUFFIXES:
        if lower.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def suffix_of(name: str) -> str:
    """The last suffix in lower case, of a compressed file that of what is in it."""
    return PurePath(without_compression(name)).suffix.lower()


def is_archive_name(name: str) -> bool:
    """Whether it is that of a SigMF archive, compressed or not."""
    return without_compression(name).lower().endswith(ARCHIVE_SUFFIXES)


def stem_of(name: str) -> str:
    """What a file's results are called by: its name without what tells the format."""
    bare = without_compression(name)
    for suffix in (META_SUFFIX, DATA_SUFFIX, *ARCHIVE_SUFFIXES[::-1]):
        if bare.lower().endswith(suffix) and len(bare) > len(suffix):
            return bare[: -len(suffix)]
    return PurePath(bare).stem or bare
