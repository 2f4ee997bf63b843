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
from ..engine.masks import masked_loss


@dataclass(frozen=True)
class ModelConfig(Sizes):
    """Sizes of a segmenter: ``patch`` (:mod:`.patch_model`), ``stem`` (:class:`Segmenter`) or
    ``plain`` (:mod:`.plain_model`). ``edge_widths``: channels at 1/8 and 1/4 of the patch model's
    decoder. ``told_resolution: false`` shows the `stem` model the same resolution for every frame;
    the plain one is never told any."""

    told_resolution: bool = True
    edge_widths: tuple[int, int] = (64, 32)


class CalibratedSegmenter(nn.Module):
    """From logits to what blocks use. ``temperature`` is 1 and ``offsets`` are 0, one for each
    class, until calibration sets them. Its last layer, ``classify``,
    has for each class one output a pixel of a place, one class after the other."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("offsets", torch.zeros(classes))

    def logits(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor | None = None
    ) -> Tensor:
        """Logits of the classes.

        Args:
            frames_db: (B, C, R, W) dB.
            resolution: (B, 2), Hz per bin and s per row.
            evidence: (B, lags, 2, R/16, cells) of a spec with lags.

        Returns:
            float32 (B, classes, R, W).
        """
        raise NotImplementedError

    def forward(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The exported call: arguments as of :meth:`logits`.

        Returns:
            Mask uint8 and confidence float32, both (B, R, W), and log probabilities of the classes
            in each square of 4 x 4 pixels, float32 (B, classes, R/4, W/4).
        """
        logits = self.offset(self.logits(frames_db, resolution, evidence))
        highest, mask = logits.max(dim=1)
        confidence = 1.0 / (logits - highest[:, None]).exp().sum(1)
        scores = functional.avg_pool2d(logits, 4).log_softmax(dim=1)
        return mask.to(torch.uint8), confidence, scores

    def calibrated(self, logits: Tensor) -> Tensor:
        """Logits (B, classes, R, W) to float32 probabilities of the same shape."""
        return self.offset(logits).softmax(dim=1)

    def offset(self, logits: Tensor) -> Tensor:
        """Logits to float32 ones whose softmax is calibrated."""
        offset = logits.float() + self.offsets.float()[:, None, None]
        return offset / self.temperature.float()


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

    def logits(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor | None = None
    ) -> Tensor:
        """As :meth:`CalibratedSegmenter.logits`; evidence is not looked at."""
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

    def loss(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor, masked: Tensor
    ) -> Tensor:
        """Mean squared error of the hidden patches; arguments as of :meth:`forward`."""
        reconstruction, target = self(frames_db, resolution, evidence, masked)
        return masked_loss(reconstruction, target, masked)

    def forward(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor, masked: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Reconstruct hidden patches.

        Args:
            frames_db: (B, C, R, W) dB.
            resolution: (B, 2).
            evidence: not looked at.
            masked: (B, T) bool, True where a patch is hidden.

        Returns:
            Reconstruction and target, both (B, C, R, W) in :class:`Normalise` units.
        """
        target = self.encoder.normalise(frames_db)
        tokens = self.encoder.encode(target, resolution, masked)[2]
        patches = self.reconstruct(tokens.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return functional.pixel_shuffle(patches.float(), PATCH), target

    def embeddings(self, frames_db: Tensor, resolution: Tensor, evidence: Tensor) -> Tensor:
        """The encoder's tokens (B, T, D) with nothing hidden."""
        x = self.encoder.normalise(frames_db)
        return self.encoder.encode(x, resolution)[2].flatten(2).transpose(1, 2)
