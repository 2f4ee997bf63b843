# SPDX-License-Identifier: GPL-3.0-or-later
"""What spectrograms made elsewhere have in common, whatever file they came in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec

from ...waveforms.span import IGNORE
from ..classes import Classes
from .items import OwnFrame, cut_rows
from .labels import classes_of_values
from .sources import ImagesConfig, MatlabConfig

PictureConfig = ImagesConfig | MatlabConfig


def upright(picture: np.ndarray, frequency: str) -> np.ndarray:
    """Rows of time, columns of ascending frequency; ``frequency``: where it grows in
    ``picture`` (right, up or down)."""
    if frequency == "right":
        return picture
    return picture.T if frequency == "down" else picture[::-1].T


def picture_frames(
    level_db: np.ndarray,
    mask: np.ndarray | None,
    config: PictureConfig,
    spec: SpectrogramSpec,
    classes: Classes,
    where: str,
) -> Iterator[OwnFrame]:
    """Frames cut from one picture.

    Args:
        level_db: as it was stored, in dB.
        mask: its mask's values, same shape; None leaves every pixel unscored.
        config: how to read it.
        spec: what a frame is.
        classes: what values stand for.
        where: the file, for messages.

    Raises:
        InputError: a size that does not fit, a value that stands for no class.
        UsageError: a resolution outside the spec's range.
    """
    # What does not fit into 32 bits becomes infinite, and is refused for it
    with np.errstate(over="ignore", invalid="ignore"):
        level_db = upright(level_db, config.frequency).astype(np.float32)
    rows, cols = level_db.shape
    if cols != spec.cols or rows < config.rows:
        raise InputError(
            f"{where} has {rows} rows (time) and {cols} columns (frequency), expected {spec.cols} "
            f"columns and at least {config.rows} rows: make it with {spec.cols} frequency bins, "
            "set rows, or set frequency (right, up, down) if its axes are swapped"
        )
    if not np.isfinite(level_db).all():
        raise InputError(f"{where} holds values that are not finite; make it again without them")
    if mask is None:
        truth = np.full(level_db.shape, IGNORE, np.uint8)
    elif upright(mask, config.frequency).shape != level_db.shape:
        raise InputError(
            f"{where}: its mask has size {mask.shape}, the spectrogram {level_db.shape}; make "
            "them equal"
        )
    else:
        truth = classes_of_values(upright(mask, config.frequency), config.values, classes, where)
    resolution = _resolution(config, rows, spec)
    for row in cut_rows(rows, config.rows):
        part = slice(row, row + config.rows)
        yield OwnFrame(level_db[part], truth[part], resolution)


def _resolution(config: PictureConfig, rows: int, spec: SpectrogramSpec) -> tuple[float, float]:
    row_s = config.duration / rows
    rate = spec.check_sample_rate(config.sample_rate)
    if not spec.row_duration_min <= row_s <= spec.row_duration_max:
        raise UsageError(
            f"duration {config.duration:g} s in {rows} rows is {row_s * 1e6:.3g} µs per row; "
            f"expected {spec.row_duration_min * 1e6:g} to {spec.row_duration_max * 1e6:g}"
        )
    return rate / spec.cols, row_s


def grey_to_db(grey: np.ndarray, white: int, range_db: tuple[float, float]) -> np.ndarray:
    """Grey levels 0 .. ``white`` to dB."""
    low, high = range_db
    return low + grey.astype(np.float32) * ((high - low) / white)
