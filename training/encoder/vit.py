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

from .inputs import PATCH, Contrast, ModulationSpectrum, Normalise, Positions, Resolution, embedding

# What contrasts are multiplied by: the structure that tells one standard from another is a
# few tenths of the input's unit.
CONTRAST_GAIN = 3.0
# The rhythms that tokens are told of: the frame's, in 64 steps up to the highest that a default
# spectrogram holds, and that of the 64 rows around each token, in 32 steps
HIGHEST_HZ = 6400.0
FRAME_LINES, FRAME_ROWS = 64, 0
PATCH_LINES, PATCH_ROWS = 32, 64
# What a model that is not told the resolution takes every frame for: Hz per bin, seconds per row
SOME_RESOLUTION = [75e3, 78e-6]


class ConvUnit(nn.Module):
    """Convolution, batch norm, ReLU; ``stride`` divides rows and columns, whole strides each."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1):
        super().__init__()
        beyond = (kernel - stride) // 2
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, beyond, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, R, W) to (B, out, R/stride, W/stride)."""
        return functional.relu(self.norm(self.conv(x)))


class Residual(nn.Module):
    """Two convolutions beside the identity, which is all that it is at first."""

    def __init__(self, channels: int):
        super().__init__()
        self.unit = ConvUnit(channels, channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, R, W) to the same."""
        return functional.relu(x + self.norm(self.conv(self.unit(x))))


class Stem(nn.Module):
    """To 1/4, 1/8 and 1/16 of the resolution. No pixel is dropped: each step looks at whole
    squares, and at 1/4 at those around, too."""

    def __init__(self, channels: int, widths: tuple[int, int], dim: int):
        super().__init__()
        quarter, eighth = widths
        self.to_quarter = ConvUnit(channels, quarter, kernel=12, stride=4)
        self.condition = nn.Linear(dim, quarter)
        self.at_quarter = Residual(quarter)
        self.to_eighth = ConvUnit(quarter, eighth, kernel=2, stride=2)
        self.at_eighth = Residual(eighth)
        self.to_tokens = nn.Conv2d(eighth, dim, 2, 2)

    def forward(self, x: Tensor, resolution: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, C, R, W), (B, D) to 1/4, 1/8 and 1/16 features."""
        quarter = self.to_quarter(x)
        quarter = self.at_quarter(quarter + self.condition(resolution)[:, :, None, None])
        eighth = self.at_eighth(self.to_eighth(quarter))
        return quarter, eighth, self.to_tokens(eighth)


class Block(nn.Module):
    """Pre-norm transformer block: attention, then a GELU MLP ``expansion`` times as wide."""

    def __init__(self, dim: int, heads: int, expansion: int = 4):
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)
        self.norm_mlp = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, expansion * dim)
        self.contract = nn.Linear(expansion * dim, dim)

    def forward(self, x: Tensor, attend: Tensor | None = None) -> Tensor:
        """(B, T, D) to (B, T, D); ``attend`` (B, 1, 1, T) bool: tokens to look at, None = all."""
        b, t, d = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(b, t, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        if attend is None and torch.is_grad_enabled() and not x.is_cuda:
            # The fused kernel's way back takes twice as long on a CPU.
            q = q * (1.0 / math.sqrt(d // self.heads))
            mixed = (q @ k.transpose(-1, -2)).softmax(dim=-1).to(v.dtype) @ v
        else:
            mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=attend)
        x = x + self.project(mixed.transpose(1, 2).reshape(b, t, d))
        return x + self.contract(functional.gelu(self.expand(self.norm_mlp(x))))


class Encoder(nn.Module):
    """Stem and transformer: a spectrogram to patch tokens and the finer stages' features.

    Without ``told_resolution`` nothing in it follows from the frame's resolution. ``highest_hz``:
    of the rhythms.
    """

    def __init__(
        self,
        channels: int,
        widths: tuple[int, int],
        dim: int,
        depth: int,
        heads: int,
        told_resolution: bool = True,
        highest_hz: float = HIGHEST_HZ,
    ):
        super().__init__()
        if dim % (4 * heads):
            raise ValueError(f"dim {dim} must be a multiple of 4 x heads ({heads})")
        self.dim = dim
        self.patch = PATCH
        self.told_resolution = told_resolution
        self.some_resolution = SOME_RESOLUTION
        self.normalise = Normalise()
        self.contrast = Contrast()
        self.gain = CONTRAST_GAIN
        self.resolution = Resolution(dim)
        self.stem = Stem(3 * channels, widths, dim)
        self.frame_spectrum = ModulationSpectrum(FRAME_LINES, highest_hz, FRAME_ROWS)
        self.frame_rhythm = embedding(FRAME_LINES, dim)
        self.patch_spectrum = ModulationSpectrum(PATCH_LINES, highest_hz, PATCH_ROWS)
        self.patch_rhythm = embedding(PATCH_LINES, dim)
        self.mask_token = nn.Parameter(torch.zeros(dim))
        self.blocks = nn.ModuleList([Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.positions = Positions(dim, 100.0)

    def encode(
        self,
        x: Tensor,
        resolution: Tensor,
        masked: Tensor | None = None,
        also: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised input to features.

        Args:
            x: (B, C, R, W) from :class:`Normalise`.
            resolution: (B, 2), Hz per bin and seconds per row.
            masked: (B, T) bool, True where a patch is hidden (its pixels are taken as 0 and
                its token is the mask token), or None.
            also: (B, T, D), what else is known of the patches, added to their tokens, or None.

        Returns:
            (B, quarter, R/4, W/4), (B, eighth, R/8, W/8), and tokens (B, D, R/16, W/16).
        """
        rows, cols = x.shape[2] // self.patch, x.shape[3] // self.patch
        visible = torch.ones((1, 1, 1, 1), device=x.device)
        if masked is not None:
            grid = masked.view(-1, 1, rows, cols).to(x.dtype)
            visible = 1.0 - functional.interpolate(grid, scale_factor=float(self.patch))
        if not self.told_resolution:
            some = torch.tensor(self.some_resolution, device=resolution.device)
            resolution = some.to(resolution.dtype).expand_as(resolution)
        over_time, over_frequency = self.contrast(x, visible)
        told = self.resolution(resolution)
        dtype = told.dtype
        shown = torch.cat([x * visible, self.gained(over_time), self.gained(over_frequency)], dim=1)
        quarter, eighth, tokens = self.stem(shown.to(dtype), told)
        t = tokens.flatten(2).transpose(1, 2)
        if masked is not None:
            t = torch.where(masked[:, :, None], self.mask_token.to(t.dtype), t)
        frame = self.frame_spectrum(over_time[:, 0], resolution[:, 1]).to(dtype)
        patch = self.patch_spectrum(over_time[:, 0], resolution[:, 1]).to(dtype)
        rhythm = (self.frame_rhythm(frame) + self.patch_rhythm(patch)).flatten(1, 2)
        t = t + rhythm + self.positions(rows, cols).to(t.dtype) + told[:, None, :]
        if also is not None:
            t = t + also.to(t.dtype)
        for block in self.blocks:
            t = block(t)
        t = self.norm(t)
        return quarter, eighth, t.transpose(1, 2).reshape(-1, self.dim, rows, cols)

    def gained(self, contrast: Tensor) -> Tensor:
        """Contrast as an input channel."""
        return (contrast * self.gain).clamp(-3.0, 3.0)
