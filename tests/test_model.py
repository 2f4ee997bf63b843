# SPDX-License-Identifier: GPL-3.0-or-later
"""What the encoder is shown, and what it must not see."""

from __future__ import annotations

import math

import pytest
import torch

from training.encoder.inputs import Contrast, ModulationSpectrum
from training.encoder.vit import Encoder
from training.segmentation.model import ModelConfig

SMALL = ModelConfig(dim=32, depth=1, heads=2, stem_widths=(8, 16))
ALL_SEEN = torch.ones(1, 1, 1, 1)


def beat(hertz: float, row_s: float, rows: int = 256) -> torch.Tensor:
    """(1, rows, 256): columns 64 to 127 beat, the others are still."""
    level = torch.zeros(1, rows, 256)
    seconds = torch.arange(rows) * row_s
    level[0, :, 64:128] = 0.2 * torch.sin(2 * math.pi * hertz * seconds)[:, None]
    return level


@pytest.mark.parametrize("row_s", [40e-6, 78e-6, 120e-6])
@pytest.mark.parametrize("window_rows", [0, 64])
def test_a_beat_is_heard_at_its_frequency_whatever_a_row_lasts(row_s, window_rows):
    spectrum = ModulationSpectrum(32, 6400.0, window_rows)
    heard = spectrum(beat(2000.0, row_s), torch.tensor([row_s]))
    assert heard.shape == (1, 16 if window_rows else 1, 16, 32)
    middle = heard[0, heard.shape[1] // 2]
    assert (middle[4:8].argmax(1) == 9).all()  # the tenth line is 2 kHz
    assert (middle[4:8].max(1).values > middle[:4].max() + 0.9).all()


def test_there_is_no_rhythm_above_half_the_rows_rate():
    heard = ModulationSpectrum(64, 6400.0, 0)(
        torch.randn(1, 128, 256) * 0.1, torch.tensor([160e-6])
    )
    assert heard[..., :31].abs().min() > 0  # 3.1 kHz
    assert (heard[..., 31:] == 0).all()


def test_contrasts_are_means_of_what_may_be_seen():
    x = torch.zeros(1, 1, 64, 256)
    x[..., 100:120] = 2.0
    x[:, :, 10:20, 100:120] = 3.0
    over_time, over_frequency = Contrast()(x, ALL_SEEN)
    assert over_time[0, 0, 15, 110] == pytest.approx(3.0 - (2.0 + 10 / 64), abs=1e-5)
    assert over_frequency[0, 0, 40, 110] == pytest.approx(2.0 * (1 - 20 / 33), abs=1e-5)
    assert over_frequency[0, 0, 40, 0] == 0


@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_hidden_changes_no_feature(channels):
    torch.manual_seed(0)
    encoder = Encoder(channels, SMALL.stem_widths, SMALL.dim, SMALL.depth, SMALL.heads).eval()
    masked = torch.rand(2, 4 * 16) < 0.6
    hidden = masked.view(2, 1, 4, 16).repeat_interleave(16, 2).repeat_interleave(16, 3)
    resolution = torch.tensor([[75e3, 78e-6], [240e3, 40e-6]])
    x = torch.randn(2, channels, 64, 256)
    y = torch.where(hidden, torch.randn_like(x) * 3, x)
    with torch.inference_mode():
        for a, b in zip(
            encoder.encode(x, resolution, masked),
            encoder.encode(y, resolution, masked),
            strict=True,
        ):
            torch.testing.assert_close(a, b)
        seen = encoder.encode(x, resolution)[2] - encoder.encode(y, resolution)[2]
    assert seen.abs().max() > 0.1
