# SPDX-License-Identifier: GPL-3.0-or-later
"""From a resource grid to samples, for LTE (36.211, 6.12) and NR (38.211, 5.3.1), and to the
truth of its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from radiofm_core.spectrogram import spectrogram_db

from .rng import Rng
from .span import Emission, Span

RB_SUBCARRIERS = 12
# From this signal-to-noise ratio on, what leaks out of the grid's own pixels can rise above noise.
LEAKING_SNR_DB = 18.0


@dataclass
class Grid:
    """A carrier's resource grid.

    ``amplitude``: (symbols, subcarriers), 0 where nothing is sent. ``truth``: (symbols, resource
    blocks) bool, what counts as sent. ``subcarrier_hz``: spacing. ``starts``: symbol starts in
    seconds from the grid's start, one more than symbols. ``offset``: the carrier's centre from the
    span's, in subcarriers. ``time``: where the span starts in the grid, seconds.
    ``dc_null``: leave the centre subcarrier empty (LTE).
    """

    amplitude: Tensor
    truth: Tensor
    subcarrier_hz: float
    starts: Tensor
    offset: int
    time: float
    dc_null: bool


def symbol_starts(slots: int, subcarrier_hz: float, extended: bool = False) -> Tensor:
    """Starts of the symbols of ``slots`` slots of 7 (LTE) symbols at 15 kHz, scaled for others.

    Normal cyclic prefix: every half millisecond begins with a longer one (36.211 table 6.12-1,
    38.211 clause 5.3.1). ``slots`` counts groups of 7 symbols (6 with the extended prefix).
    """
    scale = subcarrier_hz / 15e3
    unit = 1 / 30.72e6 / scale
    if extended:
        length = torch.full((slots * 6,), 2560.0, dtype=torch.float64)
    else:
        length = torch.full((slots * 7,), 2192.0, dtype=torch.float64)
        length[:: int(7 * scale)] += 16.0 * scale
    return torch.cat([torch.zeros(1, dtype=torch.float64), length.cumsum(0)]) * unit


def emit(grid: Grid, span: Span, label: int, snr_db: float, rng: Rng) -> Emission:
    """Modulate the grid with QPSK through a fading channel and mark its pixels."""
    amplitude = grid.amplitude * _fading(grid, rng)
    snr = 10.0 ** (snr_db / 10.0)
    power, cover, inside = _pixels(grid, amplitude, span)
    iq = _modulate(grid, amplitude, span, rng) * snr**0.5
    if snr_db > LEAKING_SNR_DB:
        power, cover, inside = _with_leakage(iq, span, power * snr, cover, inside)
        power = power / snr
    return Emission(label, iq, power * snr, cover, inside)


def _positions(grid: Grid) -> Tensor:
    """Subcarrier index of each column of the grid, 0 = the span's centre."""
    count = grid.amplitude.shape[1]
    k = torch.arange(count) - count // 2
    if grid.dc_null:
        k = torch.where(k >= 0, k + 1, k)
    return k + grid.offset


def _fading(grid: Grid, rng: Rng) -> Tensor:
    """|H| over (symbols, subcarriers): a few taps with delay and Doppler; often none."""
    if rng.chance(0.3):
        return torch.ones(1, 1)
    taps = rng.integer(2, 7)
    spread = rng.log_uniform(30e-9, 1.2e-6)
    delay = rng.tensor(taps) * spread
    doppler = (rng.tensor(taps) * 2 - 1) * rng.log_uniform(1.0, 300.0)
    decay = torch.exp(-1.5 * delay / spread)
    gain = torch.polar(decay, rng.tensor(taps) * 6.2832)
    # A line-of-sight part of random strength keeps many channels nearly flat.
    gain[0] += rng.uniform(0.0, 2.0)
    gain = gain / gain.abs().square().sum().sqrt()
    count = grid.amplitude.shape[1]
    f = torch.arange(0, count + 11, 12) * grid.subcarrier_hz
    t = grid.starts[:-1:7].float()
    phase = 6.2832 * t[:, None] * doppler
    in_time = gain * torch.polar(torch.ones_like(phase), phase)
    phase = -6.2832 * delay[:, None] * f
    response = in_time @ torch.polar(torch.ones_like(phase), phase)
    h = response.abs().repeat_interleave(7, 0)[: grid.amplitude.shape[0]]
    return h.repeat_interleave(12, 1)[:, :count]


def _modulate(grid: Grid, amplitude: Tensor, span: Span, rng: Rng) -> Tensor:
    n = round(span.sample_rate / grid.subcarrier_hz)
    k = _positions(grid)
    seen = (k >= -n // 2 + 1) & (k < n // 2)
    begin = round(grid.time * span.sample_rate)
    starts = torch.round(grid.starts * span.sample_rate).long()
    first = int(torch.searchsorted(starts, begin, right=True)) - 1
    last = int(torch.searchsorted(starts, begin + span.samples))
    out = torch.zeros(span.samples, dtype=torch.complex64)
    if not bool(seen.any()) or last <= first:
        return out
    values = amplitude.expand_as(grid.amplitude)[first:last, seen]
    spectrum = torch.zeros(last - first, n, dtype=torch.complex64)
    spectrum[:, k[seen] % n] = values * rng.qpsk(values.shape)
    body = torch.fft.ifft(spectrum) * n**0.5
    x = torch.empty(int(starts[last] - starts[first]), dtype=torch.complex64)
    edges = (starts[first : last + 1] - starts[first]).tolist()
    for symbol, a, b in zip(body, edges[:-1], edges[1:], strict=True):
        x[b - n : b] = symbol
        x[a : b - n] = symbol[n - (b - a - n) :]
    skip = begin - int(starts[first])
    x = x[skip : skip + span.samples]
    out[: x.numel()] = x
    return out


def _pixels(grid: Grid, amplitude: Tensor, span: Span) -> tuple[Tensor, Tensor, Tensor]:
    """Power relative to a resource element of amplitude 1, cover, and the band's columns."""
    edges_t = (grid.starts - grid.time).float() * span.sample_rate
    rows = span.rows_over(edges_t)
    used = rows.sum(0) > 0
    rows = rows[:, used]
    count = grid.amplitude.shape[1]
    k = _positions(grid).float()
    blocks = k[::RB_SUBCARRIERS]
    edges_f = torch.cat([blocks, k[-1:] + 1]) - 0.5
    cols = span.cols_over(edges_f * grid.subcarrier_hz).T
    energy = amplitude.expand_as(grid.amplitude)[used].square()
    energy = energy.unflatten(1, (count // RB_SUBCARRIERS, RB_SUBCARRIERS)).mean(2)
    sent = grid.truth[used].float()
    energy = sent * _over_symbols(energy) / _over_symbols(sent).clamp_min(1e-6)
    inside = (cols.sum(0) >= 0.5).expand(span.rows, -1)
    return rows @ energy @ cols, rows @ sent @ cols, inside


def _with_leakage(iq, span: Span, power: Tensor, cover: Tensor, inside: Tensor):
    """Power, cover and band with the pixels outside the grid that a strong signal reaches: edges
    of symbols and the window's skirts are neither noise nor transmission (cover 0.3)."""
    level = spectrogram_db(iq, span.spec, span.hops_per_row, span.rows)[0]
    own = 10.0 ** (level / 10) / span.noise_per_pixel
    leaked = (cover < 0.3) & (own > 0.3)
    return torch.where(leaked, own, power), torch.where(leaked, 0.3, cover), inside | leaked


def _over_symbols(x: Tensor) -> Tensor:
    """Mean over the seven symbols around each: what is sent only in some symbols of a slot
    (reference signals, gaps that count as sent) is as visible as its slot."""
    total = torch.nn.functional.pad(x.cumsum(0), (0, 0, 4, 3), mode="constant")
    total[-3:] = total[-4]
    return (total[7:] - total[:-7]) / 7
