# SPDX-License-Identifier: GPL-3.0-or-later
"""The two heads on the encoder: dense segmentation, and the masked patches of MSM."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..encoder.inputs import PATCH
from ..encoder.sizes import Sizes
from ..encoder.vit import ConvUnit, Encoder


@dataclass(frozen=True)
class ModelConfig(Sizes):
    """Sizes of a segmenter: ``stem`` (:class:`Segmenter`) or ``plain``
    (:mod:`training.segmentation.plain_model`). ``told_resolution: false`` shows the `stem` model
    the same resolution for every frame; the plain one is never told any."""

    told_resolution: bool = True


class CalibratedSegmenter(nn.Module):
    """From logits to what blocks use. ``temperature`` is 1 and ``offsets`` are 0, one for each
    class, until calibration sets them. Its last layer, ``classify``,
    has for each class one output a pixel of a place, one class after the other."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("offsets", torch.zeros(classes))

    def logits(self, frames_db: Tensor, resolution: Tensor) -> Tensor:
        """(B, C, R, W) dB and (B, 2) to float32 logits (B, classes, R, W)."""
        raise NotImplementedError

    def forward(self, frames_db: Tensor, resolution: Tensor) -> tuple[Tensor, Tensor]:
        """The exported call: (B, C, R, W) dB and (B, 2) to mask uint8 and confidence float32,
        both (B, R, W)."""
        shares = self.calibrated(self.logits(frames_db, resolution))
        confidence, mask = shares.max(dim=1)
        return mask.to(torch.uint8), confidence

    def calibrated(self, logits: Tensor) -> Tensor:
        """Logits (B, classes, R, W) to float32 probabilities of the same shape."""
        offset = logits.float() + self.offsets.float()[:, None, None]
        return (offset / self.temperature.float()).softmax(dim=1)


class Segmenter(CalibratedSegmenter):
    """Encoder, then a light decoder: tokens brought to 1/8 and 1/4 resolution, where the
    stem's own features join them; the last layer tells the 4x4 pixels of each place apart, so
    that edges land within a bin."""

    def __init__(self, config: ModelConfig, channels: int, classes: int):
        super().__init__(classes)
        quarter, eighth = config.stem_widths
        sizes = (config.stem_widths, config.dim, config.depth, config.heads)
        self.encoder = Encoder(channels, *sizes, config.told_resolution)
        self.to_eighth = nn.Conv2d(config.dim, 4 * eighth, 1)
        self.mix_eighth = ConvUnit(2 * eighth, eighth)
        self.to_quarter = nn.Conv2d(eighth, 4 * quarter, 1)
        self.mix_quarter = ConvUnit(2 * quarter, 2 * quarter)
        self.classify = nn.Conv2d(2 * quarter, 16 * classes, 1)

    def logits(self, frames_db: Tensor, resolution: Tensor) -> Tensor:
        """(B, C, R, W) dB and (B, 2) to float32 logits (B, classes, R, W)."""
        x = self.encoder.normalise(frames_db)
        quarter, eighth, tokens = self.encoder.encode(x, resolution)
        y = functional.pixel_shuffle(self.to_eighth(tokens), 2)
        y = self.mix_eighth(torch.cat([y, eighth], dim=1))
        y = functional.pixel_shuffle(self.to_quarter(y), 2)
        y = self.mix_quarter(torch.cat([y, quarter], dim=1))
        return functional.pixel_shuffle(self.classify(y), 4).float().contiguous()


class MaskedModel(nn.Module):
    """Masked spectrogram modelling: the encoder and a linear reconstruction of its patches."""

    def __init__(self, encoder: Encoder, channels: int):
        super().__init__()
        self.encoder = encoder
        self.reconstruct = nn.Linear(encoder.dim, channels * PATCH * PATCH)

    def forward(
        self, frames_db: Tensor, resolution: Tensor, masked: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Reconstruct hidden patches.

        Args:
            frames_db: (B, C, R, W) dB.
            resolution: (B, 2).
            masked: (B, T) bool, True where a patch is hidden.

        Returns:
            Reconstruction and target, both (B, C, R, W) in :class:`Normalise` units.
        """
        target = self.encoder.normalise(frames_db)
        tokens = self.encoder.encode(target, resolution, masked)[2]
        patches = self.reconstruct(tokens.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return functional.pixel_shuffle(patches.float(), PATCH), target

    def embeddings(self, frames_db: Tensor, resolution: Tensor) -> Tensor:
        """The encoder's tokens (B, T, D) with nothing hidden."""
        x = self.encoder.normalise(frames_db)
        return self.encoder.encode(x, resolution)[2].flatten(2).transpose(1, 2)
