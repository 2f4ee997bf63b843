# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver looks at, and what an emission leaves there.

Levels: noise has variance 1 per complex sample before the radio's own gain. An emission's
``snr_db`` is its power spectral density, where it transmits, over the noise's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.spectrogram import spectrogram_db

SUBCARRIER_HZ = 15e3
# What a truth's pixel can be: noise, a carrier of either technology, one of the other kinds
# (numbered from FIRST_OTHER on, :mod:`.kinds`), or not scored
NOISE, LTE, NR, FIRST_OTHER, IGNORE = 0, 1, 2, 3, 255


@dataclass(frozen=True)
class Span:
    """The receiver's view: ``fft_15k`` = sample rate / 15 kHz (a whole number, so that OFDM
    needs no resampling), and the frame's rows."""

    fft_15k: int
    hops_per_row: int
    rows: int
    spec: SpectrogramSpec

    @property
    def sample_rate(self) -> float:
        """Hz."""
        return self.fft_15k * SUBCARRIER_HZ

    @property
    def row_samples(self) -> int:
        """Samples per row."""
        return self.spec.row_samples(self.hops_per_row)

    @property
    def samples(self) -> int:
        """Samples in all."""
        return self.rows * self.row_samples

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples / self.sample_rate

    @property
    def noise_per_pixel(self) -> float:
        """Mean power of unit-variance noise in one pixel, linear, in the spectrogram's units."""
        window = torch.hann_window(self.spec.fft_size, periodic=True)
        return float(window.square().sum() / window.sum() ** 2)

    def rows_over(self, edges: Tensor) -> Tensor:
        """Share of each row that lies in each interval of ``edges`` (samples, S + 1 of them):
        (rows, S)."""
        starts = torch.arange(self.rows, dtype=torch.float32)[:, None] * self.row_samples
        return overlap(starts, starts + self.row_samples, edges) / self.row_samples

    def cols_over(self, edges: Tensor) -> Tensor:
        """Share of each column that lies in each interval of ``edges`` (Hz from the span's
        centre, K + 1 of them): (cols, K)."""
        cols = self.spec.cols
        width = self.sample_rate / cols
        low = (torch.arange(cols, dtype=torch.float32)[:, None] - cols / 2 - 0.5) * width
        return overlap(low, low + width, edges) / width


def overlap(low: Tensor, high: Tensor, edges: Tensor) -> Tensor:
    """Length of the intersection of [low, high) with each interval between ``edges``."""
    return (torch.minimum(high, edges[1:]) - torch.maximum(low, edges[:-1])).clamp_min(0)


@dataclass
class Emission:
    """One transmission as received, without noise.

    ``kind``: its number (:mod:`.kinds`). ``iq``: complex64 (samples,). ``power``: mean power per
    pixel relative to the noise's (rows, cols). ``cover``: how much of each pixel the transmission
    occupies, 0 to 1. ``inside``: True where the pixel's column lies in the emission's band.
    ``by_energy``: it occupies the pixels where its energy is, so none that is below what can be
    seen. ``subcarrier_hz``: spacing of an LTE or NR carrier.
    """

    kind: int
    iq: Tensor
    power: Tensor
    cover: Tensor
    inside: Tensor
    by_energy: bool = False
    subcarrier_hz: float | None = None


def mean_power(iq: Tensor, span: Span) -> Tensor:
    """Mean power per pixel (rows, cols) of a frame's samples, in the spectrogram's linear units.

    In long rows windows lie side by side instead of half over each other, which halves the work;
    their mean is the same.
    """
    n = span.spec.fft_size
    if span.hops_per_row < 12 or span.row_samples % n or n != 2 * span.spec.hop:
        level = spectrogram_db(iq, span.spec, span.hops_per_row, span.rows)[0]
        return 10.0 ** (level / 10)
    window = torch.hann_window(n, periodic=True)
    spectrum = torch.fft.fft(iq.view(-1, n) * (window / window.sum()))
    power = spectrum.real.square().add_(spectrum.imag.square())
    return torch.fft.fftshift(power.view(span.rows, -1, n).mean(1), dim=-1)


class NoiseBank:
    """White complex Gaussian noise of variance 1, read from random places of a fixed pool:
    ten times cheaper than drawing it anew, and no frame is long enough to see a repeat."""

    def __init__(self, generator: torch.Generator, size: int = 1 << 22):
        self.generator = generator
        self.pool = torch.randn(size, 2, generator=generator).mul_(0.5**0.5)

    def draw(self, samples: int) -> Tensor:
        """complex64 (samples,)."""
        pool = torch.view_as_complex(self.pool)
        pieces = []
        while samples > 0:
            start = int(torch.randint(pool.numel() // 2, (1,), generator=self.generator))
            pieces.append(pool[start : start + samples])
            samples -= pieces[-1].numel()
        return torch.cat(pieces)
