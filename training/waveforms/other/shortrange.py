# SPDX-License-Identifier: GPL-3.0-or-later
"""Bluetooth (Core Specification, volume 2 part B and volume 6 part B) and IEEE 802.15.4."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import draw_bursts, empty, frequency, fsk, signs
from .linear import differential, half_sine, keyed, root_raised_cosine

# Chips of symbol 0 of 802.15.4's 2.4 GHz O-QPSK, IEEE 802.15.4-2020 table 12-1
CHIPS = "11011001110000110101001000101110"
# Start of frame delimiter 0xA7, low half first
DELIMITER = (7, 10)
SLOT_S = 625e-6
# Lengths of packets of one, three and five slots; access code and header of the first 126 us
PACKET_S = (366e-6, 1622e-6, 2870e-6)
HEADER_S, EDR_GUARD_S = 126e-6, 5e-6
# Low Energy: bits of its shortest and longest packet, after a preamble of 8 (16 at 2 Mbit/s);
# a channel's access address is the same in all packets.
LE_BITS = (80, 2120)


def place(out: Tensor, start: float, length: float, span: Span, make: Callable) -> None:
    """Add ``make(samples)`` to ``out`` from ``start`` on for ``length`` (s), cut by the frame."""
    begin = round(start * span.sample_rate)
    samples = round(length * span.sample_rate)
    first, last = max(0, begin), min(out.numel(), begin + samples)
    if last - first > 8:
        out[first:last] += make(samples)[first - begin : last - begin]


def classic(out: Tensor, span: Span, rng: Rng) -> float:
    """Bluetooth BR/EDR: two sides in turn, a new channel each slot. Returns Hz."""
    phase = rng.uniform(-5e5, 5e5)
    begin = -rng.uniform(0, 3e-3)
    strength = (10 ** (rng.tensor(2) * -8 / 20)).tolist()
    spread = rng.choice((0.0, 6.0))
    enhanced = rng.chance(0.5)
    order = rng.choice((4, 8))
    access = torch.cat([torch.tensor([1.0, -1.0, 1.0, -1.0]), signs(64, rng)])
    pulse = root_raised_cosine(0.4)

    def phases(count: int) -> Tensor:
        # pi/4-DQPSK at 2, or 8-DPSK at 3 bits a symbol
        turns = torch.randint(0, order, (count,), generator=rng.generator)
        offset = 0.5 if order == 4 else 0.0
        return differential((turns + offset) * (2 * math.pi / order))

    side = 0
    while begin < span.duration:
        centre = round(frequency(span, rng, 1e6) / 1e6) * 1e6 + phase
        level = strength[side] * 10 ** (-rng.uniform(0, spread) / 20)
        kind = rng.choice((0, 0, 1, 2))
        length = PACKET_S[kind]
        head = HEADER_S if enhanced and kind else length

        def gfsk(samples: int, centre=centre, level=level) -> Tensor:
            return fsk(samples, span, rng, 1e6, 160e3, centre, access) * level

        def psk(samples: int, centre=centre, level=level) -> Tensor:
            return keyed(phases, samples, 1e6, span, pulse, centre) * level

        if rng.chance(0.8):
            place(out, begin, head, span, gfsk)
            if head < length:
                rest = begin + head + EDR_GUARD_S
                place(out, rest, length - head - EDR_GUARD_S, span, psk)
        begin += (2 * kind + 1) * SLOT_S
        side = 1 - side
    return 1e6


def low_energy(out: Tensor, span: Span, rng: Rng) -> float:
    """Bluetooth LE at 1 or 2 Mbit/s or coded: advertisements on three channels, or connection
    events of packets 150 us apart. Returns Hz."""
    rate = rng.choice((1e6, 2e6), (0.65, 0.35)) if span.sample_rate > 4e6 else 1e6
    coded = rng.choice((0, 2, 8), (0.8, 0.1, 0.1)) if rate == 1e6 else 0
    phase = rng.uniform(-1e6, 1e6)
    alternate = torch.tensor([1.0, -1.0]).repeat(int(8 * rate / 2e6))
    if coded:
        # Ten times 00111100, then an address of which each bit is eight
        alternate = torch.tensor([-1.0, -1, 1, 1, 1, 1, -1, -1]).repeat(10)
    start = torch.cat([alternate, signs(32 * (8 if coded else 1), rng)])
    begin = -rng.uniform(0, 3e-3)
    strength = (10 ** (rng.tensor(2) * -8 / 20)).tolist()
    interval = rng.choice((1.25e-3, 3e-3, 7.5e-3, 20e-3))
    while begin < span.duration:
        centre = round(frequency(span, rng, rate) / 2e6) * 2e6 + phase
        for side in range(rng.choice((1, 2, 2, 4))):
            bits = start.numel() + round(rng.log_uniform(*LE_BITS)) * max(1, coded)

            def packet(samples: int, centre=centre, side=side) -> Tensor:
                wave = fsk(samples, span, rng, rate, rate / 4, centre, start)
                return wave * strength[side % 2]

            place(out, begin, bits / rate, span, packet)
            begin += bits / rate + 150e-6
        begin += interval * rng.uniform(0.8, 1.2)
    return rate


def bluetooth(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Classic Bluetooth with or without Enhanced Data Rate, or Low Energy."""
    out = empty(span)
    make = low_energy if rng.chance(0.5) else classic
    return out, make(out, span, rng)


def chip_table() -> Tensor:
    """(16, 32) of +1 and -1, table 12-1."""
    base = torch.tensor([float(c == "1") * 2 - 1 for c in CHIPS])
    rows = [base.roll(4 * i) for i in range(8)]
    # The other eight have the odd chips inverted.
    flip = torch.tensor([1.0, -1.0]).repeat(16)
    return torch.stack(rows + [row * flip for row in rows])


def zigbee(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """802.15.4: O-QPSK with half-sine chips (clause 12), 32 a symbol: 2 Mchip/s at 2.4 GHz,
    1 Mchip/s below 1 GHz; packets of up to 4.3 ms and their acknowledgements."""
    rate = 2e6 if span.sample_rate > 3e6 and rng.chance(0.85) else 1e6
    table = chip_table()
    gap = rng.choice((0.5, 3.0))
    # Contents are not scrambled, and zeros or a pattern of a few bytes are common.
    word = rng.choice((0, 1, 2, 4, 8), (0.6, 0.1, 0.1, 0.1, 0.1))

    def payload(count: int) -> Tensor:
        symbols = torch.randint(0, 16, (word or count,), generator=rng.generator)
        return symbols.repeat(-(-count // symbols.numel()))[:count]

    def draw(count: int) -> Tensor:
        chips = torch.zeros(count, dtype=torch.complex64)
        branch = torch.tensor([1, 1j], dtype=torch.complex64).repeat(count // 2 + 1)
        bursts = []
        for a, b in draw_bursts(span, rng, 350e-6, 4.3e-3, gap, rate):
            bursts.append((a, b))
            if rng.chance(0.6):
                # Twelve symbols later the receiver acknowledges with eleven bytes.
                bursts.append((b + 12 * 32, b + 34 * 32))
        for a, b in bursts:
            b = min(b, count)
            symbols = payload(max(0, b - a) // 32 + 1)
            if a:
                symbols[:8] = 0
                symbols[8:10] = torch.tensor(DELIMITER)[: symbols[8:10].numel()]
            wave = table[symbols].flatten()[: max(0, b - a)]
            chips[a : a + wave.numel()] = wave * branch[: wave.numel()]
        return chips

    centre = frequency(span, rng, rate, cut=True)
    return keyed(draw, span.samples, rate, span, half_sine(), centre), rate
