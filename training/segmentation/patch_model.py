# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped segmenter: the patch encoder with evidence, a light decoder, a judge of emissions.

Shapes as in :mod:`training.encoder.vit`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from radiofm_core.spectrum.verdict import feature_count

from ..encoder.patches import PatchEncoder
from ..encoder.vit import ConvUnit
from .model import CalibratedSegmenter, ModelConfig

JUDGE_WIDTH = 64
# Of the judge's hidden values in training: there are far fewer emissions than pixels to learn from
JUDGE_DROPOUT = 0.3


class EmissionJudge(nn.Module):
    """Features of emissions (:func:`radiofm_core.spectrum.verdict.features`) to log odds of the
    classes; noise among them: what the segmenter took for an emission and is none."""

    def __init__(self, classes: int, lags: int):
        super().__init__()
        count = feature_count(classes, lags)
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))
        self.net = nn.Sequential(
            nn.Linear(count, JUDGE_WIDTH),
            nn.GELU(),
            nn.Dropout(JUDGE_DROPOUT),
            nn.Linear(JUDGE_WIDTH, JUDGE_WIDTH),
            nn.GELU(),
            nn.Dropout(JUDGE_DROPOUT),
            nn.Linear(JUDGE_WIDTH, classes),
        )

    def forward(self, features: Tensor) -> Tensor:
        """float32 (emissions, features) to (emissions, classes)."""
        return self.net(self.normalised(features))

    def normalised(self, features: Tensor) -> Tensor:
        """The features in units of what they are in training."""
        return ((features - self.mean) / self.scale).clamp(-6.0, 6.0)


class PatchSegmenter(CalibratedSegmenter):
    """Encoder, then tokens brought to 1/8 and 1/4 resolution, where the stem's own features join
    them; the last layer tells the 4 x 4 pixels of each place apart, so that edges land within a
    bin."""

    def __init__(self, config: ModelConfig, channels: int, classes: int, lags: int):
        super().__init__(classes)
        quarter, eighth = config.stem_widths
        at_eighth, at_quarter = config.edge_widths
        sizes = (config.stem_widths, config.dim, config.depth, config.heads, config.expansion)
        self.encoder = PatchEncoder(channels, lags, *sizes)
        self.to_eighth = nn.Conv2d(config.dim, 4 * at_eighth, 1)
        self.mix_eighth = ConvUnit(at_eighth + eighth, at_eighth, kernel=1)
        self.to_quarter = nn.Conv2d(at_eighth, 4 * at_quarter, 1)
        self.mix_quarter = ConvUnit(at_quarter + quarter, 2 * at_quarter)
        self.classify = nn.Conv2d(2 * at_quarter, 16 * classes, 1)

    def logits(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor | None = None
    ) -> Tensor:
        """As :meth:`CalibratedSegmenter.logits`."""
        places = self.places(frames_db, resolution, evidence)
        return functional.pixel_shuffle(places, 4).float().contiguous()

    def places(self, frames_db: Tensor, resolution: Tensor, evidence: Tensor | None) -> Tensor:
        """Logits by place of 4 x 4 pixels, (B, 16 classes, R/4, W/4)."""
        x = self.encoder.normalise(frames_db)
        quarter, eighth, tokens = self.encoder.encode(x, resolution, evidence)
        y = functional.pixel_shuffle(self.to_eighth(tokens), 2)
        y = self.mix_eighth(torch.cat([y, eighth], dim=1))
        y = functional.pixel_shuffle(self.to_quarter(y), 2)
        y = self.mix_quarter(torch.cat([y, quarter], dim=1))
        # As a product of matrices: PyTorch has no fast convolution of one frame by a single pixel
        rows, cols = y.shape[2], y.shape[3]
        weight = self.classify.weight.flatten(1)
        bias = self.classify.bias
        y = torch.matmul(weight, y.flatten(2))
        if bias is not None:
            y = y + bias[:, None]
        return y.view(-1, 16 * self.classes, rows, cols)

    def forward(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As :meth:`CalibratedSegmenter.forward`, where the pixels of a place lie apart until all
        is known of them: masks and confidences are brought in order, and not every logit."""
        places = self.places(frames_db, resolution, evidence)
        logits = self.offset(places.unflatten(1, (self.classes, 16)).flatten(2, 3))
        logits = logits.unflatten(2, (16, places.shape[2]))
        best, mask = logits[:, 0], torch.zeros_like(logits[:, 0], dtype=torch.uint8)
        for number in range(1, self.classes):
            one = logits[:, number]
            mask = mask.masked_fill(one > best, number)
            best = torch.maximum(best, one)
        confidence = 1.0 / (logits - best[:, None]).exp().sum(1)
        scores = logits.mean(2).log_softmax(dim=1)
        mask = functional.pixel_shuffle(mask, 4)[:, 0].contiguous()
        return mask, functional.pixel_shuffle(confidence, 4)[:, 0].contiguous(), scores


class JudgingSegmenter(PatchSegmenter):
    """The same with a judge of emissions."""

    def __init__(self, config: ModelConfig, channels: int, classes: int, lags: int):
        super().__init__(config, channels, classes, lags)
        self.emissions = EmissionJudge(classes, lags)

    @torch.jit.export
    def judge(self, features: Tensor) -> Tensor:
        """Features of emissions, float32 (N, features), to probabilities (N, classes)."""
        return self.emissions(features).softmax(dim=1)
