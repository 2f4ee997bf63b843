# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files of samples: only the name tells of them, or a text beside them."""

from __future__ import annotations

import re
from pathlib import Path

from .facts import Facts
from .found import Found, Segment
from .suffixes import suffix_of

# PortaPack writes BBD_0001.C16 and BBD_0001.TXT
_TEXT_BESIDE = (".c16", ".c8")
_LINE = re.compile(r"^\s*(sample_rate|center_frequency)\s*=\s*(\d{1,15})\s*$", re.MULTILINE)
_MOST_TEXT_BYTES = 1 << 12


def read_raw(data_path: Path, shown: Path) -> Found:
    """What lies beside a raw file."""
    found = Found(data_path, shown)
    if suffix_of(shown.name) in _TEXT_BESIDE:
        for suffix in (".TXT", ".txt"):
            text = shown.with_suffix(suffix)
            if text.is_file():
                _add(found, text)
                break
    return found


def _add(found: Found, text: Path) -> None:
    with text.open("rb") as file:
        told = dict(_LINE.findall(file.read(_MOST_TEXT_BYTES).decode("ascii", "replace")))
    if "sample_rate" in told:
        found.header_kind = text.name
        found.header = Facts(sample_rate=float(told["sample_rate"]))
        center = float(told.get("center_frequency", 0)) or None
        found.segments = [Segment(center_frequency=center)]
