# SPDX-License-Identifier: GPL-3.0-or-later
"""Short-range devices and transponders: Bluetooth, 802.15.4, FSK and OOK telegrams, ADS-B."""

from __future__ import annotations

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import carrier, draw_bursts, empty, frequency, fsk

# Chips of symbol 0 of 802.15.4's 2.4 GHz O-QPSK, IEEE 802.15.4-2020 table 12-1
CHIPS = "11011001110000110101001000101110"
SLOT_S = 625e-6
# Lengths of packets of one, three and five slots
PACKET_S = (366e-6, 1622e-6, 2870e-6)


def bluetooth(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Bluetooth: GFSK of 1 Mbit/s on a 1 MHz raster, a new channel each slot of 625 us, packets of
    one, three or five slots; or Low Energy: pairs of packets 150 us apart on one channel."""
    out = empty(span)
    rate = rng.choice((1e6, 1e6, 2e6))
    low_energy = rate == 2e6 or rng.chance(0.4)
    deviation = rate * (0.25 if low_energy else 0.16)
    phase = rng.uniform(0, 1e6)
    begin = -rng.uniform(0, 3e-3)
    strength = 10 ** (rng.tensor(2) * -8 / 20)
    spread = rng.choice((0.0, 6.0))

    def put(start: float, length: float, centre: float, level: float) -> None:
        a = max(0, int(start * span.sample_rate))
        b = min(span.samples, int((start + length) * span.sample_rate))
        if b - a > 8:
            out[a:b] = fsk(b - a, span, rng, rate, deviation, centre) * level

    side = 0
    while begin < span.duration:
        raster = 2e6 if low_energy else 1e6
        centre = round(frequency(span, rng, rate) / raster) * raster + phase % 1e6 - 5e5
        level = float(strength[side]) * 10 ** (-rng.uniform(0, spread) / 20)
        if low_energy:
            for _ in range(2):
                length = rng.log_uniform(80e-6, 2.1e-3)
                put(begin, length, centre, level)
                begin += length + 150e-6
            begin += rng.choice((1.25e-3, 3e-3, 7.5e-3))
        else:
            kind = rng.choice((0, 0, 1, 2))
            if rng.chance(0.8):
                put(begin, PACKET_S[kind], centre, level)
            begin += (2 * kind + 1) * SLOT_S
            side = 1 - side
    return out, rate


def zigbee(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """802.15.4 at 2.4 GHz: O-QPSK with half-sine chips at 2 Mchip/s (clause 12), packets of up to
    4.3 ms and their acknowledgements."""
    out = empty(span)
    base = torch.tensor([float(c == "1") * 2 - 1 for c in CHIPS])
    rows = []
    for symbol in range(16):
        chips = base.roll(4 * (symbol % 8))
        if symbol >= 8:
            # The other eight have the odd chips inverted.
            chips = chips * torch.tensor([1.0, -1.0]).repeat(16)
        rows.append(chips)
    table = torch.stack(rows)
    centre = frequency(span, rng, 2e6)
    for a, b in draw_bursts(span, rng, 350e-6, 4.3e-3, rng.choice((0.5, 3.0))):
        t = torch.arange(b - a) * (2e6 / span.sample_rate)
        symbols = torch.randint(0, 16, (int(t[-1]) // 32 + 2,), generator=rng.generator)
        symbols[:8] = 0
        chips = table[symbols].flatten()
        pair = (t / 2).long()
        even = chips[2 * pair] * torch.sin(torch.pi * (t / 2 - pair))
        late = (t - 1).clamp_min(0) / 2
        pair = late.long()
        odd = chips[2 * pair + 1] * torch.sin(torch.pi * (late - pair))
        out[a:b] = torch.complex(even, odd) * carrier(b - a, centre, span)
    return out, 2e6


def fsk_bursts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """FSK telegrams on one channel (sensors, Z-Wave, pagers)."""
    rate = rng.log_uniform(2e3, min(500e3, span.sample_rate / 8))
    deviation = rate * rng.uniform(0.25, 1.5)
    centre = frequency(span, rng, rate)
    out = empty(span)
    for a, b in draw_bursts(span, rng, 500e-6, 40e-3, rng.choice((0.5, 3.0))):
        out[a:b] = fsk(b - a, span, rng, rate, deviation, centre)
    return out, 2 * deviation + rate


def ook_bursts(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """On-off keying: remote controls, tyre sensors, pulse trains of transponders."""
    rate = rng.log_uniform(1e3, min(2e6, span.sample_rate / 1.5))
    centre = frequency(span, rng, rate)
    out = empty(span)
    per_symbol = max(1, round(span.sample_rate / rate))
    for a, b in draw_bursts(span, rng, 60e-6, 30e-3, rng.choice((1.0, 6.0))):
        bits = (rng.tensor(-(-(b - a) // per_symbol)) > 0.5).float()
        keyed = bits.repeat_interleave(per_symbol)[: b - a]
        out[a:b] = carrier(b - a, centre, span) * keyed
    return out, rate


def transponders(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Mode S and ADS-B replies (ICAO annex 10): a preamble of four pulses, then 1 Mbit/s pulse
    position modulation of 56 or 112 bits, from many senders of different strength."""
    out = empty(span)
    chip_s = 0.5e-6
    centre = frequency(span, rng, 2e6) if span.sample_rate > 4e6 else rng.uniform(-1e5, 1e5)
    preamble = torch.zeros(16)
    preamble[[0, 2, 7, 9]] = 1.0
    gap = rng.choice((2.0, 8.0, 40.0))
    for a, _ in draw_bursts(span, rng, 64e-6, 120e-6, gap):
        bits = (rng.tensor(rng.choice((56, 112, 112))) > 0.5).float()
        chips = torch.cat([preamble, torch.stack([bits, 1 - bits], dim=1).flatten()])
        b = min(span.samples, a + int(len(chips) * chip_s * span.sample_rate))
        place = (torch.arange(b - a) / (chip_s * span.sample_rate)).long().clamp_max(len(chips) - 1)
        level = 10 ** (rng.uniform(-15, 0) / 20)
        out[a:b] = carrier(b - a, centre, span) * chips[place] * level
    return out, min(2e6, span.sample_rate)
