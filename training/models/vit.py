# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoder: a Vision Transformer over 16x16 patches of a spectrogram.

Shapes: B batch, C input channels, R rows, W columns, D token width, T = R/16 * W/16 tokens.
After "An Image is Worth 16x16 Words" (arXiv 2010.11929), with a convolutional stem ("Early
Convolutions Help Transformers See Better", arXiv 2106.14881) whose finer stages also feed the
decoder. TorchScript compiles all of it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

PATCH = 16


class Normalise(nn.Module):
    """dB relative to the frame's own median, in units of 10 dB, clipped.

    The median over every fourth row and column stands for the noise floor or for the carrier
    that fills the span: which of the two is for the network to tell.
    """

    def forward(self, frames_db: Tensor) -> Tensor:
        """(B, C, R, W) dB to (B, C, R, W) float32."""
        sampled = frames_db[:, :1, ::4, ::4].float().flatten(1)
        middle = sampled.sort(dim=1).values[:, sampled.shape[1] // 2]
        return ((frames_db.float() - middle[:, None, None, None]) / 10.0).clamp(-3.0, 6.0)


class Resolution(nn.Module):
    """Embeds (Hz per bin, seconds per row) as a vector of the token width."""

    def __init__(self, dim: int):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, resolution: Tensor) -> Tensor:
        """(B, 2) to (B, D)."""
        bin_hz = torch.log2(resolution[:, 0] / 75e3)
        row_s = torch.log2(resolution[:, 1] / 78e-6)
        looks = torch.log2(resolution[:, 0] * resolution[:, 1])
        x = torch.stack([bin_hz, row_s, looks, bin_hz.sin(), row_s.sin(), looks.sin()], dim=1)
        return self.net((x / 2.0).to(self.net[0].weight.dtype))


def conv_unit(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    """3x3 convolution, batch norm, GELU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.GELU(),
    )


class Stem(nn.Module):
    """Four stages to 1/2, 1/4, 1/8 and 1/16 of the resolution."""

    def __init__(self, channels: int, widths: tuple[int, int, int], dim: int):
        super().__init__()
        half, quarter, eighth = widths
        self.to_half = conv_unit(4 * channels, half, 1)
        self.to_quarter = conv_unit(half, quarter, 2)
        self.to_eighth = conv_unit(quarter, eighth, 2)
        self.to_tokens = nn.Conv2d(eighth, dim, 2, stride=2)
        self.condition = nn.Linear(dim, half)

    def forward(self, x: Tensor, resolution: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, C, R, W), (B, D) to 1/2, 1/4 and 1/16 features."""
        half = self.to_half(functional.pixel_unshuffle(x, 2))
        half = half + self.condition(resolution)[:, :, None, None]
        quarter = self.to_quarter(half)
        return half, quarter, self.to_tokens(self.to_eighth(quarter))


class Block(nn.Module):
    """Pre-norm transformer block: attention, then a GELU MLP of four times the width."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)
        self.norm_mlp = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, 4 * dim)
        self.contract = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor, attend: Tensor | None = None) -> Tensor:
        """(B, T, D) to (B, T, D); ``attend`` (B, 1, 1, T) bool: tokens to look at, None = all."""
        b, t, d = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(b, t, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=attend)
        x = x + self.project(mixed.transpose(1, 2).reshape(b, t, d))
        return x + self.contract(functional.gelu(self.expand(self.norm_mlp(x))))


class Encoder(nn.Module):
    """Stem and transformer: a spectrogram to patch tokens and the finer stages' features."""

    def __init__(
        self, channels: int, widths: tuple[int, int, int], dim: int, depth: int, heads: int
    ):
        super().__init__()
        if dim % (4 * heads):
            raise ValueError(f"dim {dim} must be a multiple of 4 x heads ({heads})")
        self.dim = dim
        self.patch = PATCH
        self.normalise = Normalise()
        self.resolution = Resolution(dim)
        self.stem = Stem(channels, widths, dim)
        self.mask_token = nn.Parameter(torch.zeros(dim))
        self.blocks = nn.ModuleList([Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.register_buffer("frequencies", _sincos_frequencies(dim // 4), persistent=False)

    def positions(self, rows: int, cols: int) -> Tensor:
        """Sine-cosine positions (rows * cols, D) of a grid of tokens."""
        scale = self.frequencies
        y = torch.arange(rows, device=scale.device).to(scale.dtype)[:, None] * scale
        x = torch.arange(cols, device=scale.device).to(scale.dtype)[:, None] * scale
        y = torch.cat([y.sin(), y.cos()], 1)[:, None].expand(rows, cols, self.dim // 2)
        x = torch.cat([x.sin(), x.cos()], 1)[None].expand(rows, cols, self.dim // 2)
        return torch.cat([y, x], dim=2).reshape(rows * cols, self.dim)

    def encode(
        self, x: Tensor, resolution: Tensor, masked: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised input to features.

        Args:
            x: (B, C, R, W) from :class:`Normalise`.
            resolution: (B, 2), Hz per bin and seconds per row.
            masked: (B, T) bool, True where a patch is hidden (its pixels are taken as 0 and
                its token is the mask token), or None.

        Returns:
            (B, half, R/2, W/2), (B, quarter, R/4, W/4), and tokens (B, D, R/16, W/16).
        """
        rows, cols = x.shape[2] // self.patch, x.shape[3] // self.patch
        if masked is not None:
            grid = masked.view(-1, 1, rows, cols).to(x.dtype)
            x = x * (1.0 - functional.interpolate(grid, scale_factor=float(self.patch)))
        told = self.resolution(resolution)
        half, quarter, tokens = self.stem(x.to(told.dtype), told)
        t = tokens.flatten(2).transpose(1, 2)
        if masked is not None:
            t = torch.where(masked[:, :, None], self.mask_token.to(t.dtype), t)
        t = t + self.positions(rows, cols).to(t.dtype) + told[:, None, :]
        for block in self.blocks:
            t = block(t)
        t = self.norm(t)
        return half, quarter, t.transpose(1, 2).reshape(-1, self.dim, rows, cols)


def _sincos_frequencies(count: int) -> Tensor:
    return torch.exp(-math.log(100.0) * torch.arange(count) / count)
