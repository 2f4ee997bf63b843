# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sizes of models can be."""

from __future__ import annotations

KINDS = ("stem", "plain")


def check_sizes(kind: str, dim: int, heads: int, decoder_dim: int, decoder_heads: int) -> None:
    """Raises ValueError, naming what does not fit."""
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; choose from {', '.join(KINDS)}")
    if dim % (4 * heads):
        raise ValueError(f"dim {dim} must be a multiple of 4 x heads ({heads})")
    if decoder_dim % decoder_heads or decoder_dim % 4:
        raise ValueError(
            f"decoder_dim {decoder_dim} must be a multiple of 4 and of decoder_heads "
            f"({decoder_heads})"
        )
