# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares sets from users' own data: finds the files, splits them by recording, reads them."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.spec import CELL_COLS, SpectrogramSpec

from ..classes import Classes
from . import images, matlab, recordings, store
from .items import Item, leave_out, take_share
from .sources import ImagesConfig, MatlabConfig, OwnConfig, RecordingsConfig, SourceConfig

# Of a set's first file, for its fingerprint
READ_FRAMES = 4
READERS = {RecordingsConfig: recordings, MatlabConfig: matlab, ImagesConfig: images}


def held_back(*parts: tuple[SourceConfig, ...]) -> list[tuple[OwnConfig, list[Item]]]:
    """What each own source of the held-out ``parts`` takes, in order; none of it may be trained
    on, and no part takes what an earlier one has."""
    taken: list[tuple[OwnConfig, list[Item]]] = []
    for sources in parts:
        taken += [
            (source, take_share(_left(source, taken), source.share, leave=1))
            for source in sources
            if type(source) in READERS
        ]
    return taken


def left_to_train(source: OwnConfig, *held_out: tuple[SourceConfig, ...]) -> list[Item]:
    """What a training set takes of a source: its share of what the held-out parts leave.

    Raises UsageError if they leave nothing.
    """
    items = _left(source, held_back(*held_out))
    if not items:
        count = len({i.recording for i in READERS[type(source)].find(source)})
        raise UsageError(
            f"{source.folder}: validation has all of its recordings ({count}); give validation a "
            "share below 1, or a folder of its own"
        )
    return take_share(items, source.share)


def _left(source: OwnConfig, taken: list[tuple[OwnConfig, list[Item]]]) -> list[Item]:
    items = READERS[type(source)].find(source)
    for other, others in taken:
        items = leave_out(items, others, _same_folder(source, other))
    return items


def _same_folder(one: OwnConfig, other: OwnConfig) -> bool:
    same = Path(one.folder).resolve() == Path(other.folder).resolve()
    return same and type(one) is type(other)


def read_fingerprint(
    source: OwnConfig, items: list[Item], spec: SpectrogramSpec, classes: Classes
) -> str:
    """16 hexadecimal digits that stand for what the code makes of users' data: the first frames of
    the first file."""
    if not items:
        return ""
    frames = READERS[type(source)].read(items[0], source, spec, classes)
    few = itertools.islice(frames, READ_FRAMES)
    return store.fingerprint((store.to_steps(one.level), one.truth) for one in few)


def wanted(source: OwnConfig, items: list[Item], spec: SpectrogramSpec, classes: Classes) -> dict:
    """What a set's frames depend on, JSON-ready."""
    fields = {
        "source": source.kind,
        "config": asdict(source),
        "rows": source.rows,
        "spec_fingerprint": spec.fingerprint,
        "classes": list(classes.names),
        "read": read_fingerprint(source, items, spec, classes),
        "files": {i.name: i.digest for i in items},
    }
    return json.loads(json.dumps(fields))


def prepare(
    below: Path,
    source: OwnConfig,
    items: list[Item],
    spec: SpectrogramSpec,
    classes: Classes,
    role: str,
) -> Path:
    """Read ``items`` into a set in a folder ``below``; one made of the same files, of which the
    same frames are read, is left as it is. Everything is read before anything is written. Returns
    its folder. ``role``: the set's name.

    Raises:
        InputError: a file that cannot be used, or frames of which none is long enough.
        OutputError: the set cannot be written.
    """
    fields = wanted(source, items, spec, classes)
    place = json.dumps([fields["config"], str(Path(source.folder).resolve())], sort_keys=True)
    digest = hashlib.sha256(place.encode()).hexdigest()[:8]
    folder = below / f"{source.kind}-{Path(source.folder).name}-{role}-{digest}"
    if store.is_prepared(folder, fields):
        return folder
    levels, truths, resolutions, planes, counts = [], [], [], [], {}
    not_judged = np.full(_planes(spec, source.rows), np.nan, np.float16)
    for item in tqdm(items, desc=folder.name, unit="file"):
        before = len(levels)
        for frame in READERS[type(source)].read(item, source, spec, classes):
            levels.append(store.to_steps(frame.level))
            truths.append(frame.truth)
            resolutions.append(frame.resolution)
            planes.append(not_judged if frame.evidence is None else frame.evidence)
        counts[item.name] = len(levels) - before
    if items and not levels:
        raise InputError(
            f"{role}: no recording in {source.folder} is as long as a row of the spectrogram; "
            "record longer"
        )
    shape = (0, source.rows, spec.cols)
    store.write(
        folder,
        np.stack(levels) if levels else np.zeros(shape, np.uint8),
        np.stack(truths) if truths else np.zeros(shape, np.uint8),
        np.array(resolutions, np.float32).reshape(-1, 2),
        {**fields, "frames": len(levels), "frames_of_file": counts},
        np.array(planes).reshape(-1, *not_judged.shape) if spec.evidence_lags else None,
    )
    return folder


def _planes(spec: SpectrogramSpec, rows: int) -> tuple[int, ...]:
    """The shape of a frame's evidence."""
    return (len(spec.evidence_lags), 2, rows // spec.row_multiple, CELL_COLS)
