# SPDX-License-Identifier: GPL-3.0-or-later
"""A map of what an encoder makes of the emissions in unlabelled recordings: a picture and a table.

Each patch of energy (:mod:`.patches`) is a point: the mean of the encoder's tokens
that it lies in. Points near each other are alike to the encoder; groups of them can be labelled at
once.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from radiofm_core.bundle import BundleInfo, read_bundle_info
from radiofm_core.errors import InputError, UsageError
from radiofm_core.outputs.files import output_errors
from radiofm_core.outputs.style import save
from radiofm_core.spectrum.spec import SpectrogramSpec

from .layout import find_groups, lay_out
from .patches import Frame, Patch, choose_places, open_sources, read_frames
from .picture import MOST_COLORS, Point, draw
from .tokens import encode, encoder_of

MOST_FRAMES = 200
# Around a patch, in a thumbnail: pixels, and as a share of its size
MARGIN_PIXELS, MARGIN_SHARE, LEAST_SIDE = 6, 0.25, 40
COLUMNS = (
    *("recording", "start_s", "duration_s", "frequency_hz", "bandwidth_hz"),
    *("label", "x", "y", "group"),
)


class Emission(NamedTuple):
    """A line of the table. ``start_s``: from the recording's first sample; ``frequency_hz``: its
    middle; ``label``: of an annotation that covers most of it, or None; ``x``, ``y``: on the map;
    ``group``: from 1 on, the largest first."""

    recording: str
    start_s: float
    duration_s: float
    frequency_hz: float
    bandwidth_hz: float
    label: str | None
    x: float
    y: float
    group: int


def make_map(
    folder: str,
    out: Path,
    model: str = "default",
    most: int = MOST_FRAMES,
    count: int | None = None,
) -> str:
    """Write the map of the recordings in ``folder`` as ``out`` and its table beside it; returns
    what there is to say, in a few lines.

    Args:
        folder: of SigMF recordings, with annotations or without.
        out: a PNG; the table is the same with ``.csv``.
        model: a bundle of spectrograms.
        most: frames to look at, spread over the recordings.
        count: how many groups; None: as :func:`.layout.find_groups` takes them.

    Raises:
        InputError: no recordings, one that cannot be used, or no emissions.
        BundleError, UsageError: no model with an encoder that can be taken.
        OutputError: the files cannot be written.
    """
    if out.suffix.lower() != ".png":
        raise UsageError(f"--out {out}: expected a name that ends in .png")
    if most < 1:
        raise UsageError(f"--frames {most}: expected at least 1")
    if not Path(folder).is_dir():
        raise InputError(f"{folder} is not a folder; name the one that holds your recordings")
    info = _model(model)
    encoder = encoder_of(info)
    sources = open_sources(folder, info.spec)
    chosen, total = choose_places(sources, info.spec, most)
    if not chosen:
        raise InputError(f"{folder}: all recordings are shorter than a row of a spectrogram")
    found, vectors = encode(encoder, read_frames(chosen, info.spec))
    if not found:
        raise InputError(
            f"{folder}: nothing rises above the noise in {len(chosen)} frames; what fills a whole "
            "frame does not: record a wider span, or stronger signals"
        )
    spots = lay_out(vectors)
    groups = find_groups(spots, count)
    emissions = [
        _emission(frame, patch, spot, int(group), info.spec)
        for (frame, patch), spot, group in zip(found, spots, groups, strict=True)
    ]
    named, names = _names(emissions)
    points = [
        _point(emission, name, *one)
        for emission, name, one in zip(emissions, names, found, strict=True)
    ]
    told = f"{_count(len(found), 'emission')} in {_count(int(groups.max()), 'group')}"
    facts = [told, _count(len(sources), "recording"), f"{len(chosen)} of {total} frames"]
    facts += [f"encoder of {info.name}", f"coloured by {named}"]
    figure = draw(points, f"Emissions in {Path(folder).resolve().name}", facts)
    table = out.with_suffix(".csv")
    _write(figure, emissions, out, table)
    return (
        f"{told}, from {len(chosen)} of {total} frames of "
        f"{_count(len(sources), 'recording')}\nwrote {out} and {table}"
    )


def _model(name: str) -> BundleInfo:
    info = read_bundle_info(name)
    if not isinstance(info.spec, SpectrogramSpec):
        raise UsageError(
            f"{info.path} is a model for {info.task!r}; take one of spectrograms, such as default"
        )
    if len(info.spec.channels) != 1:
        raise UsageError(
            f"{info.path} takes the channels {', '.join(info.spec.channels)}; recordings are read "
            "with one, mean: take another model"
        )
    return info


def _emission(
    frame: Frame, patch: Patch, spot: np.ndarray, group: int, spec: SpectrogramSpec
) -> Emission:
    place, (center, rate) = frame.place, frame.place.span
    row_s, bin_hz = place.row_samples / rate, rate / spec.cols
    first, end = patch.rows
    low, high = (center + (col - (spec.cols + 1) / 2) * bin_hz for col in patch.cols)
    return Emission(
        frame.source.name,
        place.start / rate + first * row_s,
        (end - first) * row_s,
        (low + high) / 2,
        high - low,
        patch.label,
        float(spot[0]),
        float(spot[1]),
        group,
    )


def _names(emissions: list[Emission]) -> tuple[str, list[str]]:
    """What colours tell, and that of each emission: labels, where there are any; else recordings,
    or, of many, the folders that they lie in."""
    if any(emission.label for emission in emissions):
        return "label", [emission.label or "no label" for emission in emissions]
    names = [emission.recording for emission in emissions]
    folders = [str(Path(name).parent) for name in names]
    if len(set(names)) > MOST_COLORS and len(set(folders)) > 1:
        return "folder", folders
    return "recording", names


def _point(emission: Emission, name: str, frame: Frame, patch: Patch) -> Point:
    (top, end), (first, last) = patch.rows, patch.cols
    rows = _around(top, end, frame.place.rows)
    cols = _around(first, last, frame.level.shape[1])
    crop = frame.level[slice(*rows), slice(*cols)] - np.float16(patch.noise_db)
    box = (top - rows[0], end - rows[0], first - cols[0], last - cols[0])
    caption = f"{_unit(emission.bandwidth_hz, 'Hz')} · {_unit(emission.duration_s, 's')}"
    return Point((emission.x, emission.y), emission.group, name, crop, box, caption)


def _around(first: int, end: int, size: int) -> tuple[int, int]:
    """A stretch with what is around it, within 0 .. size."""
    margin = max(MARGIN_PIXELS, round(MARGIN_SHARE * (end - first)))
    margin = max(margin, (LEAST_SIDE - (end - first)) // 2)
    return max(0, first - margin), min(size, end + margin)


def _unit(value: float, unit: str) -> str:
    for scale, prefix in ((1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ")):
        if value >= scale * 0.9995:
            return f"{value / scale:.3g} {prefix}{unit}"
    return f"{value / 1e-6:.2g} µ{unit}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _write(figure, emissions: list[Emission], picture: Path, table: Path) -> None:
    """Both files, or neither."""
    parts = [path.with_name(f".{path.name}.part") for path in (picture, table)]
    try:
        with output_errors(picture, advice="make room there or name another --out"):
            picture.parent.mkdir(parents=True, exist_ok=True)
            with parts[0].open("wb") as file:
                save(figure, file)
            with parts[1].open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows(map(_line, emissions))
            for part, path in zip(parts, (picture, table), strict=True):
                part.replace(path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _line(emission: Emission) -> list[str]:
    one = emission
    return [
        one.recording,
        f"{one.start_s:.6f}",
        f"{one.duration_s:.6f}",
        f"{one.frequency_hz:.0f}",
        f"{one.bandwidth_hz:.0f}",
        one.label or "",
        f"{one.x:.4f}",
        f"{one.y:.4f}",
        str(one.group),
    ]
