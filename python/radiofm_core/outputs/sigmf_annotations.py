# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording's SigMF description with its emissions as annotations, written as a stream."""

from __future__ import annotations

import bisect
import functools
import heapq
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .. import keys
from ..fields import finite_number
from ..iso_time import sigmf_time
from ..spectrum.datatypes import sigmf_name
from ..spectrum.recordings import DATA_SUFFIX, META_SUFFIX, Capture, Recording
from .bursts import Pauses
from .sigmf_emissions import (
    EXTENSION,
    SIGMF_VERSION,
    annotations,
    declared_extensions,
    generator,
)

# These describe the data file's place and form, which differ beside the results
_DATA_KEYS = ("core:dataset", "core:metadata_only")


def global_fields(recording: Recording, model: str, complete: bool, data_linked: bool) -> dict:
    """The ``global`` object: the recording's own, and what ran over it."""
    own = recording.meta.get("global", {})
    fields = {k: v for k, v in own.items() if k not in _DATA_KEYS}
    fields["core:datatype"] = sigmf_name(recording.datatype)
    fields["core:sample_rate"] = recording.sample_rate
    fields.setdefault("core:version", SIGMF_VERSION)
    if not data_linked:
        fields["core:metadata_only"] = True
    fields["core:extensions"] = declared_extensions(
        own.get("core:extensions"), _namespaces(recording.meta)
    )
    fields[f"{EXTENSION}:model"] = model
    fields[f"{EXTENSION}:complete"] = complete
    return fields


def _namespaces(meta: Mapping) -> set[str]:
    """Of the keys of a description, without SigMF's own."""
    parts = [meta.get("global", {}), *meta.get("captures", []), *meta.get("annotations", [])]
    return {key.partition(":")[0] for part in parts for key in part if ":" in key} - {"core"}


def capture_fields(recording: Recording) -> list[dict]:
    """The ``captures`` as they were used: the recording's own, or one for a raw file."""
    own = recording.meta.get("captures")
    if not own:
        return [_fields_of(capture) for capture in recording.captures]
    fields = []
    for capture in own:
        capture = {"core:sample_start": 0, **capture}
        used = _frequency_at(recording, capture["core:sample_start"])
        # a number that is the same stays as it was written
        if capture.get("core:frequency") != used:
            capture["core:frequency"] = used
        fields.append(capture)
    return fields


def _fields_of(capture: Capture) -> dict:
    fields = {
        "core:sample_start": capture.sample_start,
        "core:frequency": capture.center_frequency,
    }
    time = sigmf_time(capture.time_s, capture.time_frac)
    if time is not None and capture.time_s:
        fields["core:datetime"] = time
    return fields


def _frequency_at(recording: Recording, sample: int) -> float:
    """Hz that the receiver was taken to be tuned to at a sample (by the description's count)."""
    place = sample - _offset(recording)
    after = bisect.bisect_right(recording.captures, place, key=lambda c: c.sample_start)
    return recording.captures[max(after - 1, 0)].center_frequency


def _offset(recording: Recording) -> int:
    return int(recording.meta.get("global", {}).get("core:offset", 0))


def write_sigmf_meta(
    file,
    recording: Recording,
    emissions: Iterable[dict],
    model: str,
    complete: bool = True,
    data_linked: bool = False,
    pauses: Mapping[int, Pauses] | None = None,
) -> None:
    """Write the description to a binary file.

    The recording's own annotations stay, except those of an earlier run of radiofm.

    Args:
        file: open for writing bytes.
        recording: what was segmented.
        emissions: by start.
        model: the bundle's name.
        complete: whether the run reached the end of the recording.
        data_linked: whether the data will lie beside the description.
        pauses: of emissions, by their place among ``emissions``.
    """
    offset = _offset(recording)
    made_by, scope = generator(model), _scope(recording, model)
    head = {
        "global": global_fields(recording, model, complete, data_linked),
        "captures": capture_fields(recording),
    }
    text = json.dumps(head, indent=2, ensure_ascii=False)
    file.write(text.removesuffix("\n}").encode() + b',\n  "annotations": [')
    new = _by_start(
        (
            emission[keys.START_OFFSET] + offset,
            annotations(
                emission,
                offset,
                made_by,
                (pauses or {}).get(index),
                scope,
                functools.partial(_span, recording),
            ),
        )
        for index, emission in enumerate(emissions)
    )
    separator = b"\n    "
    for item in heapq.merge(_kept(recording), new, key=lambda a: a["core:sample_start"]):
        file.write(separator + json.dumps(item, ensure_ascii=False).encode())
        separator = b",\n    "
    file.write(b"\n  ]\n}\n")


def _scope(recording: Recording, model: str) -> str:
    """What tells this result from others: the same run again gives the same identifiers."""
    top = recording.meta.get("global", {})
    first = recording.captures[0]
    told = [
        recording.origin.name,
        top.get("core:sha512"),
        recording.num_samples,
        recording.sample_rate,
        first.center_frequency,
        first.time_s,
        first.time_frac,
        model,
    ]
    return json.dumps(told, ensure_ascii=True)


def _span(recording: Recording, start: int, stop: int) -> tuple[float, float]:
    """(lowest, highest Hz) that the receiver saw in samples [start, stop) of the data."""
    captures, half = recording.captures, recording.sample_rate / 2
    first = bisect.bisect_right(captures, start, key=_start_of) - 1
    last = bisect.bisect_left(captures, stop, key=_start_of)
    first = max(first, 0)
    tuned = [c.center_frequency for c in captures[first : max(last, first + 1)]]
    return min(tuned) - half, max(tuned) + half


def _start_of(capture: Capture) -> int:
    return capture.sample_start


def _by_start(groups: Iterable[tuple[int, list[dict]]]) -> Iterator[dict]:
    """Annotations in SigMF's order, from (start, annotations from there on), by start."""
    later: list[tuple[int, int, dict]] = []
    number = 0
    for start, group in groups:
        while later and later[0][0] <= start:
            yield heapq.heappop(later)[2]
        for item in group:
            heapq.heappush(later, (item["core:sample_start"], number, item))
            number += 1
    while later:
        yield heapq.heappop(later)[2]


def _kept(recording: Recording) -> Iterator[dict]:
    """The recording's own annotations in SigMF's order, moved along with a capture that was used
    at another frequency than its description says."""
    own = recording.meta.get("annotations", [])
    shifts = _shifts(recording)
    kept = [
        _moved({"core:sample_start": 0, **a}, shifts)
        for a in own
        if not str(a.get("core:generator", "")).startswith(EXTENSION)
    ]
    return iter(sorted(kept, key=lambda a: a["core:sample_start"]))


def _shifts(recording: Recording) -> list[tuple[int, float]]:
    """(first sample, Hz used less Hz described) of each capture; 0 where none is described."""
    shifts, described = [], None
    for capture in recording.meta.get("captures") or ():
        start = capture.get("core:sample_start", 0)
        described = capture.get("core:frequency", described)
        used = _frequency_at(recording, start)
        shifts.append((start, 0.0 if described is None else used - described))
    return shifts


def _moved(item: dict, shifts: list[tuple[int, float]]) -> dict:
    index = bisect.bisect_right(shifts, item["core:sample_start"], key=lambda s: s[0]) - 1
    shift = shifts[max(index, 0)][1] if shifts else 0.0
    edges = ("core:freq_lower_edge", "core:freq_upper_edge")
    there = [key for key in edges if shift and finite_number(item.get(key)) is not None]
    return {**item, **{key: item[key] + shift for key in there}}


def data_link(meta_path: Path) -> Path:
    """Where the data, or a link to them, lie beside a description."""
    return meta_path.with_name(meta_path.name.removesuffix(META_SUFFIX) + DATA_SUFFIX)


def link_data(recording: Recording, meta_path: Path) -> bool:
    """Link the data beside the description, so that SigMF viewers open the pair.

    Returns False where that is not possible: the data have a header, a file of that name is
    there, or the file system has no links.
    """
    link = data_link(meta_path)
    target = os.path.relpath(recording.data_path.resolve(), link.parent.resolve())
    try:
        if not recording.is_whole_file:
            return False
        if link.is_symlink() and os.readlink(link) == target:
            return True
        if link.is_symlink():
            link.unlink()
        link.symlink_to(target)
    except OSError:
        return False
    return True
