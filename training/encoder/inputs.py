# SPDX-License-Identifier: GPL-3.0-or-later
"""What the encoder is shown of a frame: levels, contrasts, rhythms, resolution and places.

Shapes: B batch, C channels of the spec, R rows, W columns, D token width. TorchScript compiles
all of it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# Columns that a level is compared with: a power of two, and the one in the middle
NEIGHBOURS = 33
# Rows and columns of a token
PATCH = 16


class Normalise(nn.Module):
    """dB relative to the frame's own median, in units of 10 dB, clipped.

    The median over every fourth row and column stands for the noise floor or for the carrier
    that fills the span: which of the two is for the network to tell.
    """

    def forward(self, frames_db: Tensor) -> Tensor:
        """(B, C, R, W) dB to (B, C, R, W) float32."""
        sampled = frames_db[:, :1, ::4, ::4].float().flatten(1)
        middle = sampled.kthvalue(sampled.shape[1] // 2 + 1, dim=1).values
        return ((frames_db.float() - middle[:, None, None, None]) / 10.0).clamp(-3.0, 6.0)


class Contrast(nn.Module):
    """How far a level lies above its column's mean over time, and above its neighbours' mean in
    frequency."""

    def __init__(self):
        super().__init__()
        self.neighbours = NEIGHBOURS

    def forward(self, x: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Contrasts of the pixels that may be seen; the hidden ones are in no mean, and are 0.

        Args:
            x: (B, C, R, W) from :class:`Normalise`.
            visible: 1 where a pixel may be seen and 0 elsewhere, (B, 1, R, W) or all of them:
                (1, 1, 1, 1).

        Returns:
            Over time and over frequency, both (B, C, R, W) in units of 10 dB.
        """
        rows, cols = x.shape[2], x.shape[3]
        seen = x * visible
        # of what may all be seen, one row and one column tell how many pixels are in a mean
        in_column = visible.expand(-1, 1, rows, visible.shape[3]).sum(2, keepdim=True)
        nearby = self._sums(visible.expand(-1, 1, visible.shape[2], cols))
        over_time = x - seen.sum(2, keepdim=True) / in_column.clamp_min(1.0)
        over_frequency = x - self._sums(seen) / nearby.clamp_min(1.0)
        return over_time * visible, over_frequency * visible

    def _sums(self, x: Tensor) -> Tensor:
        """Of each pixel's NEIGHBOURS, itself among them: sums of 2, 4, 8 ... until all but one
        are in. Pooling takes far longer on a CPU."""
        cols, beside = x.shape[3], self.neighbours // 2
        padded = functional.pad(x, (beside, beside))
        sums, length = padded, 1
        while length < self.neighbours - 1:
            sums = sums[..., : sums.shape[3] - length] + sums[..., length:]
            length *= 2
        return sums[..., :cols] + padded[..., 2 * beside :]


def contrasts_of_patches(x: Tensor, keep: Tensor, visible: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What :class:`Contrast` says of visible patches, with a quarter of the work where a quarter of
    them is visible.

    Args:
        x: (B, C, R, W) from :class:`Normalise`.
        keep: (B, K), the indexes of the visible patches.
        visible: bool (B, R/16, W/16), the same as a grid.

    Returns:
        The patches' levels, and their contrasts over time and over frequency, each
        (B, K, C, 16, 16) in units of 10 dB.
    """
    rows, cols = visible.shape[1:]
    grid = x.unflatten(3, (cols, PATCH)).unflatten(2, (rows, PATCH)).permute(0, 2, 4, 1, 3, 5)
    frame, row, col = torch.arange(len(x), device=x.device)[:, None], keep // cols, keep % cols
    own = grid[frame, row, col]
    # over time: the mean of each column of pixels, of what is visible of it
    sums = torch.zeros(len(x), cols, *own.shape[2:3], PATCH, device=x.device)
    sums = sums.index_put((frame.expand_as(col), col), own.sum(3), accumulate=True)
    in_column = (PATCH * visible.sum(1)).clamp_min(1)
    over_time = own - (sums / in_column[:, :, None, None])[frame, col][:, :, :, None]
    # over frequency: the patches on both sides hold all NEIGHBOURS of a pixel
    beside, counts, around = [], [], functional.pad(visible, (1, 1))
    for side in (-1, 0, 1):
        there = around[frame, row, col + side + 1]
        patch = own if side == 0 else grid[frame, row, (col + side).clamp(0, cols - 1)]
        beside.append(patch * there[:, :, None, None, None])
        counts.append(there.to(x.dtype)[:, :, None].expand(-1, -1, PATCH))
    places = torch.arange(3 * PATCH, device=x.device) - PATCH
    apart = (places[:, None] - torch.arange(PATCH, device=x.device)).abs()
    near = (apart <= NEIGHBOURS // 2).to(x.dtype)
    with torch.autocast(x.device.type, enabled=False):
        total = torch.cat(beside, dim=4) @ near
        nearby = torch.cat(counts, dim=2) @ near
    over_frequency = own - total / nearby.clamp_min(1.0)[:, :, None, None]
    return own, over_time, over_frequency


class ModulationSpectrum(nn.Module):
    """The rhythm of each band of 16 columns: the spectrum of its level over time.

    An LTE cell's reference symbols make a comb of 1 kHz, other frames and slots other combs, and
    bursts none. Frequencies are fixed in Hz, whatever a row lasts; above half of the rows' rate
    there is nothing (0).

    Args:
        lines: how many frequencies, in equal steps up to ``highest_hz``.
        window_rows: of how many rows around each patch a spectrum is taken; 0 = of the frame.
    """

    def __init__(self, lines: int, highest_hz: float, window_rows: int):
        super().__init__()
        self.lines = lines
        self.step_hz = highest_hz / lines
        self.window_rows = window_rows
        self.patch = PATCH

    def forward(self, contrast: Tensor, row_s: Tensor) -> Tensor:
        """(B, R, W) contrast over time and (B,) s to float32 (B, R/16, W/16, lines), or, of the
        whole frame, (B, 1, W/16, lines); about -1 to 2."""
        level = contrast.float().clamp(-1.0, 1.0)
        level = (
            level.unflatten(2, (level.shape[2] // self.patch, self.patch)).mean(3).transpose(1, 2)
        )
        row_s = row_s.float()
        if self.window_rows == 0:
            return self._spectrum(level[:, None], row_s)
        beyond = (self.window_rows - self.patch) // 2
        level = functional.pad(level, (beyond, beyond)).unfold(2, self.window_rows, self.patch)
        return self._spectrum(level.transpose(1, 2), row_s)

    def of_patches(
        self, contrast: Tensor, row_s: Tensor, keep: Tensor, rows: int, cols: int
    ) -> Tensor:
        """Of the whole frame, of which only the patches ``keep`` (B, K) have a contrast over time,
        (B, K, 16, 16): (B, 1, cols, lines); ``rows`` and ``cols``: of patches."""
        level = contrast.float().clamp(-1.0, 1.0).mean(3)
        bands = torch.zeros(len(level), rows * cols, self.patch, device=level.device)
        bands = bands.scatter(1, keep[:, :, None].expand(-1, -1, self.patch), level)
        bands = bands.unflatten(1, (rows, cols)).transpose(1, 2).flatten(2)
        return self._spectrum(bands[:, None], row_s.float())

    def _spectrum(self, level: Tensor, row_s: Tensor) -> Tensor:
        """(B, windows, W/16, rows) to (B, windows, W/16, lines)."""
        rows = level.shape[3]
        # A window's edges count a little, so that a short frame is heard to its end.
        window = torch.hann_window(rows, periodic=False, device=level.device) + 0.02
        level = level * (window / window.sum())
        hertz = torch.arange(1, self.lines + 1, device=level.device).float() * self.step_hz
        seconds = torch.arange(rows, device=level.device).float() * row_s[:, None]
        angle = (seconds[:, :, None] * (hertz * (2 * math.pi)))[:, None]
        power = (level @ angle.cos()).square() + (level @ angle.sin()).square()
        heard = (hertz < 0.5 / row_s[:, None])[:, None, None]
        return torch.where(heard, torch.log10(power + 1e-6) / 2 + 2, 0.0)


class Positions(nn.Module):
    """Sine-cosine positions of a grid of tokens, half of the width for each axis; the slowest
    turns once in about ``2 pi longest`` tokens."""

    def __init__(self, dim: int, longest: float):
        super().__init__()
        steps = torch.arange(dim // 4) / (dim // 4)
        self.register_buffer("scale", torch.exp(-math.log(longest) * steps), persistent=False)

    def forward(self, rows: int, cols: int) -> Tensor:
        """(rows * cols, D)."""
        y = torch.arange(rows, device=self.scale.device).to(self.scale.dtype)[:, None] * self.scale
        x = torch.arange(cols, device=self.scale.device).to(self.scale.dtype)[:, None] * self.scale
        y = torch.cat([y.sin(), y.cos()], 1)[:, None].repeat(1, cols, 1)
        x = torch.cat([x.sin(), x.cos()], 1)[None].repeat(rows, 1, 1)
        return torch.cat([y, x], dim=2).flatten(0, 1)


def embedding(features: int, dim: int) -> nn.Sequential:
    """A few numbers to a vector of the token width."""
    return nn.Sequential(nn.Linear(features, dim), nn.GELU(), nn.Linear(dim, dim))


class Resolution(nn.Module):
    """Embeds (Hz per bin, seconds per row) as a vector of the token width."""

    def __init__(self, dim: int):
        super().__init__()
        self.net = embedding(6, dim)

    def forward(self, resolution: Tensor) -> Tensor:
        """(B, 2) to (B, D)."""
        bin_hz = torch.log2(resolution[:, 0] / 75e3)
        row_s = torch.log2(resolution[:, 1] / 78e-6)
        looks = torch.log2(resolution[:, 0] * resolution[:, 1])
        x = torch.stack([bin_hz, row_s, looks, bin_hz.sin(), row_s.sin(), looks.sin()], dim=1)
        return self.net((x / 2.0).to(self.net[0].weight.dtype))
