# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token is told of the evidence planes (:mod:`radiofm_core.spectrum.evidence`).

Shapes: B batch, L lags, C cell rows (= token rows), Z cells beside each other, W columns of tokens,
D token width. TorchScript compiles all of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from radiofm_core.spectrum.evidence_grid import BIN_OVERLAP, NARROW, STRIDES, WIDE, WIDE_RATE
from radiofm_core.spectrum.spec import CELL_COLS

from .inputs import PATCH, embedding

# How far around a token cells are summed before their magnitude is taken: (token rows, token
# columns), 0 = all rows of the frame
AROUND = ((1, 1), (3, 3), (0, 1), (0, 5))
# log(1 + coherence^2 x looks) is at most about 10
STRENGTH_SCALE = 0.25


class CellLooks(nn.Module):
    """:attr:`~radiofm_core.spectrum.evidence.EvidenceGrid.looks` of frames of any resolution."""

    def __init__(self):
        super().__init__()
        self.wide_rate, self.wide, self.narrow = float(WIDE_RATE), float(WIDE), float(NARROW)
        self.least_rates = [float(least) for least, _ in STRIDES]
        self.strides = [float(taken) for _, taken in STRIDES]
        self.overlap, self.cells, self.rows = BIN_OVERLAP, float(CELL_COLS), float(PATCH)

    def forward(self, resolution: Tensor, cols: int) -> Tensor:
        """(B, 2), Hz per bin and s per row, of frames of ``cols`` columns to (B,)."""
        rate = resolution[:, 0].double() * cols
        is_wide = (rate >= self.wide_rate).double()
        points = self.narrow + (self.wide - self.narrow) * is_wide
        stride = torch.ones_like(rate)
        for least, taken in zip(self.least_rates, self.strides):  # noqa: B905 (TorchScript)
            stride = torch.where(rate >= least, torch.full_like(rate, taken), stride)
        compared = resolution[:, 1].double() * self.rows * rate / (points / 2) / stride
        bins = points / self.cells
        return (compared * bins / (1 + self.overlap * (bins > 1).double())).float()


class EvidenceTokens(nn.Module):
    """Evidence planes to token vectors: of each lag the coherence of the token's own two cells and
    of larger areas around it, as magnitude and in units of what noise has, and whether it could be
    judged. Cells are summed by their power, so that an emission counts where it is.

    Args:
        lags: how many planes.
        dim: token width.
    """

    def __init__(self, lags: int, dim: int):
        super().__init__()
        self.around = AROUND
        self.scale = STRENGTH_SCALE
        self.looks = CellLooks()
        self.net = embedding(lags * (2 * 2 + 2 * len(AROUND) + 1), dim)

    def forward(self, evidence: Tensor, level: Tensor, resolution: Tensor) -> Tensor:
        """Token vectors of planes, with the level that weighs them.

        Args:
            evidence: (B, L, 2, C, Z), NaN where not judged.
            level: (B, R, 256), units of 10 dB, from :class:`.inputs.Normalise`.
            resolution: (B, 2), Hz per bin and s per row.

        Returns:
            (B, C, W, D).
        """
        x = self.features(evidence, level, resolution)
        return self.net(x.to(self.net[0].weight.dtype))

    def features(self, evidence: Tensor, level: Tensor, resolution: Tensor) -> Tensor:
        """(B, C, W, features), float32; arguments as of :meth:`forward`."""
        rows = evidence.shape[3]
        looks = self.looks(resolution, level.shape[2])[:, None, None, None]
        judged = torch.isfinite(evidence[:, :, 0])
        coherence = torch.where(judged[:, :, None], evidence.float(), torch.zeros_like(evidence))
        columns = level.shape[2] // evidence.shape[4]
        power = torch.exp(2.302585 * level).unflatten(2, (evidence.shape[4], columns)).mean(3)
        power = power.unflatten(1, (rows, level.shape[1] // rows)).mean(2)[:, None]
        power = power / power.amax((2, 3), keepdim=True)
        weight = power * judged
        # of one token: (B, L, C, W, 2)
        own = coherence.unflatten(4, (evidence.shape[4] // 2, 2))
        found = []
        for cell in range(2):
            size = own[..., cell].square().sum(2)
            found += [size.sqrt(), torch.log1p(size * looks) * self.scale]
        sums = torch.cat(
            [coherence[:, :, 0] * weight, coherence[:, :, 1] * weight, weight, weight.square()],
            dim=1,
        )
        sums = sums.unflatten(3, (evidence.shape[4] // 2, 2)).sum(4)
        for height, width in self.around:
            real, imaginary, total, squares = self._summed(sums, height, width).chunk(4, dim=1)
            size = (real.square() + imaginary.square()) / total.square().clamp_min(1e-20)
            size = size.clamp_max(1.0)
            enough = looks * total.square() / squares.clamp_min(1e-20)
            strength = torch.log1p(size * enough) * self.scale
            found += [size.sqrt().expand(-1, -1, rows, -1), strength.expand(-1, -1, rows, -1)]
        found.append(judged.float().unflatten(3, (evidence.shape[4] // 2, 2)).mean(4))
        return torch.stack(found, dim=2).flatten(1, 2).permute(0, 2, 3, 1)

    def _summed(self, x: Tensor, height: int, width: int) -> Tensor:
        """Sums (B, N, C or 1, W) of the tokens around each one."""
        if height == 0:
            x = x.sum(2, keepdim=True)
        high = max(1, height)
        if high == 1 and width == 1:
            return x
        area = high * width
        return functional.avg_pool2d(x, (high, width), 1, (high // 2, width // 2)) * area
