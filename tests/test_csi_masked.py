# SPDX-License-Identifier: GPL-3.0-or-later
"""Masked modelling of what moves in CSI."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from radiofm_core.csi.spec import CsiSpec
from training.activity.model import (
    DOPPLER_LINES,
    MaskedActivity,
    ModelConfig,
    StemActivityClassifier,
    doppler_spectra,
)
from training.engine.masks import draw_masks, masked_loss

SMALL = ModelConfig(dim=32, depth=1, heads=2, stem_widths=(8, 16))


def views(line: float = 3.0) -> torch.Tensor:
    """(1, 1, 64, 48): the columns 16 to 31 turn ``line`` times in 16 rows, the others are still."""
    found = torch.zeros(1, 1, 64, 48)
    found[..., 16:32] = torch.cos(2 * math.pi * line / 16 * torch.arange(64.0))[:, None]
    return found


@pytest.mark.parametrize("line", [1, 3, 8])
def test_a_patchs_spectrum_tells_how_fast_it_turns(line):
    spectra = doppler_spectra(views(line))
    assert spectra.shape == (1, DOPPLER_LINES, 4, 3)
    assert (spectra[0, :, :, 1].argmax(0) == line).all()
    assert torch.allclose(spectra[..., 0], torch.tensor(-3.0))
    # twice as large a motion has four times the power
    more = doppler_spectra(2 * views(line))[0, line, :, 1]
    assert torch.allclose(more - spectra[0, line, :, 1], torch.tensor(math.log10(4)), atol=1e-3)


def test_what_is_hidden_changes_no_guess_and_is_learnt():
    torch.manual_seed(0)
    model = MaskedActivity(StemActivityClassifier(SMALL, 3, CsiSpec())).eval()
    shown = torch.randn(2, 1, 64, 64)
    masked = draw_masks(2, 4, 4, 0.75, np.random.default_rng(0), ("random",))
    hidden = masked.view(2, 1, 4, 4).repeat_interleave(16, 2).repeat_interleave(16, 3)
    guess, truth = model(shown, masked)
    assert guess.shape == truth.shape == (2, DOPPLER_LINES, 4, 4)
    other, _ = model(torch.where(hidden, shown + 5, shown), masked)
    assert torch.allclose(guess, other)
    assert masked_loss(guess, truth, masked) > 0
    off = torch.where(masked.view(2, 1, 4, 4), truth, truth + 1)
    assert masked_loss(off, truth, masked) == 0
    masked_loss(guess, truth, masked).backward()
    assert model.encoder.mask_token.grad.abs().sum() > 0
