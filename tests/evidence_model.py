# SPDX-License-Identifier: GPL-3.0-or-later
"""A model without training that goes by evidence alone, for tests of its way to a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from framer_flow import noise
from torch import nn

from radiofm_core.bundle import TASK_SEGMENTATION
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.engine.bundle_file import export_bundle
from training.segmentation.classes import DEFAULT

RATE = 1.92e6
SYMBOL = 1 / 15e3
EVIDENCE_SPEC = SpectrogramSpec(evidence_lags=(SYMBOL, 50e-6))


class EvidenceSegmenter(nn.Module):
    """Cells that repeat after the first lag are lte, those that are not judged nr.

    It tells class scores, too. A pixel (0, 0) above 0 dB makes it fail.
    """

    def __init__(self):
        super().__init__()
        self.least = nn.Parameter(torch.tensor(0.4))
        self.classes = len(DEFAULT)

    def forward(self, x: torch.Tensor, resolution: torch.Tensor, evidence: torch.Tensor):
        if bool((x[:, 0, 0, 0] > 0).any()):
            raise RuntimeError("ordered to fail")
        coherence = evidence[:, 0].float().square().sum(1).sqrt()
        cells = (coherence > self.least.float()).to(torch.uint8) + 2 * coherence.isnan().to(
            torch.uint8
        )
        mask = cells.repeat_interleave(16, 1).repeat_interleave(8, 2)
        confidence = torch.full_like(mask, 1, dtype=torch.float32) * 0.9
        fine = cells.repeat_interleave(4, 1).repeat_interleave(2, 2).long()
        scores = (
            torch.nn.functional.one_hot(fine, self.classes)
            .permute(0, 3, 1, 2)
            .float()
            .log_softmax(1)
        )
        return mask, confidence, scores


class ShortAnswer(EvidenceSegmenter):
    """The same without class scores."""

    def forward(self, x: torch.Tensor, resolution: torch.Tensor, evidence: torch.Tensor):
        coherence = evidence[:, 0].float().square().sum(1).sqrt()
        mask = (coherence > self.least.float()).to(torch.uint8)
        mask = mask.repeat_interleave(16, 1).repeat_interleave(8, 2)
        return mask, torch.full_like(mask, 1, dtype=torch.float32)


def make_evidence_bundle(path: Path, model: nn.Module | None = None) -> Path:
    """A bundle of EvidenceSegmenter, or of another model that takes evidence."""
    return export_bundle(
        path,
        model or EvidenceSegmenter(),
        EVIDENCE_SPEC,
        "evidence",
        {},
        "none",
        {},
        TASK_SEGMENTATION,
        DEFAULT.infos,
    )


def repeating(samples: int, begin: int, end: int, seed: int = 1) -> np.ndarray:
    """Noise that, from ``begin`` to ``end``, is what was there a symbol of 15 kHz before."""
    x = noise(samples, seed)
    lag = round(SYMBOL * RATE)
    for start in range(begin, end, lag):
        stop = min(start + lag, end)
        x[start:stop] = x[start - lag : stop - lag]
    return x
