# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames from ``.mat`` files laid out as by MathWorks' example "Spectrum Sensing with Deep Learning
to Identify 5G and LTE Signals": a spectrogram, and a mask of grey levels, one a class.

The paper's frames (arXiv 2411.09996) come as ``…_spect_frame_N.mat`` with ``rxSpectrogram`` and
``…_labels_frame_N.mat`` with ``data``; both in one file will do as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io

from radiofm_core.errors import InputError
from radiofm_core.spectrum.spec import SpectrogramSpec

from ...engine.mat_files import call_reader, load_numbers
from ..classes import Classes
from .items import Item, OwnFrame, find_files, recording_of
from .pictures import grey_to_db, picture_frames
from .sources import MatlabConfig

SUFFIX = ".mat"
SPECTROGRAM_PART, MASK_PART = "spect", "labels"
WHITE = 255
# Below any receiver's noise; the logarithm of 0 is none
LEAST_POWER = 1e-20


def find(config: MatlabConfig) -> list[Item]:
    """The files with spectrograms in the source's folder, with those of their masks."""
    items = []
    seen: dict[str, list[str]] = {}
    for name, path in find_files(config.folder, f"*{SUFFIX}"):
        seen[name] = keys = _keys(path)
        if config.spectrogram_key not in keys:
            continue
        files = [path]
        if config.labelled and config.mask_key not in keys:
            files.append(_mask_file(path, config))
        name = name.removesuffix(SUFFIX)
        recording = name if config.recording is None else recording_of(name, config.recording)
        items.append(Item(name, recording, tuple(files)))
    if not items:
        name, keys = next(iter(seen.items()))
        raise InputError(
            f"{config.folder}: no file holds {config.spectrogram_key!r} ({name} holds "
            f"{', '.join(keys) or 'nothing'}); set spectrogram_key"
        )
    return items


def _mask_file(path: Path, config: MatlabConfig) -> Path:
    """The file with the mask of a spectrogram that holds none itself."""
    stem = path.name
    other = path.with_name(stem.replace(SPECTROGRAM_PART, MASK_PART))
    if other != path and other.is_file() and config.mask_key in _keys(other):
        return other
    raise InputError(
        f"{path} holds no mask {config.mask_key!r}, nor is there one in {other.name}; set "
        f"mask_key, or name the files …{SPECTROGRAM_PART}… and …{MASK_PART}…"
    )


def read(
    item: Item, config: MatlabConfig, spec: SpectrogramSpec, classes: Classes
) -> Iterator[OwnFrame]:
    """The frames of a spectrogram."""
    where = str(item.files[0])
    picture = _array(item.files[0], config.spectrogram_key)
    mask = _array(item.files[-1], config.mask_key) if config.labelled else None
    if config.level == "db" and picture.dtype == np.uint8:
        raise InputError(
            f"{where}: {config.spectrogram_key}: expected dB, got grey levels (uint8); set level: "
            "image and range_db: [dB of 0, dB of 255]"
        )
    if config.level == "image":
        picture = grey_to_db(picture, WHITE, config.range_db)
    elif config.level == "power":
        picture = 10 * np.log10(np.maximum(picture, LEAST_POWER))
    yield from picture_frames(picture, mask, config, spec, classes, where)


def _keys(path: Path) -> list[str]:
    return [name for name, *_ in call_reader(scipy.io.whosmat, path)]


def _array(path: Path, key: str) -> np.ndarray:
    """The matrix of numbers under ``key``: (rows, cols)."""
    array = load_numbers(path, key)
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "buif":
        what = f"of shape {array.shape}" if isinstance(array, np.ndarray) else "missing"
        raise InputError(
            f"{path}: {key!r} is {what}; expected a matrix of real numbers, one per pixel"
        )
    return array
