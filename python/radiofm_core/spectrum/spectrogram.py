# SPDX-License-Identifier: GPL-3.0-or-later
"""The one definition of the spectrogram, in PyTorch; the C++ kernel is its fast twin."""

from __future__ import annotations

import torch

from ..errors import InputError
from .spec import SpectrogramSpec


def spectrogram_db(
    iq: torch.Tensor, spec: SpectrogramSpec, hops_per_row: int, rows: int | None = None
) -> torch.Tensor:
    """Power in dB of one segment of samples.

    Args:
        iq: complex64 (..., samples); at least ``fft_size`` and one row of samples.
        spec: what a frame is.
        hops_per_row: from :meth:`SpectrogramSpec.hops_per_row`.
        rows: rows wanted; by default every whole row in the segment.

    Returns:
        float32 (..., channels, rows, cols); 0 dB is a full-scale complex tone in a bin.

    Raises:
        InputError: the segment holds fewer samples than one row or one FFT.
    """
    power = _hop_power(iq, spec, hops_per_row, rows)
    per_row = power.unflatten(-2, (-1, hops_per_row))
    channels = [per_row.mean(dim=-2)]
    if "peak" in spec.channels:
        channels.append(per_row.amax(dim=-2))
    floor = 10.0 ** (spec.floor_db / 10.0)
    linear = torch.fft.fftshift(torch.stack(channels, dim=-3), dim=-1)
    return 10.0 * torch.log10(linear.clamp_min(floor))


def _hop_power(iq, spec, hops_per_row, rows):
    """Linear power per hop in the FFT's own order: (..., hops, cols)."""
    samples = iq.shape[-1]
    whole_rows = samples // spec.row_samples(hops_per_row)
    rows = whole_rows if rows is None else rows
    if rows < 1 or rows > whole_rows or samples < spec.fft_size:
        raise InputError(
            f"{samples} samples hold {whole_rows} rows of {spec.row_samples(hops_per_row)} "
            f"samples, expected {rows}; use a longer segment"
        )
    n, hops = spec.fft_size, rows * hops_per_row
    lead = (n - spec.hop) // 2
    # Hop j's FFT starts at j * hop - lead, moved inwards at the segment's two ends.
    inner = min(hops - 1, (samples - n - spec.hop + lead) // spec.hop + 1)
    pieces = [iq[..., None, :n]]
    if inner > 0:
        pieces.append(iq[..., spec.hop - lead :].unfold(-1, n, spec.hop)[..., :inner, :])
    pieces += [iq[..., None, samples - n :]] * (hops - 1 - max(inner, 0))
    window = torch.hann_window(n, periodic=True, dtype=torch.float32, device=iq.device)
    spectrum = torch.fft.fft(torch.cat(pieces, dim=-2) * (window / window.sum()))
    return spectrum.real.square() + spectrum.imag.square()
