# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of an encoder and of its masked autoencoder, and which there can be."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("patch", "stem", "plain")


@dataclass(frozen=True)
class Sizes:
    """``kind``: ``patch`` (:mod:`training.encoder.patches`), ``stem`` (:mod:`training.encoder.vit`)
    or ``plain`` (the paper's, :mod:`training.encoder.plain`). ``stem_widths``: channels at 1/4 and
    1/8 of the first two. ``expansion``: of the transformer's MLPs (``patch``). ``decoder_...``: of
    the decoder in pre-training (``patch``, ``plain``).

    Raises ValueError, naming what does not fit.
    """

    dim: int = 192
    depth: int = 6
    heads: int = 3
    stem_widths: tuple[int, int] = (48, 96)
    kind: str = "stem"
    expansion: int = 4
    decoder_dim: int = 256
    decoder_depth: int = 8
    decoder_heads: int = 16

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}; expected one of {', '.join(KINDS)}")
        if self.dim % (4 * self.heads):
            raise ValueError(f"dim {self.dim} must be a multiple of 4 x heads ({self.heads})")
        if self.decoder_dim % self.decoder_heads or self.decoder_dim % 4:
            raise ValueError(
                f"decoder_dim {self.decoder_dim} must be a multiple of 4 and of decoder_heads "
                f"({self.decoder_heads})"
            )
