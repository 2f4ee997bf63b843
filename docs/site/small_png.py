# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures small enough to be kept in the repository."""

from __future__ import annotations

import io

from PIL import Image

COLORS = 256


def small_png(png: bytes, width: int | None = None, colors: int = COLORS) -> bytes:
    """The same picture with at most ``colors`` colours, scaled down to ``width`` if it is wider."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    if width is not None and image.width > width:
        height = round(image.height * width / image.width)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    few = image.quantize(
        colors, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
    )
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()
