# SPDX-License-Identifier: GPL-3.0-or-later
"""Masked modelling of the patch encoder: what is guessed of hidden patches, and the encoder as
it is exported.

Shapes as in :mod:`training.encoder.vit`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..encoder.evidence import STRENGTH_SCALE, CellLooks
from ..encoder.inputs import PATCH, Positions
from ..encoder.patches import PatchEncoder
from ..encoder.vit import Block
from .model import ModelConfig

# Pre-training guesses levels of squares of so many pixels, smoothed over the noise
SQUARE = 4
SQUARES = (PATCH // SQUARE) ** 2
# A patch whose squares differ by less (units of 10 dB) is noise, or filled evenly
LEAST_CONTRAST = 0.08
# How much a patch of mere noise counts
NOISE_WEIGHT = 0.1
# How much the guess of the evidence counts beside that of the levels
EVIDENCE_WEIGHT = 0.5


class MaskedDecoder(nn.Module):
    """The light decoder: what the encoder knows of the visible patches to two guesses of all of
    them: levels in units of the patch's own contrast, and how coherent its cells are."""

    def __init__(self, dim: int, lags: int, config: ModelConfig):
        super().__init__()
        width = config.decoder_dim
        self.embed = nn.Linear(dim, width)
        self.mask_token = nn.Parameter(torch.zeros(width))
        nn.init.normal_(self.mask_token, std=0.02)
        self.positions = Positions(width, 100.0)
        blocks = [Block(width, config.decoder_heads) for _ in range(config.decoder_depth)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width)
        self.guess_levels = nn.Linear(width, SQUARES + 1)
        self.guess_evidence = nn.Linear(width, 2 * max(lags, 1))

    def forward(self, tokens: Tensor, keep: Tensor, rows: int, cols: int) -> tuple[Tensor, Tensor]:
        """Guesses of all patches from tokens (B, K, D) of the patches ``keep`` (B, K), by their
        indexes in ``rows`` x ``cols``: (B, T, 1 + SQUARES), the mean level first, and (B, T, 2
        lags)."""
        seen = self.embed(tokens)
        t = self.mask_token.to(seen.dtype).expand(tokens.shape[0], rows * cols, -1)
        t = t.scatter(1, keep[:, :, None].expand(-1, -1, seen.shape[2]), seen)
        t = t + self.positions(rows, cols).to(t.dtype)
        for block in self.blocks:
            t = block(t)
        t = self.norm(t)
        return self.guess_levels(t), self.guess_evidence(t)


class PatchMaskedModel(nn.Module):
    """A masked autoencoder ("Masked Autoencoders Are Scalable Vision Learners", arXiv 2111.06377):
    the encoder on the visible patches, a light decoder on all, and two guesses of what is hidden:
    smoothed levels, in units of the patch's own contrast, and how coherent its cells are at each
    lag, which teaches the encoder what numerology looks like in power."""

    def __init__(self, encoder: PatchEncoder, config: ModelConfig):
        super().__init__()
        self.encoder = encoder
        self.decoder = MaskedDecoder(encoder.dim, encoder.lags, config)

    def guesses(
        self, x: Tensor, resolution: Tensor, evidence: Tensor | None, masked: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What :class:`MaskedDecoder` says of all patches, float32; arguments as of
        :meth:`forward`."""
        keep = (~masked).nonzero()[:, 1].view(len(masked), -1)
        tokens = self.encoder.encode_visible(x, resolution, evidence, keep)
        rows, cols = x.shape[2] // PATCH, x.shape[3] // PATCH
        levels, strengths = self.decoder(tokens, keep, rows, cols)
        return levels.float(), strengths.float()

    def loss(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor, masked: Tensor
    ) -> Tensor:
        """Mean squared error of both guesses at the hidden patches; arguments as of
        :meth:`forward`."""
        x, masked = self.encoder.normalise(frames_db), evenly_masked(masked)
        guess, guessed_strengths = self.guesses(x, resolution, evidence, masked)
        mean, contrast, shape = patch_levels(x)
        error = (guess[..., 1:] - shape).square().mean(2) + (guess[..., 0] - mean).square()
        weight = (contrast / (2 * LEAST_CONTRAST)).clamp(NOISE_WEIGHT, 1.0) * masked
        loss = (error * weight).sum() / weight.sum().clamp_min(1.0)
        if self.encoder.lags == 0:
            return loss
        wanted = cell_strengths(evidence, resolution, x.shape[3]).flatten(1, 2)
        known = torch.isfinite(wanted) & masked[:, :, None]
        error = torch.where(known, guessed_strengths - wanted.nan_to_num(), 0.0)
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
        guess, _ = self.guesses(x, resolution, evidence, masked)
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


class ExportedEncoder(nn.Module):
    """A pre-trained encoder as its bundle has it; with its decoder, so that pre-training can go on
    from there."""

    def __init__(self, masked: PatchMaskedModel):
        super().__init__()
        self.encoder, self.decoder = masked.encoder, masked.decoder

    def forward(
        self, frames_db: Tensor, resolution: Tensor, evidence: Tensor | None = None
    ) -> Tensor:
        """Tokens with nothing hidden, (B, D, R/16, W/16); arguments as of
        :meth:`training.segmentation.model.CalibratedSegmenter.logits`."""
        x = self.encoder.normalise(frames_db)
        return self.encoder.encode(x, resolution, evidence)[2]


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
