# SPDX-License-Identifier: GPL-3.0-or-later
"""Single-carrier systems: GSM (3GPP TS 45.002), DECT (EN 300 175), TETRA (EN 300 392-2), and any
other shaped carrier."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import draw_bursts, empty, frequency, fsk, signs
from .linear import differential, keyed, root_raised_cosine

GSM_HZ, GSM_SLOT_BITS = 1625e3 / 6, 156.25
# Training sequence 0 of a normal burst, table 5.2.3a
TRAINING = "00100101110000100010010111"
TETRA_HZ, TETRA_SLOT = 18e3, 255
DECT_SLOT_S = 10e-3 / 24


def single_carrier(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A shaped single-carrier signal (a microwave link, a modem, a satellite): noise-like with
    soft shoulders, on all the time or in bursts."""
    width = rng.log_uniform(20e3, 0.3 * span.sample_rate)
    roll = rng.uniform(0.1, 0.4)
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


def _gsm_bits(slots: int, rng: Rng) -> Tensor:
    """(slots, 157) of +1 and -1: tails, data, the training sequence in the middle; one slot in
    eighty is a frequency correction burst, whose bits are equal."""
    bits = signs(slots * 157, rng).view(slots, 157)
    bits[:, :3] = bits[:, 145:148] = -1.0
    bits[:, 61:87] = torch.tensor([1.0 if c == "1" else -1.0 for c in TRAINING])
    # GMSK turns by the difference of bits: equal ones are a tone of a quarter of the rate.
    steps = bits * bits.roll(1, dims=1)
    steps[rng.integer(0, 79) :: 80] = 1.0
    return steps


def gsm(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """GSM carriers on the 200 kHz raster: one on all the time, as a cell's first is, others in
    some slots of 156.25 bits of eight."""
    out = empty(span)
    per_second = GSM_HZ / GSM_SLOT_BITS
    count = int(span.duration * per_second) + 10
    for i in range(rng.integer(1, 4)):
        centre = round(frequency(span, rng, 400e3) / 200e3) * 200e3
        begin = rng.uniform(0, 8)
        time = torch.arange(span.samples, dtype=torch.float64) * (per_second / span.sample_rate)
        slot = (time + begin).long()
        place = (time + begin - slot) * GSM_SLOT_BITS
        bits = _gsm_bits(count, rng)
        width = max(1, round(0.5 * span.sample_rate / GSM_HZ))
        steps = bits.view(-1)[slot * 157 + place.long()]
        total = torch.nn.functional.pad(steps.cumsum(0, dtype=torch.float64), (1, width))
        total[steps.numel() + 1 :] = total[steps.numel()]
        smooth = ((total[width:] - total[:-width]) / width)[: span.samples]
        turn = (smooth * (GSM_HZ / 4) + centre) * (2 * math.pi / span.sample_rate)
        phase = turn.cumsum(0).remainder_(2 * math.pi).float()
        level = torch.ones(span.samples)
        if i:
            used = rng.tensor(8) < 0.4
            on = used[slot % 8] & (place < 148)
            level = on * 10 ** (rng.uniform(-12, 3) / 20)
        out += torch.polar(level, phase)
    return out, 200e3


def dect(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """DECT (EN 300 175-2): GFSK at 1.152 Mbit/s in slots of 1/2.4 ms, 24 in 10 ms, the base in
    one half of them and the handset in the other."""
    out = empty(span)
    # The synchronisation field: sixteen bits that alternate, then a fixed word (clause 4.6)
    alternate = torch.tensor([1.0, -1.0]).repeat(8)
    word = torch.tensor([1.0 if c == "1" else -1.0 for c in f"{0xE98A:016b}"])
    base, handset = torch.cat([alternate, word]), torch.cat([-alternate, -word])
    for _ in range(rng.integer(1, 3)):
        centre = round(frequency(span, rng, 2e6) / 1.728e6) * 1.728e6
        begin = rng.integer(0, 23) * DECT_SLOT_S - rng.uniform(0, 10e-3)
        talking = rng.chance(0.6)
        while begin < span.duration:
            # An idle base sends its beacon alone.
            for length, own in ((0.88 if talking else 0.23, base), (0.88, handset)):
                a = max(0, round(begin * span.sample_rate))
                b = min(span.samples, round((begin + length * DECT_SLOT_S) * span.sample_rate))
                if b > a and (talking or own is base):
                    bits = own if begin >= 0 else None
                    out[a:b] += fsk(b - a, span, rng, 1.152e6, 288e3, centre, bits)
                # The other side answers half a frame later.
                begin += 5e-3
    return out, 1.1e6


def tetra(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Carriers of 18 kBd pi/4-DQPSK on a 25 kHz raster, some in slots of 255 symbols."""
    out = empty(span)
    for i in range(rng.integer(1, 3)):
        centre = round(frequency(span, rng, 25e3) / 25e3) * 25e3
        slotted = i > 0 and rng.chance(0.5)
        begin, own = rng.integer(0, 4 * TETRA_SLOT - 1), rng.integer(0, 3)

        def draw(count: int, slotted=slotted, begin=begin, own=own) -> Tensor:
            turns = torch.randint(0, 4, (count,), generator=rng.generator) * 2 + 1
            symbols = differential(turns * (math.pi / 4))
            if slotted:
                slot = (torch.arange(count) + begin) // TETRA_SLOT
                symbols = symbols * (slot % 4 == own)
            return symbols

        pulse = root_raised_cosine(0.35)
        x = keyed(draw, span.samples, TETRA_HZ, span, pulse, centre)
        out += x * 10 ** (rng.uniform(-8, 0) / 20)
    return out, 20e3
