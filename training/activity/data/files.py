# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own recordings of CSI, with their labels in a table beside each."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from radiofm_core.csi.reader import read_csi
from radiofm_core.errors import InputError, reason_of

from ...engine.folders import existing_folder
from .clips import Clip, Span

LABELS_SUFFIX = ".labels.csv"
COLUMNS = ["start_s", "end_s", "label"]


def read_clips(folder: str | Path, labelled: bool) -> list[Clip]:
    """A clip for each sender and layout of each file in ``folder`` and below.

    Raises:
        InputError: no such folder, nothing in it, a file that cannot be read, labels that are
            missing or wrong.
    """
    top = existing_folder(folder)
    paths = sorted(p for p in top.rglob("*") if p.is_file() and not p.name.endswith(LABELS_SUFFIX))
    if not paths:
        raise InputError(f"{folder} holds no files; put recordings of CSI there")
    return [clip for path in paths for clip in _clips(path, top, labelled)]


def _clips(path: Path, top: Path, labelled: bool) -> list[Clip]:
    links = defaultdict(list)
    for packet in read_csi(path).packets:
        links[(packet.mac, packet.csi.shape, packet.subcarriers.tobytes())].append(packet)
    group = path.relative_to(top).as_posix()
    spans = _spans(path) if labelled else ()
    clips = []
    for number, packets in enumerate(links.values()):
        start_ns = packets[0].time_ns
        own = tuple(
            replace(s, start_ns=start_ns + s.start_ns, end_ns=start_ns + s.end_ns) for s in spans
        )
        clips.append(Clip(f"{group}#{number}", group, packets, own))
    return clips


def _spans(path: Path) -> tuple[Span, ...]:
    """From the first packet on."""
    table = path.with_name(path.name + LABELS_SUFFIX)
    try:
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or reason_of(error)
        raise InputError(
            f"{table}: cannot be read ({reason}); a labelled recording needs this table with "
            f"the columns {','.join(COLUMNS)}"
        ) from error
    spans = []
    for number, row in enumerate(rows, 2):
        try:
            start, end = (round(float(row[name]) * 1e9) for name in COLUMNS[:2])
            label = row["label"].strip()
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"{table}, line {number}: expected {','.join(COLUMNS)}") from error
        if not label or not start < end or (spans and start < spans[-1].end_ns):
            raise InputError(
                f"{table}, line {number}: expected ascending times without overlap and a label, "
                f"got {start * 1e-9:g} to {end * 1e-9:g} s, {label!r}"
            )
        spans.append(Span(start, end, label))
    if not spans:
        raise InputError(f"{table} holds no labels; add lines of {','.join(COLUMNS)}")
    return tuple(spans)
