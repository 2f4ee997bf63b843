# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoder whose stem sees patches one by one, with evidence beside the power.

Shapes as in :mod:`.vit`. The stem is strided convolutions side by side with what they divide
("hMLP", "Three things everyone should know about Vision Transformers", arXiv 2203.09795): no token
knows of another patch before attention, so that pre-training leaves hidden patches out instead of
computing them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from radiofm_core.spectrum.spec import CELL_COLS

from .evidence import EvidenceTokens
from .inputs import (
    PATCH,
    Contrast,
    ModulationSpectrum,
    Normalise,
    Positions,
    Resolution,
    contrasts_of_patches,
    embedding,
)
from .vit import CONTRAST_GAIN, FRAME_LINES, HIGHEST_HZ, Block, ConvUnit


class PatchStem(nn.Module):
    """To 1/4, 1/8 and 1/16 of the resolution, each place from its own pixels alone."""

    def __init__(self, channels: int, widths: tuple[int, int], dim: int):
        super().__init__()
        quarter, eighth = widths
        self.to_quarter = ConvUnit(channels, quarter, kernel=4, stride=4)
        self.to_eighth = ConvUnit(quarter, eighth, kernel=2, stride=2)
        self.to_tokens = nn.Conv2d(eighth, dim, 2, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, C, R, W) to 1/4, 1/8 and 1/16 features."""
        quarter = self.to_quarter(x)
        eighth = self.to_eighth(quarter)
        return quarter, eighth, self.to_tokens(eighth)

    def tokens_of(self, patches: Tensor) -> Tensor:
        """Single patches (N, C, 16, 16) to (N, D). A convolution whose squares do not overlap is a
        product of matrices, which takes a CPU less time, above all on the way back."""
        quarter, eighth = self.to_quarter, self.to_eighth
        x = functional.relu(quarter.norm(_strided(patches, quarter.conv.weight)))
        x = functional.relu(eighth.norm(_strided(x, eighth.conv.weight)))
        return _strided(x, self.to_tokens.weight, self.to_tokens.bias).flatten(1)


class PatchEncoder(nn.Module):
    """Stem and transformer: spectrograms and evidence to tokens and the finer stages' features.

    Args:
        channels: of the spectrogram.
        lags: planes of evidence; 0 = none.
        widths: channels at 1/4 and 1/8.
        dim, depth, heads, expansion: of the transformer.
    """

    def __init__(
        self,
        channels: int,
        lags: int,
        widths: tuple[int, int],
        dim: int,
        depth: int,
        heads: int,
        expansion: int = 4,
    ):
        super().__init__()
        if dim % (4 * heads):
            raise ValueError(f"dim {dim} must be a multiple of 4 x heads ({heads})")
        self.dim = dim
        self.lags = lags
        self.patch = PATCH
        self.cells = CELL_COLS
        self.gain = CONTRAST_GAIN
        self.normalise = Normalise()
        self.contrast = Contrast()
        self.resolution = Resolution(dim)
        self.stem = PatchStem(3 * channels, widths, dim)
        self.evidence = EvidenceTokens(max(lags, 1), dim)
        self.frame_spectrum = ModulationSpectrum(FRAME_LINES, HIGHEST_HZ, 0)
        self.frame_rhythm = embedding(FRAME_LINES, dim)
        self.blocks = nn.ModuleList([Block(dim, heads, expansion) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.positions = Positions(dim, 100.0)

    def encode(
        self, x: Tensor, resolution: Tensor, evidence: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised input to features.

        Args:
            x: (B, C, R, W) from :class:`Normalise`.
            resolution: (B, 2), Hz per bin and seconds per row.
            evidence: (B, lags, 2, R/16, cells), NaN where not judged; None: nothing is.

        Returns:
            (B, quarter, R/4, W/4), (B, eighth, R/8, W/8), and tokens (B, D, R/16, W/16).
        """
        rows, cols = x.shape[2] // self.patch, x.shape[3] // self.patch
        shown, told = self.shown(x, resolution, evidence, torch.ones((1, 1, 1, 1), device=x.device))
        quarter, eighth, tokens = self.stem(shown)
        t = self.attended(tokens.flatten(2).transpose(1, 2) + told)
        return quarter, eighth, t.transpose(1, 2).reshape(-1, self.dim, rows, cols)

    def encode_visible(
        self, x: Tensor, resolution: Tensor, evidence: Tensor | None, keep: Tensor
    ) -> Tensor:
        """The tokens of the patches ``keep`` (B, K), by their indexes: (B, K, D). The others are
        not looked at; all frames keep as many."""
        rows, cols = x.shape[2] // self.patch, x.shape[3] // self.patch
        visible = torch.zeros((len(x), rows * cols), dtype=torch.bool, device=x.device)
        visible = visible.scatter(1, keep, True).view(-1, rows, cols)
        own, over_time, over_frequency = contrasts_of_patches(x, keep, visible)
        told = self.resolution(resolution)
        dtype = told.dtype
        shown = torch.cat([own, self.gained(over_time), self.gained(over_frequency)], dim=2)
        tokens = self.stem.tokens_of(shown.flatten(0, 1).to(dtype)).unflatten(0, keep.shape)
        frame = self.frame_spectrum.of_patches(
            over_time[:, :, 0], resolution[:, 1], keep, rows, cols
        )
        rhythm = self.frame_rhythm(frame.to(dtype)).expand(-1, rows, -1, -1).flatten(1, 2)
        what = rhythm + self.positions(rows, cols).to(dtype) + told[:, None]
        t = tokens + _taken(what, keep)
        if self.lags > 0:
            if evidence is None:
                evidence = x.new_full((len(x), self.lags, 2, rows, self.cells), torch.nan)
            cells = visible.repeat_interleave(evidence.shape[4] // cols, dim=2)[:, None, None]
            evidence = evidence.masked_fill(~cells, torch.nan)
            features = self.evidence.features(evidence, x[:, 0], resolution).flatten(1, 2)
            t = t + self.evidence.net(_taken(features, keep).to(dtype))
        return self.attended(t)

    def shown(
        self, x: Tensor, resolution: Tensor, evidence: Tensor | None, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What the stem is shown, (B, 3 C, R, W), and what tokens are told beside it, (B, T, D);
        ``visible`` as of :class:`.inputs.Contrast`."""
        rows, cols = x.shape[2] // self.patch, x.shape[3] // self.patch
        over_time, over_frequency = self.contrast(x, visible)
        told = self.resolution(resolution)
        dtype = told.dtype
        shown = torch.cat([x * visible, self.gained(over_time), self.gained(over_frequency)], dim=1)
        frame = self.frame_spectrum(over_time[:, 0], resolution[:, 1]).to(dtype)
        t = self.frame_rhythm(frame).expand(-1, rows, -1, -1)
        if self.lags > 0:
            if evidence is None:
                shape = (x.shape[0], self.lags, 2, rows, self.cells)
                evidence = torch.full(shape, torch.nan, device=x.device)
            t = t + self.evidence(evidence, x[:, 0], resolution)
        t = t.flatten(1, 2) + self.positions(rows, cols).to(dtype) + told[:, None]
        return shown.to(dtype), t

    def attended(self, t: Tensor) -> Tensor:
        """Tokens (B, T, D) through the transformer."""
        for block in self.blocks:
            t = block(t)
        return self.norm(t)

    def gained(self, contrast: Tensor) -> Tensor:
        """Contrast as an input channel."""
        return (contrast * self.gain).clamp(-3.0, 3.0)


def _strided(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(N, C, R, W) through a convolution (out, C, side, side) that steps by its own side."""
    side = weight.shape[2]
    rows, cols = x.shape[2] // side, x.shape[3] // side
    squares = x.unflatten(3, (cols, side)).unflatten(2, (rows, side)).permute(0, 2, 4, 3, 5, 1)
    # channels last, as they come out of the step before
    by_place = weight.permute(0, 2, 3, 1).flatten(1)
    return functional.linear(squares.flatten(3), by_place, bias).permute(0, 3, 1, 2)


def _taken(values: Tensor, keep: Tensor) -> Tensor:
    """Of (B, T, N) those with the indexes ``keep`` (B, K): (B, K, N)."""
    return values.gather(1, keep[:, :, None].expand(-1, -1, values.shape[2]))
