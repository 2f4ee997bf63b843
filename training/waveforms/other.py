# SPDX-License-Identifier: GPL-3.0-or-later
"""Emissions that are neither LTE nor NR: Wi-Fi packets, broadcast OFDM, wideband carriers, FSK and
OOK bursts, GSM, FM, chirps, tones, pulses.

A kind is a function of (span, rng) that returns complex64 samples of about unit power where it
sends, and the bandwidth in Hz that its power is spread over.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from radiofm_core.spectrogram import spectrogram_db

from .rng import Rng
from .span import OTHER, Emission, Span

Bursts = list[tuple[int, int]]


def emit(kind, span: Span, snr_db: float, rng: Rng) -> Emission:
    """One emission of ``kind``; its truth is where its own spectrogram holds its energy."""
    iq, bandwidth = kind(span, rng)
    iq = iq * (10.0 ** (snr_db / 10) * max(bandwidth, 1e3) / span.sample_rate) ** 0.5
    level = spectrogram_db(iq, span.spec, span.hops_per_row, span.rows)[0]
    power = 10.0 ** (level / 10) / span.noise_per_pixel
    # Within 24 dB of its strongest pixels is the emission; the next 6 dB, where its skirts begin,
    # are neither it nor noise (cover 0.3 is left out of training).
    peak = level.flatten().topk(max(1, level.numel() // 2000)).values[-1]
    cover = torch.where(level > peak - 24, 1.0, torch.where(level > peak - 30, 0.3, 0.0))
    return Emission(OTHER, iq, power, cover, torch.ones_like(cover, dtype=torch.bool))


def draw_kind(span: Span, rng: Rng):
    """A kind that fits in the span."""
    kinds = [k for k, least in KINDS if span.sample_rate >= least]
    weights = [WEIGHTS.get(k.__name__, 1.0) for k in kinds]
    return rng.choice(kinds, weights)


def _bursts(span: Span, rng: Rng, shortest: float, longest: float, gap: float) -> Bursts:
    """Bursts of random length (s) with random gaps up to ``gap`` times their length."""
    place = -rng.uniform(0, longest)
    bursts = []
    rate = span.sample_rate
    while place < span.duration and len(bursts) < 200:
        length = rng.log_uniform(shortest, longest)
        a, b = max(0, int(place * rate)), min(span.samples, int((place + length) * rate))
        if b - a > 8:
            bursts.append((a, b))
        place += length + rng.uniform(0.02, 1.0) * gap * length
    return bursts


def _frequency(span: Span, rng: Rng, bandwidth: float) -> float:
    """A centre within the span, partly outside at times."""
    reach = max(0.0, span.sample_rate / 2 - 0.4 * bandwidth)
    return rng.uniform(-reach, reach)


def _empty(span: Span) -> Tensor:
    return torch.zeros(span.samples, dtype=torch.complex64)


def _rotate(step: Tensor) -> Tensor:
    """exp(j * cumulative sum) of phase steps (radians per sample)."""
    phase = step.double().cumsum(0).remainder(2 * math.pi).float()
    return torch.polar(torch.ones_like(phase), phase)


def multicarrier(
    samples: int, span: Span, rng: Rng, spacing: float, low: float, high: float, prefix: float
) -> Tensor:
    """OFDM between ``low`` and ``high`` Hz with about ``spacing`` Hz between subcarriers."""
    n = max(8, round(span.sample_rate / spacing))
    real = span.sample_rate / n
    k = torch.arange(math.ceil(low / real), math.floor(high / real) + 1)
    k = k[(k > -n // 2) & (k < n // 2)]
    cp = int(prefix * n)
    symbols = -(-samples // (n + cp))
    if not k.numel() or samples < 1:
        return torch.zeros(max(0, samples), dtype=torch.complex64)
    spectrum = torch.zeros(symbols, n, dtype=torch.complex64)
    spectrum[:, k % n] = rng.qpsk((symbols, k.numel()))
    body = torch.fft.ifft(spectrum) * (n / k.numel() ** 0.5)
    return torch.cat([body[:, n - cp :], body], dim=1).reshape(-1)[:samples]


def wifi(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """802.11 OFDM packets (a/g/n/ac/ax): a preamble of every fourth subcarrier, then data; some
    networks send nearly back to back, some answer with short acknowledgements."""
    spacing = rng.choice((312.5e3, 312.5e3, 78.125e3))
    width = rng.choice(
        [w for w in (20e6, 20e6, 40e6, 80e6) if w <= 1.6 * span.sample_rate] or [20e6]
    )
    used = width * rng.choice((0.83, 0.89, 0.95))
    whole = span.sample_rate <= 1.3 * width and rng.chance(0.6)
    centre = rng.uniform(-0.02, 0.02) * width if whole else _frequency(span, rng, width)
    out = _empty(span)
    gap = rng.choice((0.05, 0.3, 2.0, 8.0))
    ready = rng.chance(0.5)
    level = 1.0
    for a, b in _bursts(span, rng, 30e-6, rng.log_uniform(100e-6, 5e-3), gap):
        if not ready:
            level = 10 ** (rng.uniform(-15, 0) / 20)
        low, high = centre - used / 2, centre + used / 2
        short = min(b - a, int(8e-6 * span.sample_rate))
        if spacing * 4 < span.sample_rate / 4 and short > 0:
            out[a : a + short] = level * multicarrier(short, span, rng, spacing * 4, low, high, 0.0)
        out[a + short : b] = level * multicarrier(
            b - a - short, span, rng, spacing, low, high, 0.25
        )
    return out, used


def wide_bursts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """OFDM packets wider than the span: Wi-Fi as a narrow receiver hears it."""
    out = _empty(span)
    edge = span.sample_rate / 2
    spacing = rng.choice((312.5e3, 78.125e3))
    for a, b in _bursts(span, rng, 40e-6, rng.log_uniform(200e-6, 5e-3), rng.choice((0.3, 2, 8))):
        level = 10 ** (rng.uniform(-10, 0) / 20)
        out[a:b] = level * multicarrier(b - a, span, rng, spacing, -edge, edge, 0.25)
    return out, span.sample_rate


def broadcast(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A DVB-T or DAB-like OFDM carrier, on all the time, with its edges in the span: one that
    fills it could not be told from noise."""
    widths = [w for w in (1.536e6, 5.7e6, 6.65e6, 7.61e6) if w < 0.8 * span.sample_rate]
    width = rng.choice(widths)
    centre = _frequency(span, rng, width)
    spacing = rng.choice((1e3, 1.116e3, 4.464e3))
    return (
        multicarrier(
            span.samples,
            span,
            rng,
            spacing,
            centre - width / 2,
            centre + width / 2,
            rng.uniform(0.03, 0.25),
        ),
        width,
    )


def single_carrier(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A shaped single-carrier signal (WCDMA, a microwave link, a PSK modem): noise-like with soft
    shoulders, on all the time or in bursts."""
    width = rng.log_uniform(20e3, 0.3 * span.sample_rate)
    if span.sample_rate > 6e6 and rng.chance(0.4):
        width = 3.84e6
    centre = _frequency(span, rng, width)
    out = _empty(span)
    bursts = [(0, span.samples)] if rng.chance(0.5) else _bursts(span, rng, 100e-6, 10e-3, 2.0)
    n = 1 << max(6, math.ceil(math.log2(span.sample_rate / width * 16)))
    f = torch.fft.fftfreq(n) * span.sample_rate - centre
    roll = rng.uniform(0.1, 0.4)
    # Root-raised-cosine shoulders
    edge = ((f.abs() / width * 2 - (1 - roll)) / (2 * roll)).clamp(0, 1)
    shape = torch.cos(edge * math.pi / 2)
    gain = (n / shape.square().sum()).sqrt()
    for a, b in bursts:
        # Symbols in the frequency domain, overlapped by half with a square-root Hann window
        blocks = -(-(b - a) // (n // 2)) + 1
        x = torch.fft.ifft(rng.qpsk((blocks, n)) * shape) * (gain * n**0.5)
        x = x * torch.hann_window(n).sqrt()
        y = torch.zeros((blocks + 1) * (n // 2), dtype=torch.complex64)
        y[: blocks * (n // 2)] += x[:, : n // 2].reshape(-1)
        y[n // 2 :] += x[:, n // 2 :].reshape(-1)
        out[a:b] = y[n // 2 : n // 2 + b - a]
    return out, width


def _fsk(
    samples: int, span: Span, rng: Rng, rate: float, deviation: float, centre: float
) -> Tensor:
    """Smoothed binary FSK of ``rate`` symbols/s around ``centre``."""
    per_symbol = max(2, round(span.sample_rate / rate))
    bits = (rng.tensor(-(-samples // per_symbol) + 2) > 0.5).float() * 2 - 1
    steps = bits.repeat_interleave(per_symbol)
    width = max(1, per_symbol // 2)
    total = torch.nn.functional.pad(steps.cumsum(0), (1, 0))
    smooth = ((total[width:] - total[:-width]) / width)[:samples]
    return _rotate((smooth * deviation + centre) * (2 * math.pi / span.sample_rate))


def hopping_fsk(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Bluetooth-like GFSK bursts that hop over the span."""
    rate = rng.choice((1e6, 1e6, 2e6))
    out = _empty(span)
    for a, b in _bursts(span, rng, 80e-6, 3e-3, rng.choice((0.7, 3.0))):
        centre = _frequency(span, rng, rate)
        out[a:b] = _fsk(b - a, span, rng, rate, 0.25 * rate, centre) * 10 ** (
            rng.uniform(-8, 0) / 20
        )
    return out, rate


def fsk_bursts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """FSK telegrams on one channel (sensors, Z-Wave, pagers)."""
    rate = rng.log_uniform(2e3, min(500e3, span.sample_rate / 8))
    deviation = rate * rng.uniform(0.25, 1.5)
    centre = _frequency(span, rng, rate)
    out = _empty(span)
    for a, b in _bursts(span, rng, 500e-6, 40e-3, rng.choice((0.5, 3.0))):
        out[a:b] = _fsk(b - a, span, rng, rate, deviation, centre)
    return out, 2 * deviation + rate


def gsm(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """GSM carriers on the 200 kHz raster: one on all the time, others in slots of 577 us."""
    out = _empty(span)
    rate, slot = 270.833e3, 577e-6
    for i in range(rng.integer(1, 4)):
        centre = round(_frequency(span, rng, 400e3) / 200e3) * 200e3
        x = _fsk(span.samples, span, rng, rate, rate / 4, centre)
        if i:
            slots = (rng.tensor(8) < 0.4).float()
            t = torch.arange(span.samples) / span.sample_rate / slot
            x = x * slots[(t.long() % 8)] * 10 ** (rng.uniform(-12, 3) / 20)
        out += x
    return out, 200e3


def ook_bursts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """On-off keying: remote controls, tyre sensors, pulse trains of transponders."""
    rate = rng.log_uniform(1e3, min(2e6, span.sample_rate / 1.5))
    centre = _frequency(span, rng, rate)
    out = _empty(span)
    per_symbol = max(1, round(span.sample_rate / rate))
    for a, b in _bursts(span, rng, 60e-6, 30e-3, rng.choice((1.0, 6.0))):
        bits = (rng.tensor(-(-(b - a) // per_symbol)) > 0.5).float()
        keyed = bits.repeat_interleave(per_symbol)[: b - a]
        step = torch.full((b - a,), centre * 2 * math.pi / span.sample_rate)
        out[a:b] = _rotate(step) * keyed
    return out, rate


def transponders(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Mode S and ADS-B replies: 1 Mbit/s pulse position modulation in telegrams of 64 or 120 us,
    from many senders of different strength, at random times."""
    out = _empty(span)
    chip_s = 0.5e-6
    centre = _frequency(span, rng, 2e6) if span.sample_rate > 4e6 else rng.uniform(-1e5, 1e5)
    bursts = _bursts(span, rng, 64e-6, 120e-6, rng.choice((2.0, 8.0, 40.0)))
    for a, b in bursts:
        bits = (rng.tensor(int((b - a) / span.sample_rate / (2 * chip_s)) + 2) > 0.5).float()
        chips = torch.stack([bits, 1 - bits], dim=1).flatten()
        place = torch.arange(b - a) / (chip_s * span.sample_rate)
        step = torch.full((b - a,), centre * 2 * math.pi / span.sample_rate)
        out[a:b] = _rotate(step) * chips[place.long()] * 10 ** (rng.uniform(-15, 0) / 20)
    return out, min(2e6, span.sample_rate)


def fm(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Analogue FM, narrow or broadcast-wide."""
    deviation = rng.choice((2.5e3, 5e3, 75e3))
    centre = _frequency(span, rng, deviation)
    audio = rng.normal(max(4, int(span.duration * deviation / 3)) + 2)
    audio = torch.nn.functional.interpolate(audio[None, None], span.samples, mode="linear")[0, 0]
    return _rotate(
        (audio * deviation / 1.5 + centre) * (2 * math.pi / span.sample_rate)
    ), 2 * deviation


def chirps(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """LoRa-like or radar-like linear sweeps, repeated, up or down."""
    if rng.chance(0.5):
        width = min(rng.choice((125e3, 250e3, 500e3, 1.6e6)), 0.8 * span.sample_rate)
        period = 2 ** rng.integer(7, 11) / width
    else:
        width = rng.uniform(0.1, 0.9) * span.sample_rate
        period = rng.log_uniform(30e-6, 5e-3)
    centre = _frequency(span, rng, width)
    sign = rng.choice((-1.0, 1.0))
    out = _empty(span)
    gap = rng.choice((0.1, 2.0))
    for a, b in _bursts(span, rng, max(period, 100e-6), max(20 * period, 5e-3), gap):
        turn = (torch.arange(b - a) / (period * span.sample_rate)).remainder(1.0) - 0.5
        out[a:b] = _rotate((turn * sign * width + centre) * (2 * math.pi / span.sample_rate))
    return out, width / 4


def tones(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """One to five steady or drifting carriers."""
    out = _empty(span)
    for _ in range(rng.integer(1, 5)):
        centre = _frequency(span, rng, 0.0)
        drift = rng.normal(1).item() * 20e3 if rng.chance(0.2) else 0.0
        t = torch.linspace(0, 1, span.samples)
        step = (centre + drift * t) * (2 * math.pi / span.sample_rate)
        out += _rotate(step) * 10 ** (rng.uniform(-10, 0) / 20)
    return out, 4e3


def pulses(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Short wide pulses: radar, ignition, switching supplies."""
    out = _empty(span)
    width = rng.uniform(0.3, 1.0) * span.sample_rate
    for a, b in _bursts(span, rng, 1e-6, 30e-6, rng.choice((20.0, 300.0))):
        out[a:b] = multicarrier(b - a, span, rng, 100e3, -width / 2, width / 2, 0.0)
    return out, width


# Each kind with the least sample rate at which it looks like itself
KINDS = (
    (wifi, 5e6),
    (wide_bursts, 0.9e6),
    (broadcast, 2.1e6),
    (single_carrier, 0.9e6),
    (hopping_fsk, 5e6),
    (fsk_bursts, 0.9e6),
    (gsm, 0.9e6),
    (ook_bursts, 0.9e6),
    (transponders, 0.9e6),
    (fm, 0.9e6),
    (chirps, 0.9e6),
    (tones, 0.9e6),
    (pulses, 0.9e6),
)
WEIGHTS = {
    "wifi": 5.0,
    "wide_bursts": 0.7,
    "hopping_fsk": 1.2,
    "fsk_bursts": 1.5,
    "transponders": 1.5,
    "pulses": 0.5,
}
