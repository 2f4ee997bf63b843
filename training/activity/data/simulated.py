# SPDX-License-Identifier: GPL-3.0-or-later
"""Wi-Fi channels of rooms with moving bodies, as many receivers hear them.

The channel at frequency f is a sum of paths, exp(-2 pi i f length / c) each: fixed ones with
delays as in a furnished room (exponential decay), and those of scatterers on a body that sits and
stirs, walks, turns or changes its height. Movements follow one another at random; some rooms are
empty.
"""

from __future__ import annotations

import numpy as np

from .clips import Clip, Span
from .receivers import Receiver, draw_receiver

SCATTERERS = 6
MOVEMENTS = ("still", "walk", "turn", "climb")
EMPTY_SHARE = 0.15
# A walk's fastest and slowest pace (m/s)
WALK_M_S = (0.25, 2.5)
# A movement is there to be seen where its power over all subcarriers is so many times the noise's
# that is left after averaging over as many of them as are independent
VISIBLE = 4.0
INDEPENDENT = 20


def make_clip(seed: int, seconds: float, receiver: Receiver | None = None) -> Clip:
    """One link, in one room, with a receiver drawn with it if none is given; amplitudes. Its labels
    are those of MOVEMENTS; what noise hides has none."""
    rng = np.random.default_rng(seed)
    receiver = receiver or draw_receiver(rng)
    times = receiver.times(seconds, rng)
    channel, body = _channel(times, receiver, rng)
    packets = receiver.packets(times, channel, rng)
    spans = tuple(
        Span(packets[part.start].time_ns, packets[part.stop - 1].time_ns + 1, name)
        for part, name in body.movements
        if name == MOVEMENTS[0] or _is_visible(channel[part], receiver)
    )
    return Clip(f"simulated/{seed}", f"simulated/{seed}", packets, spans)


def _is_visible(channel: np.ndarray, receiver: Receiver) -> bool:
    """Whether a movement's part of the channel, complex (times, subcarriers), stands out."""
    amplitude = np.abs(channel)
    changes = float(np.mean((amplitude - amplitude.mean(0)) ** 2))
    # of a complex noise half lies along the amplitude
    noise = float(np.mean(amplitude**2)) * 10 ** (-receiver.snr_db / 10) / 2
    return changes > VISIBLE * noise / INDEPENDENT


def _channel(
    times: np.ndarray, receiver: Receiver, rng: np.random.Generator
) -> tuple[np.ndarray, _Body]:
    """complex128 (times, subcarriers), and who changed it."""
    wave = receiver.wave_numbers
    ends = rng.uniform(0, 5, (2, 3)) * (1, 1, 0.3)
    direct = np.linalg.norm(ends[0] - ends[1])
    lengths = direct + rng.exponential(rng.uniform(4, 16), 12)
    gains = 0.6 * np.exp(-(lengths - direct) / 10) * rng.rayleigh(0.7, 12)
    # the direct path may be blocked
    fixed = np.exp(-1j * np.outer(np.r_[direct, lengths], wave))
    total = np.tile(np.r_[rng.uniform(0.2, 1.0), gains] @ fixed, (len(times), 1))
    body = _Body(times, rng)
    if body.is_there:
        strength = rng.uniform(0.05, 0.4)
        for offset in rng.normal(0, 0.15, (SCATTERERS, 3)):
            swing = rng.uniform(0, 0.1) * np.sin(2 * np.pi * rng.uniform(0.8, 2.2) * times)
            moved = body.speed * swing
            place = body.place + offset + np.stack([moved, moved, moved * 0.3], 1)
            path = sum(np.linalg.norm(place - end, axis=1) for end in ends)
            gain = strength / SCATTERERS**0.5 * rng.rayleigh(0.8)
            total += gain * np.exp(-1j * path[:, None] * wave)
    return total, body


class _Body:
    """Where a body is, (times, 3) m, how fast it goes, (times,) of its usual pace, and which of
    MOVEMENTS it makes when (slices of the times)."""

    def __init__(self, times: np.ndarray, rng: np.random.Generator):
        step = np.diff(times, prepend=times[0])
        speed, turn, climb = (np.zeros(len(times)) for _ in range(3))
        self.is_there = rng.random() >= EMPTY_SHARE
        self.movements: list[tuple[slice, str]] = []
        begin_s = 0.0
        while begin_s <= times[-1]:
            end_s = begin_s + rng.uniform(0.6, 4)
            kind = int(rng.integers(4)) if self.is_there else 0
            part = slice(*np.searchsorted(times, (begin_s, end_s)))
            begin_s = end_s
            if part.stop == part.start:
                continue
            self.movements.append((part, MOVEMENTS[kind]))
            shape = np.sin(np.linspace(0, np.pi, part.stop - part.start)) ** 0.5
            if kind == 1:
                pace = np.exp(rng.uniform(*np.log(WALK_M_S)))
                # a walk does not stop in each of its pieces
                speed[part] = pace * np.maximum(shape, rng.uniform(0, 1))
                turn[part] = rng.normal(0, 0.4)
            elif kind == 2:
                turn[part] = rng.choice((-1, 1)) * rng.uniform(1, 3.5) * shape
                speed[part] = rng.uniform(0.1, 0.4) * shape
            elif kind == 3:
                climb[part] = rng.choice((-1, 1)) * rng.uniform(0.2, 0.8) * shape
                speed[part] = rng.uniform(0, 0.3) * shape
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(turn * step)
        place = rng.uniform(0.5, 4.5, 3) * (1, 1, 0.2)
        along = np.stack([speed * np.cos(heading), speed * np.sin(heading), climb], axis=1)
        # it breathes, and stirs slowly
        breath = rng.uniform(0, 0.006) * np.sin(2 * np.pi * rng.uniform(0.15, 0.5) * times)
        stirred = rng.uniform(0, 0.015) * np.sin(2 * np.pi * rng.uniform(0.1, 0.8) * times)
        self.place = place + np.cumsum(along * step[:, None], axis=0) + breath[:, None]
        self.place[:, 2] += stirred
        self.speed = np.maximum(speed, np.abs(turn) * 0.3)
