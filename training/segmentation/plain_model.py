# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's segmenter (arXiv 2411.09996) on the plain encoder, and the masked autoencoder that
pre-trains it. Shapes as in :mod:`training.encoder.vit`."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ..encoder.inputs import PATCH, Positions
from ..encoder.plain import PlainAutoencoder, PlainEncoder
from ..encoder.vit import Block
from ..engine.masks import masked_loss
from .model import CalibratedSegmenter, ModelConfig

HEAD_BLOCKS = 2


class PlainSegmenter(CalibratedSegmenter):
    """The encoder, and the paper's head: a linear layer, two transformer blocks (the first ones
    of the decoder that pre-training used) and a linear layer to the pixels of each patch."""

    def __init__(self, config: ModelConfig, channels: int, classes: int):
        super().__init__(classes)
        self.encoder = PlainEncoder(channels, config.dim, config.depth, config.heads)
        self.embed = nn.Linear(config.dim, config.decoder_dim)
        self.positions = Positions(config.decoder_dim, 10000.0)
        blocks = min(HEAD_BLOCKS, config.decoder_depth)
        self.blocks = nn.ModuleList(
            [Block(config.decoder_dim, config.decoder_heads) for _ in range(blocks)]
        )
        self.norm = nn.LayerNorm(config.decoder_dim)
        self.classify = nn.Linear(config.decoder_dim, classes * PATCH * PATCH)

    def logits(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor | None = None
    ) -> Tensor:
        """As :meth:`CalibratedSegmenter.logits`; evidence is not looked at."""
        rows, cols = frames_db.shape[2] // 16, frames_db.shape[3] // 16
        t = self.embed(self.encoder(self.encoder.normalise(frames_db)))
        positions = functional.pad(self.positions(rows, cols), (0, 0, 1, 0))
        t = t + positions.to(t.dtype)
        for block in self.blocks:
            t = block(t)
        y = self.classify(self.norm(t[:, 1:])).transpose(1, 2)
        y = y.reshape(y.shape[0], y.shape[1], rows, cols)
        return functional.pixel_shuffle(y, 16).float()


class PlainMaskedModel(PlainAutoencoder):
    """The masked autoencoder around a segmenter's encoder; its decoder begins with the
    segmenter's own head, which is thus pre-trained too."""

    def __init__(self, segmenter: PlainSegmenter, config: ModelConfig, channels: int):
        super().__init__(
            *(segmenter.encoder, segmenter.embed, segmenter.positions, segmenter.blocks),
            *(config, channels),
        )

    def loss(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor, masked: Tensor
    ) -> Tensor:
        """As :meth:`training.segmentation.model.MaskedModel.loss`."""
        reconstruction, target = self(frames_db, resolution, evidence, masked)
        return masked_loss(reconstruction, target, masked)

    def forward(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor, masked: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`training.segmentation.model.MaskedModel.forward`."""
        target = self.encoder.normalise(frames_db)
        return self.reconstruction(target, masked), target

    def embeddings(self, frames_db: Tensor, resolution: Tensor, evidence: Tensor) -> Tensor:
        """The encoder's tokens (B, T, D) with nothing hidden."""
        return self.encoder(self.encoder.normalise(frames_db))[:, 1:]
