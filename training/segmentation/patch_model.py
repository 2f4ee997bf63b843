# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped segmenter: the patch encoder with evidence, a light decoder, and what pre-trains it.

Shapes as in :mod:`training.encoder.vit`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from radiofm_core.spectrum.verdict import feature_count

from ..encoder.evidence import STRENGTH_SCALE, CellLooks
from ..encoder.inputs import PATCH, Positions
from ..encoder.patches import PatchEncoder
from ..encoder.vit import Block, ConvUnit
from .model import CalibratedSegmenter, ModelConfig

# Pre-training guesses levels of squares of so many pixels, smoothed over the noise
SQUARE = 4
SQUARES = (PATCH // SQUARE) ** 2
# A patch whose squares differ by less (units of 10 dB) is noise, or filled evenly
LEAST_CONTRAST = 0.08
# How much a patch of mere noise counts
NOISE_WEIGHT = 0.1
# How much the guess of the evidence counts beside that of the levels
EVIDENCE_WEIGHT = 0.5
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


class PatchMaskedModel(nn.Module):
    """A masked autoencoder ("Masked Autoencoders Are Scalable Vision Learners", arXiv 2111.06377):
    the encoder on the visible patches, a light decoder on all, and two guesses of what is hidden:
    smoothed levels, in units of the patch's own contrast, and how coherent its cells are at each
    lag, which teaches the encoder what numerology looks like in power."""

    def __init__(self, encoder: PatchEncoder, config: ModelConfig):
        super().__init__()
        width = config.decoder_dim
        self.encoder = encoder
        self.embed = nn.Linear(encoder.dim, width)
        self.mask_token = nn.Parameter(torch.zeros(width))
        nn.init.normal_(self.mask_token, std=0.02)
        self.positions = Positions(width, 100.0)
        blocks = [Block(width, config.decoder_heads) for _ in range(config.decoder_depth)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width)
        self.guess_levels = nn.Linear(width, SQUARES + 1)
        self.guess_evidence = nn.Linear(width, 2 * max(encoder.lags, 1))

    def decoded(
        self, x: Tensor, resolution: Tensor, evidence: Tensor | None, masked: Tensor
    ) -> Tensor:
        """Decoder tokens (B, T, decoder width); arguments as of :meth:`forward`."""
        keep = (~masked).nonzero()[:, 1].view(len(masked), -1)
        seen = self.embed(self.encoder.encode_visible(x, resolution, evidence, keep))
        t = self.mask_token.to(seen.dtype).expand(len(x), masked.shape[1], -1)
        t = t.scatter(1, keep[:, :, None].expand(-1, -1, seen.shape[2]), seen)
        rows, cols = x.shape[2] // PATCH, x.shape[3] // PATCH
        t = t + self.positions(rows, cols).to(t.dtype)
        for block in self.blocks:
            t = block(t)
        return self.norm(t)

    def loss(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor, masked: Tensor
    ) -> Tensor:
        """Mean squared error of both guesses at the hidden patches; arguments as of
        :meth:`forward`."""
        x, masked = self.encoder.normalise(frames_db), evenly_masked(masked)
        t = self.decoded(x, resolution, evidence, masked)
        mean, contrast, shape = patch_levels(x)
        guess = self.guess_levels(t).float()
        error = (guess[..., 1:] - shape).square().mean(2) + (guess[..., 0] - mean).square()
        weight = (contrast / (2 * LEAST_CONTRAST)).clamp(NOISE_WEIGHT, 1.0) * masked
        loss = (error * weight).sum() / weight.sum().clamp_min(1.0)
        if self.encoder.lags == 0:
            return loss
        wanted = cell_strengths(evidence, resolution, x.shape[3]).flatten(1, 2)
        known = torch.isfinite(wanted) & masked[:, :, None]
        error = torch.where(known, self.guess_evidence(t).float() - wanted.nan_to_num(), 0.0)
        return loss + EVIDENCE_WEIGHT * error.square().sum() / known.sum().clamp_min(1)

    def forward(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor | None, masked: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Guess hidden patches.

        Args:
            frames_db: (B, C, R, W) dB.
            resolution: (B, 2).
            evidence: (B, lags, 2, R/16, cells).
            masked: (B, T) bool, True where a patch is hidden.

        Returns:
            Guess and truth of the smoothed first channel, both (B, 1, R, W) in
            :class:`~training.encoder.inputs.Normalise` units.
        """
        x, masked = self.encoder.normalise(frames_db), evenly_masked(masked)
        guess = self.guess_levels(self.decoded(x, resolution, evidence, masked)).float()
        _, contrast, _ = patch_levels(x)
        squares = guess[..., 1:] * contrast[..., None] + guess[..., :1]
        rows, cols = x.shape[2] // PATCH, x.shape[3] // PATCH
        side = PATCH // SQUARE
        image = squares.view(-1, rows, cols, side, side).permute(0, 1, 3, 2, 4)
        image = image.reshape(-1, 1, rows * side, cols * side)
        smooth = functional.avg_pool2d(x[:, :1], SQUARE)
        both = torch.cat([image, smooth]).repeat_interleave(SQUARE, 2)
        return both.repeat_interleave(SQUARE, 3).chunk(2)

    def embeddings(self, frames_db: Tensor, resolution: Tensor, evidence: Tensor) -> Tensor:
        """The encoder's tokens (B, T, D) with nothing hidden."""
        x = self.encoder.normalise(frames_db)
        return self.encoder.encode(x, resolution, evidence)[2].flatten(2).transpose(1, 2)


def evenly_masked(masked: Tensor) -> Tensor:
    """(B, T) bool with as many hidden patches in each frame as in the one that hides most: more of
    them, at random. Masks of whole rows or columns hide a little more or less than random ones."""
    most = int(masked.sum(1).max())
    order = torch.rand(masked.shape, device=masked.device).masked_fill(masked, -1.0)
    return torch.zeros_like(masked).scatter(1, order.argsort(dim=1)[:, :most], True)


def patch_levels(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each patch of (B, C, R, W) the mean level (B, T), the contrast of its squares (B, T), at
    least LEAST_CONTRAST, and the squares' levels (B, T, SQUARES) as (level - mean) / contrast; of
    the first channel."""
    rows, cols, side = x.shape[2] // PATCH, x.shape[3] // PATCH, PATCH // SQUARE
    smooth = functional.avg_pool2d(x[:, 0].float(), SQUARE)
    squares = smooth.unflatten(2, (cols, side)).unflatten(1, (rows, side))
    squares = squares.permute(0, 1, 3, 2, 4).reshape(len(x), rows * cols, SQUARES)
    mean = squares.mean(2)
    contrast = squares.std(2, correction=0).clamp_min(LEAST_CONTRAST)
    return mean, contrast, (squares - mean[..., None]) / contrast[..., None]


def cell_strengths(evidence: Tensor, resolution: Tensor, cols: int) -> Tensor:
    """log(1 + coherence^2 x looks), scaled, of each token's two cells: (B, R/16, tokens, 2 lags);
    NaN where not judged."""
    looks = CellLooks()(resolution, cols)[:, None, None, None]
    strength = torch.log1p(evidence.float().square().sum(2) * looks) * STRENGTH_SCALE
    tokens = cols // PATCH
    strength = strength.unflatten(3, (tokens, evidence.shape[4] // tokens))
    return strength.permute(0, 2, 3, 1, 4).flatten(3)
