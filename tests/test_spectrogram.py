# SPDX-License-Identifier: GPL-3.0-or-later
"""The PyTorch spectrogram against a direct calculation in double precision, and its physics."""

import numpy as np
import pytest
import torch

from radiofm_core.errors import InputError
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

SPEC = SpectrogramSpec()


def direct(iq, hops_per_row):
    """The definition in spec.py, word for word, in NumPy."""
    n, hop = 256, 128
    rows = len(iq) // (hops_per_row * hop)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    window /= window.sum()
    out = np.zeros((rows, n))
    for row in range(rows):
        for j in range(row * hops_per_row, (row + 1) * hops_per_row):
            start = min(max(j * hop - 64, 0), len(iq) - n)
            x = np.fft.fftshift(np.fft.fft(iq[start : start + n].astype(complex) * window))
            out[row] += np.abs(x) ** 2 / hops_per_row
    return 10 * np.log10(np.maximum(out, 1e-20))


def noise(samples, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(samples, 2)).astype(np.float32)).view(np.complex64)[:, 0]


@pytest.mark.parametrize(
    ("samples", "hops"),
    [
        (32768, 1),
        (65536, 2),
        (1000, 3),
        (640, 5),
        (700, 5),
        (257, 2),
        (513, 2),
        (383, 1),
        (8192, 7),
    ],
)
def test_matches_the_definition(samples, hops):
    iq = noise(samples)
    got = spectrogram_db(torch.from_numpy(iq), SPEC, hops)[0].numpy()
    assert np.abs(got - direct(iq, hops)).max() < 0.01


@pytest.mark.parametrize("col", (0, 1, 64, 127, 128, 200, 255))
def test_full_scale_tone_reads_0_db_in_its_bin(col):
    n = np.arange(128 * 256)
    iq = np.exp(2j * np.pi * (col - 128) / 256 * n).astype(np.complex64)
    level = spectrogram_db(torch.from_numpy(iq), SPEC, 4)[0]
    assert level.argmax(dim=1).unique().tolist() == [col]
    assert level[:, col].abs().max() < 0.01


def test_burst_lands_in_its_rows():
    iq = np.zeros(256 * 512, np.complex64)
    iq[100 * 512 : 110 * 512] = noise(10 * 512)
    level = spectrogram_db(torch.from_numpy(iq), SPEC, 4)[0].mean(dim=1)
    assert set((level > -100).nonzero().ravel().tolist()) - {99, 110} == set(range(100, 110))


def test_zeros_read_the_floor():
    level = spectrogram_db(torch.zeros(4096, dtype=torch.complex64), SPEC, 2)
    assert (level - SPEC.floor_db).abs().max() < 1e-3


def test_batches_and_peak_channel():
    spec = SpectrogramSpec(channels=("mean", "peak"))
    iq = torch.from_numpy(np.stack([noise(8192, s) for s in range(3)]))
    level = spectrogram_db(iq, spec, 4)
    assert level.shape == (3, 2, 16, 256)
    assert (level[:, 1] >= level[:, 0] - 1e-4).all()
    assert torch.allclose(level[1, 0], spectrogram_db(iq[1], SPEC, 4)[0], atol=1e-4)


def test_too_short_a_segment_is_refused():
    with pytest.raises(InputError, match="200 samples"):
        spectrogram_db(torch.zeros(200, dtype=torch.complex64), SPEC, 1)
