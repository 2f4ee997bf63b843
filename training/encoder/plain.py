# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain ViT of "Building 6G Radio Foundation Models with Transformer Architectures"
(arXiv 2411.09996): 16x16 patches, sine-cosine positions, a class token, pre-trained as a masked
autoencoder ("Masked Autoencoders Are Scalable Vision Learners", arXiv 2111.06377).

It is told no resolution: the argument is there because all models are called alike. Shapes as in
:mod:`training.encoder.vit`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .inputs import PATCH, Normalise, Positions
from .sizes import Sizes
from .vit import Block


class PlainEncoder(nn.Module):
    """Patches through a transformer; of a masked input only the visible patches."""

    def __init__(self, channels: int, dim: int, depth: int, heads: int):
        super().__init__()
        self.dim = dim
        self.normalise = Normalise()
        self.embed = nn.Conv2d(channels, dim, PATCH, stride=PATCH)
        self.positions = Positions(dim, 10000.0)
        self.class_token = nn.Parameter(torch.zeros(dim))
        self.blocks = nn.ModuleList([Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        nn.init.normal_(self.class_token, std=0.02)

    def forward(self, x: Tensor, keep: Tensor | None = None, real: Tensor | None = None) -> Tensor:
        """Normalised input to tokens.

        Args:
            x: (B, C, R, W) from :class:`Normalise`.
            keep: (B, K) indexes of the patches to look at, or None for all (K = T).
            real: (B, K) bool, False where ``keep`` is a filler that nothing may look at.

        Returns:
            (B, 1 + K, D), the class token first.
        """
        patches = self.embed(x.to(self.embed.weight.dtype))
        t = patches.flatten(2).transpose(1, 2)
        t = t + self.positions(patches.shape[2], patches.shape[3]).to(t.dtype)
        if keep is not None:
            t = t.gather(1, keep[:, :, None].expand(-1, -1, self.dim))
        first = self.class_token.to(t.dtype).expand(t.shape[0], 1, self.dim)
        t = torch.cat([first, t], dim=1)
        attend: Tensor | None = None
        if real is not None:
            attend = functional.pad(real, (1, 0), value=True)[:, None, None]
        for block in self.blocks:
            t = block(t, attend)
        return self.norm(t)


class PlainAutoencoder(nn.Module):
    """The masked autoencoder around an encoder.

    Args:
        encoder, embed, positions: what leads to the decoder.
        blocks: the decoder's first ones; it makes the others itself.
        config: the decoder's sizes (``decoder_...``).
        channels: of the input.
    """

    def __init__(
        self,
        encoder: PlainEncoder,
        embed: nn.Linear,
        positions: Positions,
        blocks: Sequence[Block],
        config: Sizes,
        channels: int,
    ):
        super().__init__()
        width = config.decoder_dim
        self.encoder, self.embed, self.positions = encoder, embed, positions
        more = config.decoder_depth - len(blocks)
        self.blocks = nn.ModuleList(
            [*blocks, *(Block(width, config.decoder_heads) for _ in range(more))]
        )
        self.mask_token = nn.Parameter(torch.zeros(width))
        nn.init.normal_(self.mask_token, std=0.02)
        self.norm = nn.LayerNorm(width)
        self.reconstruct = nn.Linear(width, channels * PATCH * PATCH)

    def reconstruction(self, target: Tensor, masked: Tensor) -> Tensor:
        """What hidden patches were.

        Args:
            target: (B, C, R, W), as the encoder sees it.
            masked: (B, T) bool, True where a patch is hidden.

        Returns:
            (B, C, R, W).
        """
        rows, cols = target.shape[2] // PATCH, target.shape[3] // PATCH
        visible = (~masked).sum(1)
        most = int(visible.max())
        keep = masked.to(torch.uint8).argsort(dim=1, stable=True)[:, :most]
        # Masks of whole rows or columns leave a little more or less to see than random ones.
        real = torch.arange(most, device=masked.device) < visible[:, None]
        t = self.embed(self.encoder(target, keep, None if bool(real.all()) else real))
        whole = self.mask_token.to(t.dtype).expand(*masked.shape, -1)
        whole = whole.scatter(1, keep[:, :, None].expand(-1, -1, t.shape[2]), t[:, 1:])
        whole = torch.where(masked[:, :, None], self.mask_token.to(t.dtype), whole)
        whole = whole + self.positions(rows, cols).to(t.dtype)
        t = torch.cat([t[:, :1], whole], dim=1)
        for block in self.blocks:
            t = block(t)
        patches = self.reconstruct(self.norm(t[:, 1:])).transpose(1, 2)
        return functional.pixel_shuffle(patches.unflatten(2, (rows, cols)).float(), PATCH)
