# SPDX-License-Identifier: GPL-3.0-or-later
"""Carriers that are on all the time, or nearly: DVB-T and DAB, WCDMA and other single carriers,
GSM and DECT."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import carrier, draw_bursts, empty, frequency, fsk, resampled, resampling

# (active subcarriers, FFT size, sample rate) of DVB-T in 6, 7 and 8 MHz, EN 300 744 clause 4.4
DVB_MODES = ((1705, 2048), (6817, 8192))
DVB_RATES = {6: 48e6 / 7, 7: 8e6, 8: 64e6 / 7}
# DAB mode I, EN 300 401 clause 14: null symbol, 76 symbols of 1536 subcarriers at 2.048 MS/s
DAB_RATE, DAB_NULL, DAB_PREFIX, DAB_FFT = 2.048e6, 2656, 504, 2048


def dvb_t(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """DVB-T with its scattered pilots, 2k or 8k, all guard intervals; its edges are in the span,
    because one that fills it could not be told from noise."""
    widths = [w for w in DVB_RATES if DVB_RATES[w] < 0.95 * span.sample_rate]
    if not widths:
        return dab(span, rng)
    native = DVB_RATES[rng.choice(widths)]
    active, n = rng.choice(DVB_MODES)
    prefix = n // rng.choice((4, 8, 16, 32))
    count, wide = resampling(span.samples, span.sample_rate, native)
    symbols = count // (n + prefix) + 2
    spectra = torch.zeros(symbols, n, dtype=torch.complex64)
    k = torch.arange(active)
    values = rng.data((symbols, active), rng.choice((4, 16, 64)))
    for phase in range(4):
        # Scattered pilots: every twelfth subcarrier, 3 further each symbol, 4/3 in amplitude
        pilots = k % 12 == 3 * phase
        signs = (rng.tensor(int(pilots.sum())) > 0.5).float() * (8 / 3) - 4 / 3
        rows = values[phase::4]
        rows[:, pilots] = signs.to(torch.complex64)
    spectra[:, (k - active // 2) % n] = values
    body = torch.fft.ifft(spectra).mul_(n / active**0.5)
    x = torch.cat([body[:, n - prefix :], body], dim=1).reshape(-1)
    start = rng.integer(0, n)
    used = active * native / n
    centre = frequency(span, rng, used, cut=True)
    return resampled(x[start : start + count], wide, span, centre), used


def dab(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """DAB: differential QPSK on 1536 subcarriers of 1 kHz, a silent symbol each 96 ms."""
    count, wide = resampling(span.samples, span.sample_rate, DAB_RATE)
    symbols = count // (DAB_FFT + DAB_PREFIX) + 2
    spectra = torch.zeros(symbols, DAB_FFT, dtype=torch.complex64)
    spectra[:, 1:769] = rng.data((symbols, 768))
    spectra[:, -768:] = rng.data((symbols, 768))
    body = torch.fft.ifft(spectra).mul_(DAB_FFT / 1536**0.5)
    x = torch.cat([body[:, DAB_FFT - DAB_PREFIX :], body], dim=1).reshape(-1)[:count]
    null = rng.integer(-DAB_NULL, int(96e-3 * DAB_RATE))
    x[max(0, null) : max(0, null + DAB_NULL)] = 0
    centre = frequency(span, rng, 1.536e6, cut=True)
    return resampled(x, wide, span, centre), 1.536e6


def single_carrier(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A shaped single-carrier signal (WCDMA, CDMA2000, a microwave link, a PSK modem): noise-like
    with soft shoulders, on all the time or in bursts."""
    width = rng.log_uniform(20e3, 0.3 * span.sample_rate)
    roll = rng.uniform(0.1, 0.4)
    if span.sample_rate > 6e6 and rng.chance(0.4):
        width, roll = rng.choice(((3.84e6, 0.22), (1.2288e6, 0.15)))
    centre = frequency(span, rng, width)
    out = empty(span)
    always = rng.chance(0.5)
    bursts = [(0, span.samples)] if always else draw_bursts(span, rng, 100e-6, 10e-3, 2.0)
    n = 1 << max(6, math.ceil(math.log2(span.sample_rate / width * 16)))
    f = torch.fft.fftfreq(n) * span.sample_rate - centre
    # Root-raised-cosine shoulders
    edge = ((f.abs() / width * 2 - (1 - roll)) / (2 * roll)).clamp(0, 1)
    shape = torch.cos(edge * math.pi / 2)
    gain = (n / shape.square().sum()).sqrt()
    for a, b in bursts:
        # Symbols in the frequency domain, overlapped by half with a square-root Hann window
        blocks = -(-(b - a) // (n // 2)) + 1
        x = torch.fft.ifft(rng.data((blocks, n)) * shape) * (gain * n**0.5)
        x = x * torch.hann_window(n).sqrt()
        y = torch.zeros((blocks + 1) * (n // 2), dtype=torch.complex64)
        y[: blocks * (n // 2)] += x[:, : n // 2].reshape(-1)
        y[n // 2 :] += x[:, n // 2 :].reshape(-1)
        out[a:b] = y[n // 2 : n // 2 + b - a]
    return out, width


def gsm(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """GSM carriers on the 200 kHz raster (3GPP TS 45.002): one on all the time, others in bursts
    of 148 of a slot's 156.25 bits."""
    out = empty(span)
    rate, slot = 270.833e3, 576.923e-6
    for i in range(rng.integer(1, 4)):
        centre = round(frequency(span, rng, 400e3) / 200e3) * 200e3
        x = fsk(span.samples, span, rng, rate, rate / 4, centre)
        if i:
            slots = (rng.tensor(8) < 0.4).float()
            t = torch.arange(span.samples) / (span.sample_rate * slot) + rng.uniform(0, 8)
            on = slots[(t.long() % 8)] * (t.remainder(1.0) < 148 / 156.25)
            x = x * on * 10 ** (rng.uniform(-12, 3) / 20)
        out += x
    return out, 200e3


def dect(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """DECT (EN 300 175-2): GFSK at 1.152 Mbit/s in slots of 1/2.4 ms, 24 in 10 ms."""
    out = empty(span)
    slot = 10e-3 / 24
    for _ in range(rng.integer(1, 3)):
        centre = round(frequency(span, rng, 2e6) / 1.728e6) * 1.728e6
        begin = rng.integer(0, 23) * slot - rng.uniform(0, 10e-3)
        while begin < span.duration:
            for length in (0.8 * slot, 0.24 * slot):
                a = max(0, int(begin * span.sample_rate))
                b = min(span.samples, int((begin + length) * span.sample_rate))
                if b > a:
                    out[a:b] += fsk(b - a, span, rng, 1.152e6, 288e3, centre)
                # The other side answers half a frame later.
                begin += 5e-3
    return out, 1.1e6


def tetra(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Carriers of 18 kBd pi/4-DQPSK on a 25 kHz raster (EN 300 392-2), some in slots."""
    out = empty(span)
    per_symbol = max(2, round(span.sample_rate / 18e3))
    for i in range(rng.integer(1, 3)):
        centre = round(frequency(span, rng, 25e3) / 25e3) * 25e3
        turns = torch.randint(0, 4, (span.samples // per_symbol + 2,), generator=rng.generator)
        phase = ((turns * 2 + 1) * (math.pi / 4)).repeat_interleave(per_symbol) / per_symbol
        step = phase[: span.samples].double().cumsum(0).remainder(2 * math.pi).float()
        x = torch.polar(torch.ones_like(step), step) * carrier(span.samples, centre, span)
        if i and rng.chance(0.5):
            t = torch.arange(span.samples) / (span.sample_rate * 14.167e-3)
            x = x * ((t.long() % 4) == rng.integer(0, 3))
        out += x * 10 ** (rng.uniform(-8, 0) / 20)
    return out, 20e3
