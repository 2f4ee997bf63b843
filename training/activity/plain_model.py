# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's activity classifier (arXiv 2411.09996): the plain ViT on a window as one image, a
linear layer on the class token.

The paper resizes its amplitudes to 224x224 and standardises them. It does not tell how the three
antennas become one channel, nor the unit; here they lie side by side, and levels are dB, as the
values of its data seem to be. Shapes as in :mod:`training.activity.model`.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..encoder.inputs import Positions
from ..encoder.plain import PlainAutoencoder, PlainEncoder
from .model import LEAST_AMPLITUDE, ActivityClassifier, ModelConfig, Views

SIDE = 224


class Image(Views):
    """Amplitudes in dB as one image, its rows time and its columns the subcarriers of one antenna
    after another, resized (bicubic) and standardised. A ``deviation`` of 0: not known yet."""

    def __init__(self):
        super().__init__()
        self.side, self.least = SIDE, LEAST_AMPLITUDE
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.zeros(()))

    def forward(self, values: Tensor, antennas: int) -> Tensor:
        """(B, R, W, C) to float32 (B, 1, 1, SIDE, SIDE)."""
        image = self.resized(values, antennas)
        # batches are made on the CPU, wherever the model is
        mean, deviation = self.mean.to(image.device), self.deviation.to(image.device)
        return ((image - mean.float()) / deviation.float().clamp_min(1e-3))[:, None]

    def resized(self, values: Tensor, antennas: int) -> Tensor:
        """(B, R, W, C) to dB, float32 (B, 1, SIDE, SIDE)."""
        level = 20.0 * torch.log10(values[..., :antennas].float().clamp_min(self.least))
        image = level.permute(0, 1, 3, 2).flatten(2)[:, None]
        return functional.interpolate(
            image, size=[self.side, self.side], mode="bicubic", antialias=True
        )

    def learn(self, batches: Iterable[Tensor], antennas: int) -> None:
        """Mean and standard deviation of the images, once: pre-training's stay."""
        if float(self.deviation):
            return
        sums = torch.zeros(3, dtype=torch.float64)
        for values in batches:
            image = self.resized(values, antennas).double()
            sums += torch.stack([torch.ones_like(image).sum(), image.sum(), image.square().sum()])
        mean, square = (sums[1:] / sums[0]).tolist()
        self.mean.fill_(mean)
        self.deviation.fill_(max(square - mean**2, 1e-6) ** 0.5)


class PlainActivityClassifier(ActivityClassifier):
    """Image, encoder, a linear layer on the class token."""

    def __init__(self, config: ModelConfig, classes: int):
        super().__init__()
        self.views = Image()
        self.encoder = PlainEncoder(1, config.dim, config.depth, config.heads)
        self.drop = nn.Dropout(config.dropout)
        self.classify = nn.Linear(config.dim, classes)

    def logits(self, values: Tensor, antennas: int, received: Tensor) -> Tensor:
        """(B, R, W, C) to float32 (B, classes); ``received`` is not looked at."""
        tokens = self.encoder(self.views(values, antennas).flatten(0, 1))
        return self.classify(self.drop(tokens[:, 0])).float()


class PlainMaskedActivity(PlainAutoencoder):
    """The masked autoencoder around a classifier's encoder."""

    def __init__(self, classifier: PlainActivityClassifier, config: ModelConfig):
        embed = nn.Linear(config.dim, config.decoder_dim)
        positions = Positions(config.decoder_dim, 10000.0)
        super().__init__(classifier.encoder, embed, positions, [], config, 1)
        self.views = classifier.views

    def forward(self, views: Tensor, masked: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden patches' values: guess and truth, both (B, 1, R, W)."""
        return self.reconstruction(views, masked), views
