# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames from pairs of pictures: ``images/NAME.png`` (grey levels) and ``masks/NAME.png``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from radiofm_core.errors import InputError, reason_of
from radiofm_core.spectrum.spec import SpectrogramSpec

from ...engine.folders import existing_folder
from ..classes import Classes
from .items import Item, OwnFrame, find_files, recording_of
from .pictures import grey_to_db, picture_frames
from .sources import ImagesConfig

SUFFIX = ".png"
# Pillow's modes of one number a pixel, and that of white
WHITE = {"1": 1, "L": 255, "P": 255, "I;16": 65535, "I;16B": 65535, "I": 65535}


def find(config: ImagesConfig) -> list[Item]:
    """The pairs in the source's folder; raises InputError for an image without its mask."""
    folder = existing_folder(config.folder)
    items = []
    for name, path in find_files(folder / "images", f"*{SUFFIX}"):
        files = [path]
        if config.labelled:
            files.append(folder / "masks" / name)
            if not files[1].is_file():
                raise InputError(
                    f"{path} has no mask {files[1]}; put it there, or leave the image out"
                )
        name = name.removesuffix(SUFFIX)
        if config.recording is None:
            recording = re.sub(r"[ _.-]*\d+$", "", name)
        else:
            recording = recording_of(name, config.recording)
        items.append(Item(name, recording, tuple(files)))
    return items


def read(
    item: Item, config: ImagesConfig, spec: SpectrogramSpec, classes: Classes
) -> Iterator[OwnFrame]:
    """The frames of a pair."""
    image, mode = read_image(item.files[0])
    if mode == "P":
        raise InputError(f"{item.files[0]} has a colour palette; save it in grey levels")
    mask = read_image(item.files[1])[0] if config.labelled else None
    level_db = grey_to_db(image, WHITE[mode], config.range_db)
    yield from picture_frames(level_db, mask, config, spec, classes, str(item.files[0]))


def read_image(path: Path) -> tuple[np.ndarray, str]:
    """A picture of one number a pixel, (height, width), and Pillow's name of its mode."""
    try:
        with warnings.catch_warnings():
            # of so many pixels that they would fill the memory
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as image:
                if image.mode not in WHITE:
                    raise InputError(
                        f"{path} is a picture of mode {image.mode}; save it with one grey level "
                        "(mode L) per pixel"
                    )
                return np.asarray(image).astype(np.int32), image.mode
    except InputError:
        raise
    # Pillow raises SyntaxError and others for broken PNG files
    except Exception as error:
        reason = reason_of(error)
        raise InputError(f"{path} cannot be read as a picture ({reason}); save it again") from error
