# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of no standard: any modulation, keyed in any rhythm, that repeats itself or does not.

What is on the air has no end; whoever knows LTE, NR and Wi-Fi has to leave alone what is none of
them, however wide, bursty or periodic it is. So everything is drawn here that the kinds with a name
have by their standard.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..rng import Rng
from ..span import Span
from .base import draw_bursts, empty, frequency, modulated, put, rotate, signs

# Seconds after which transmissions come again: those of remote controls, of telemetry, of frames
PERIODS_S = (2e-3, 3e-3, 5e-3, 7e-3, 8e-3, 10e-3, 10e-3, 11e-3, 12e-3, 14e-3, 16e-3, 20e-3, 20e-3)
# What engineers choose is round: steps within a train and sweeps (s), rates (1/s)
STEPS_S = (125e-6, 200e-6, 250e-6, 400e-6, 500e-6, 500e-6, 625e-6, 800e-6, 1e-3, 1.25e-3, 2e-3)
SWEEPS_S = (8e-6, 10e-6, 16e-6, 20e-6, 25e-6, 32e-6, 50e-6, 64e-6, 100e-6, 250e-6, 500e-6, 1e-3)
RATES = tuple(d * 10.0**n for n in (4, 5, 6, 7) for d in (1, 1.25, 2, 2.5, 4, 5, 8))
ROUND_SHARE = 0.5
# A waveform is made at so many times its bandwidth; the longest (samples)
OVERSAMPLING = 2.0
LONGEST = 4_000_000
MOST_PACKETS = 400
# Subcarrier spacings that mean LTE, NR or 802.11, and how near (ratio) nothing else may come
TAKEN_HZ = (7.5e3, 15e3, 30e3, 60e3, 78.125e3, 120e3, 156.25e3, 312.5e3)
NEAR = 1.12
# A packet's edges
SHORTEST_RAMP_S, LONGEST_RAMP_S = 0.2e-6, 20e-6


def _noise_like(samples: int, rate: float, width: float, rng: Rng) -> Tensor:
    """Gaussian, of a spectrum with humps and notches, steep edges or soft ones."""
    knots = rng.tensor(rng.integer(2, 9)) * -rng.choice((3.0, 20.0))
    f = torch.fft.fftfreq(samples) * (rate / width)
    place = (f + 0.5).clamp(0, 1) * (len(knots) - 1)
    low = place.long().clamp_max(len(knots) - 2)
    shape = torch.lerp(knots[low], knots[low + 1], place - low)
    beyond = (f.abs() - 0.5).clamp_min(0) * rng.log_uniform(100, 2e4)
    spectrum = torch.view_as_complex(rng.normal(samples, 2)) * 10 ** ((shape - beyond) / 20)
    return torch.fft.ifft(spectrum)


def _shaped(symbols: Tensor, samples: int, rate: float, symbol_rate: float, rng: Rng) -> Tensor:
    """Symbols held, as a plain transmitter keys them, or smoothed."""
    place = torch.arange(samples, dtype=torch.float64) * (symbol_rate / rate)
    held = symbols[place.long() % symbols.numel()]
    smooth = min(rng.choice((0.0, 0.5, 1.0)) * rate / symbol_rate, samples / 2)
    if smooth >= 2:
        n = int(smooth)
        total = torch.nn.functional.pad(held.cumsum(0), (1, 0))
        held = torch.nn.functional.pad((total[n:] - total[:-n]) / n, (0, n - 1))
    return held


def _again(values: Tensor, longest: int, rng: Rng) -> Tensor:
    """As many values: the first 4 to ``longest`` of them again and again."""
    word = values[: rng.integer(4, longest)]
    return word.repeat(-(-values.numel() // word.numel()))[: values.numel()]


def _symbols(count: int, rng: Rng) -> Tensor:
    """complex64 (count,): of any constellation, the same few again and again or always new."""
    order = rng.choice((2, 4, 8, 16))
    turn = torch.randint(0, order, (count,), generator=rng.generator) * (2 * math.pi / order)
    symbols = torch.polar(torch.ones(count), turn)
    return _again(symbols, 200, rng) if rng.chance(0.3) else symbols


def _keyed(samples: int, rate: float, width: float, rng: Rng) -> Tensor:
    """Phases keyed one after the other."""
    return _shaped(_symbols(int(samples * width / rate) + 2, rng), samples, rate, width, rng)


def _spread(samples: int, rate: float, width: float, rng: Rng) -> Tensor:
    """A code of so many chips, turned by data once per period or more seldom."""
    code = signs(rng.choice((7, 11, 13, 31, 63, 127, 511, 1023)), rng)
    periods = int(samples * width / rate / code.numel()) + 2
    data = signs(periods, rng).repeat_interleave(rng.choice((1, 1, 4, 20)))[:periods]
    chips = (data[:, None] * code).flatten().to(torch.complex64)
    return _shaped(chips, samples, rate, width, rng)


def _frequency_keyed(samples: int, rate: float, width: float, rng: Rng) -> Tensor:
    """Two, four or any frequencies."""
    index = 1.0 if rng.chance(ROUND_SHARE) else rng.log_uniform(0.3, 6.0)
    symbol_rate = width / (1 + index)
    count = int(samples * symbol_rate / rate) + 2
    levels = signs(count, rng)
    if rng.chance(0.3):
        levels = (levels + 2 * signs(count, rng)) / 3
    if rng.chance(0.3):
        levels = _again(levels, 100, rng)
    steps = _shaped(levels.to(torch.complex64), samples, rate, symbol_rate, rng).real
    return rotate(steps * (math.pi * index * symbol_rate / rate))


def _on_off(samples: int, rate: float, width: float, rng: Rng) -> Tensor:
    """Pulses of a carrier, in places that data tell or by a pattern."""
    symbol_rate = width * (0.5 if rng.chance(ROUND_SHARE) else rng.uniform(0.3, 1.0))
    count = int(samples * symbol_rate / rate) + 2
    on = (rng.tensor(count) < rng.uniform(0.1, 0.6)).float()
    if rng.chance(0.4):
        on = _again(on, 100, rng)
    on[0] = 1.0
    return _shaped(on.to(torch.complex64), samples, rate, symbol_rate, rng)


def _swept(samples: int, rate: float, width: float, rng: Rng) -> Tensor:
    """Sweeps up, down or both."""
    seconds = rng.choice(SWEEPS_S) if rng.chance(ROUND_SHARE) else rng.log_uniform(3e-6, 5e-3)
    period = seconds * rate
    turn = torch.arange(samples, dtype=torch.float64).div(period).remainder(1.0)
    if rng.chance(0.4):
        turn = 1 - (2 * turn - 1).abs()
    return rotate((turn - 0.5) * (2 * math.pi * width / rate) * rng.choice((1, -1)))


def _comb(samples: int, rate: float, width: float, rng: Rng) -> Tensor:
    """Carriers side by side, each keyed slowly or not at all."""
    out = torch.zeros(samples, dtype=torch.complex64)
    time = torch.arange(samples, dtype=torch.float64) / rate
    for _ in range(rng.integer(2, 12)):
        turns = (time * rng.uniform(-width / 2, width / 2)).remainder(1.0) * (2 * math.pi)
        line = torch.polar(torch.ones(samples), turns.float())
        if rng.chance(0.5):
            slow = width * rng.log_uniform(1e-3, 0.1)
            line = line * _shaped(
                _symbols(int(samples * slow / rate) + 2, rng), samples, rate, slow, rng
            )
        out += line * 10 ** (-rng.uniform(0, 15) / 20)
    return out


def _multicarrier(samples: int, rate: float, width: float, rng: Rng) -> Tensor:
    """OFDM, but with a spacing of subcarriers that none of the known systems has."""
    while True:
        spacing = min(rng.log_uniform(500.0, 2e6), width / 8)
        if all(max(spacing / t, t / spacing) > NEAR for t in TAKEN_HZ):
            break
        width *= 1.1
    n = max(8, round(rate / spacing))
    used = torch.arange(-int(n * width / rate / 2), int(n * width / rate / 2) + 1)
    prefix = int(n * rng.choice((0.0, 1 / 32, 1 / 16, 1 / 8, 1 / 4)))
    symbols = -(-samples // (n + prefix))
    values = rng.data((symbols, used.numel()), rng.choice((4, 16, 64)))
    return modulated(values, used, n, prefix)[:samples]


_WAVES: tuple[tuple[Callable, float], ...] = (
    (_noise_like, 1.5),
    (_keyed, 1.5),
    (_spread, 1.0),
    (_frequency_keyed, 1.5),
    (_on_off, 1.5),
    (_swept, 1.0),
    (_comb, 0.6),
    (_multicarrier, 1.0),
)


def _wave(seconds: float, width: float, span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A waveform of mean power 1 and its rate; of what is too long for memory the first part."""
    rate = OVERSAMPLING * width
    samples = max(32, min(LONGEST, math.ceil(seconds * rate)))
    make = rng.choice([wave for wave, _ in _WAVES], [weight for _, weight in _WAVES])
    native = make(samples, rate, width, rng)
    native = native / native.abs().square().mean().sqrt().clamp_min(1e-9)
    ramp = min(samples // 4, max(1, int(rng.log_uniform(SHORTEST_RAMP_S, LONGEST_RAMP_S) * rate)))
    rise = torch.linspace(0, math.pi / 2, ramp + 2)[1:-1].sin().square()
    native[:ramp] *= rise
    native[samples - ramp :] *= rise.flip(0)
    return native, rate


def _times(span: Span, rng: Rng) -> tuple[list[float], float]:
    """When packets start (s), and how long they are: one after the other, in trains, at random, or
    on top of each other as from many senders."""
    end = span.duration
    manner = rng.choice(("steady", "trains", "random", "crowd"), (0.3, 0.3, 0.25, 0.15))
    if manner == "steady":
        period = rng.choice((rng.choice(PERIODS_S + STEPS_S), rng.log_uniform(100e-6, 20e-3)))
        length = period * rng.uniform(0.03, 0.97)
        first = -rng.uniform(0, 1) * period
        count = min(MOST_PACKETS, int((end - first) / period) + 1)
        return [first + n * period for n in range(count)], length
    if manner == "trains":
        period = rng.choice((rng.choice(PERIODS_S), rng.log_uniform(1e-3, 30e-3)))
        each = rng.integer(2, 16)
        step = rng.choice(STEPS_S) if rng.chance(ROUND_SHARE) else 1.0
        step = min(step, period * rng.uniform(0.2, 1.0) / each)
        length = step * rng.uniform(0.1, 0.95)
        first = -rng.uniform(0, 1) * period
        trains = min(MOST_PACKETS // each, int((end - first) / period) + 1)
        return [first + t * period + n * step for t in range(trains) for n in range(each)], length
    if manner == "random":
        shortest = rng.log_uniform(30e-6, 5e-3)
        bursts = draw_bursts(span, rng, shortest, 1.5 * shortest, rng.choice((0.3, 2.0, 10.0)))
        return [a / span.sample_rate for a, _ in bursts], shortest
    length = rng.log_uniform(20e-6, 500e-6)
    count = int(min(MOST_PACKETS, rng.log_uniform(0.2, 4.0) * end / length))
    return [rng.uniform(-length, end) for _ in range(max(1, count))], length


def _packets(out: Tensor, width: float, span: Span, rng: Rng) -> None:
    starts, length = _times(span, rng)
    channels = [frequency(span, rng, width, cut=True) for _ in range(rng.choice((1, 1, 1, 2, 4)))]
    # The same packet each time, one of a few, or other data in each
    few = rng.choice((1, 3, 8, 40), (0.35, 0.2, 0.25, 0.2))
    spread_db = rng.choice((0.0, 0.0, 15.0))
    packets = []
    for _ in range(min(few, len(starts))):
        native, rate = _wave(length, width, span, rng)
        packet = torch.zeros(int(length * span.sample_rate) + 16, dtype=torch.complex64)
        put(packet, native, rate, 0.0, span, channels[len(packets) % len(channels)])
        packets.append(packet)
    for number, start in enumerate(starts):
        packet = packets[number % len(packets)]
        begin = round(start * span.sample_rate)
        first, last = max(0, begin), min(out.numel(), begin + packet.numel())
        if last > first:
            level = 10 ** (-rng.uniform(0, spread_db) / 20)
            out[first:last] += packet[first - begin : last - begin] * level


def _draw_width(low: float, high: float, rng: Rng) -> float:
    """Hz, which is also the rate of what is keyed: a round number, or any."""
    fitting = [rate for rate in RATES if low <= rate < high]
    if fitting and rng.chance(ROUND_SHARE):
        return rng.choice(fitting)
    return rng.log_uniform(low, high)


def arbitrary(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """Any signal at all: on all the time, or in packets of any rhythm, of 20 kHz to twice the span
    (which then cuts it)."""
    out = empty(span)
    if rng.chance(0.25):
        width = _draw_width(20e3, 0.8 * span.sample_rate, rng)
        native, rate = _wave(span.duration, width, span, rng)
        put(out, native, rate, 0.0, span, frequency(span, rng, width))
        return out, width
    width = _draw_width(min(50e3, 0.1 * span.sample_rate), 2 * span.sample_rate, rng)
    _packets(out, width, span, rng)
    return out, min(width, span.sample_rate)
