# SPDX-License-Identifier: GPL-3.0-or-later
"""A band with signals in it, as something to work on: carriers and bursts in noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import fft

from radiofm_core.spectrum.recordings import Recording, open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec

# Centre and width as shares of the span, power over the noise in dB, seconds on and off (0: always
# on)
CARRIERS = (
    (-0.28, 0.30, 20.0, 0.0, 0.0),
    (0.12, 0.16, 12.0, 4e-3, 6e-3),
    (0.34, 0.10, 25.0, 0.5e-3, 1.3e-3),
)
NOISE_RMS = 2e-3
DATATYPE = "ci16_le"
# Frames that differ; longer recordings repeat them
FRAMES = 4


def make_samples(sample_rate: float, count: int) -> np.ndarray:
    """The scene's first ``count`` samples: complex64, full scale 1.0, the same in every call."""
    rng = np.random.default_rng(1)
    samples = np.float32(NOISE_RMS) * _noise(rng, count)
    frequency = fft.fftfreq(count)
    seconds = np.arange(count) / sample_rate
    for center, width, snr_db, on, off in CARRIERS:
        # white noise cut to the carrier's band: that is what OFDM looks like
        level = np.float32(NOISE_RMS * 10 ** (snr_db / 20))
        spectrum = fft.fft(level * _noise(rng, count))
        spectrum[np.abs(frequency - center) > width / 2] = 0
        carrier = fft.ifft(spectrum)
        if on:
            carrier[seconds % (on + off) >= on] = 0
        samples += carrier
    return samples


def _noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Complex white noise of power 1."""
    pairs = rng.standard_normal((count, 2), dtype=np.float32)
    return pairs.view(np.complex64)[:, 0] * np.float32(np.sqrt(0.5))


def write_scene(
    folder: Path, sample_rate: float, spec: SpectrogramSpec, repeats: int = 1
) -> Recording:
    """A raw recording in ``folder`` of ``repeats`` times the same FRAMES whole frames.

    As 16-bit integers, which is what receivers of such rates give out.
    """
    count = FRAMES * spec.frame_samples(spec.hops_per_row(sample_rate))
    pairs = make_samples(sample_rate, count).view(np.float32)
    data = np.rint(pairs * 2**15).clip(-(2**15), 2**15 - 1).astype("<i2").tobytes()
    path = folder / f"scene_{sample_rate / 1e6:g}.raw"
    with path.open("wb") as file:
        for _ in range(repeats):
            file.write(data)
    return open_recording(path, sample_rate, 796e6, DATATYPE)
