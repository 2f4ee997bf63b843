# SPDX-License-Identifier: GPL-3.0-or-later
"""Wi-Fi channels of rooms with moving bodies, for pre-training without recordings.

The channel at frequency f is a sum of paths, exp(-2 pi i f length / c) each: fixed ones with
delays as in a furnished room (exponential decay), and those of scatterers on a body that stands,
breathes, walks, turns or changes its height. Movements follow one another at random.
"""

from __future__ import annotations

import numpy as np

from radiofm_core.csi.motion import motion_db
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.subcarriers import HT_20, SPACING_HZ

from .clips import Clip, Span

LIGHT_M_S = 299_792_458.0
CARRIERS_HZ = (2.437e9, 5.2e9)
RATE_HZ = 100.0
SCATTERERS = 6
MOVEMENTS = ("still", "walk", "turn", "climb")
# Above it (motion_db) a movement is told from a seated person's stirring
VISIBLE_DB = 12.0


def make_clip(seed: int, seconds: float) -> Clip:
    """One link, 100 packets a second with jitter and losses; amplitudes. Its labels are those of
    MOVEMENTS; what noise hides has none."""
    rng = np.random.default_rng(seed)
    times = np.arange(0, seconds, 1 / RATE_HZ) + rng.uniform(-2e-3, 2e-3, round(seconds * RATE_HZ))
    times = np.sort(times[rng.random(len(times)) > rng.uniform(0, 0.15)])
    times -= times[0]
    channel, body = _channel(times, rng)
    amplitude = np.abs(channel)
    noise = 10 ** (-rng.uniform(20, 40) / 20) * amplitude.mean()
    amplitude = np.abs(amplitude + noise * rng.standard_normal(amplitude.shape))
    packets = [
        CsiPacket(value[None], HT_20, round(time * 1e9))
        for value, time in zip(amplitude.astype(np.float32), times, strict=True)
    ]
    spans = tuple(
        Span(packets[part.start].time_ns, packets[part.stop - 1].time_ns + 1, name)
        for part, name in body.movements
        if name == MOVEMENTS[0] or motion_db(amplitude[part, :, None], RATE_HZ) > VISIBLE_DB
    )
    return Clip(f"simulated/{seed}", f"simulated/{seed}", packets, spans)


def _channel(times: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, _Body]:
    """complex128 (times, subcarriers), and who changed it."""
    carrier = CARRIERS_HZ[int(rng.integers(len(CARRIERS_HZ)))]
    wave = 2 * np.pi * (carrier + HT_20 * SPACING_HZ) / LIGHT_M_S
    ends = rng.uniform(0, 5, (2, 3)) * (1, 1, 0.3)
    direct = np.linalg.norm(ends[0] - ends[1])
    lengths = direct + rng.exponential(8.0, 12)
    gains = 0.6 * np.exp(-(lengths - direct) / 10) * rng.rayleigh(0.7, 12)
    fixed = np.exp(-1j * np.outer(np.r_[direct, lengths], wave))
    total = np.tile(np.r_[1.0, gains] @ fixed, (len(times), 1))
    body = _Body(times, rng)
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
        self.movements: list[tuple[slice, str]] = []
        start = 0
        while start < len(times):
            stop = start + int(rng.uniform(0.6, 4) * RATE_HZ)
            kind = rng.integers(4)
            part = slice(start, min(stop, len(times)))
            self.movements.append((part, MOVEMENTS[kind]))
            shape = np.sin(np.linspace(0, np.pi, max(1, part.stop - part.start))) ** 0.5
            if kind == 1:
                speed[part] = rng.uniform(0.4, 1.5) * shape
                turn[part] = rng.normal(0, 0.4)
            elif kind == 2:
                turn[part] = rng.choice((-1, 1)) * rng.uniform(1, 3.5) * shape
                speed[part] = rng.uniform(0.1, 0.4) * shape
            elif kind == 3:
                climb[part] = rng.choice((-1, 1)) * rng.uniform(0.2, 0.8) * shape
                speed[part] = rng.uniform(0, 0.3) * shape
            start = stop
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(turn * step)
        breath = rng.uniform(0, 0.006) * np.sin(2 * np.pi * rng.uniform(0.15, 0.5) * times)
        place = rng.uniform(0.5, 4.5, 3) * (1, 1, 0.2)
        along = (
            np.stack([speed * np.cos(heading), speed * np.sin(heading), climb], axis=1)
            * step[:, None]
        )
        self.place = place + np.cumsum(along, axis=0) + breath[:, None]
        self.speed = np.maximum(speed, np.abs(turn) * 0.3)
