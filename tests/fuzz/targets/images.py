# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of spectrograms and of masks."""

import io

import numpy as np
from PIL import Image

from fuzz.harness import may_refuse, written
from fuzz.records import mutate_png
from radiofm_core.errors import InputError
from training.segmentation.data.images import read_image

mutate = mutate_png


def seeds() -> dict[str, bytes]:
    """Grey of 8 and 16 bits, black and white, and a palette."""
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pictures = {
        "grey": Image.fromarray(grey),
        "fine": Image.fromarray(grey.astype(np.uint16) * 257),
        "two": Image.fromarray(grey > 99),
        "palette": Image.fromarray(grey).convert("P"),
    }
    return {name: _saved(picture) for name, picture in pictures.items()}


def _saved(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "png")
    return out.getvalue()


def run(data: bytes) -> None:
    """Read it."""
    with may_refuse(InputError):
        values, _ = read_image(written("x.png", data))
        assert values.ndim == 2
