# SPDX-License-Identifier: GPL-3.0-or-later
"""Multipath channels: the tap profiles of 36.101 annex B.2 and 38.901 clause 7.7.2."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .rng import Rng

# (delays in ns, powers in dB), 36.101 tables B.2.1-2 to B.2.1-4
LTE_PROFILES = {
    "EPA": ((0, 30, 70, 90, 110, 190, 410), (0, -1, -2, -3, -8, -17.2, -20.8)),
    "EVA": (
        (0, 30, 150, 310, 370, 710, 1090, 1730, 2510),
        (0, -1.5, -1.4, -3.6, -0.6, -9.1, -7, -12, -16.9),
    ),
    "ETU": ((0, 50, 120, 200, 230, 500, 1600, 2300, 5000), (-1, -1, -1, 0, 0, 0, -3, -5, -7)),
}
# (delays over the wanted delay spread, powers in dB), 38.901 tables 7.7.2-1 to 7.7.2-3
# fmt: off
TDL_PROFILES = {
    "TDL-A": (
        (
            0, 0.3819, 0.4025, 0.5868, 0.461, 0.5375, 0.6708, 0.575, 0.7618, 1.5375, 1.8978,
            2.2242, 2.1718, 2.4942, 2.5119, 3.0582, 4.081, 4.4579, 4.5695, 4.7966, 5.0066, 5.3043,
            9.6586,
        ),
        (
            -13.4, 0, -2.2, -4, -6, -8.2, -9.9, -10.5, -7.5, -15.9, -6.6, -16.7, -12.4, -15.2,
            -10.8, -11.3, -12.7, -16.2, -18.3, -18.9, -16.6, -19.9, -29.7,
        ),
    ),
    "TDL-B": (
        (
            0, 0.1072, 0.2155, 0.2095, 0.287, 0.2986, 0.3752, 0.5055, 0.3681, 0.3697, 0.57,
            0.5283, 1.1021, 1.2756, 1.5474, 1.7842, 2.0169, 2.8294, 3.0219, 3.6187, 4.1067, 4.279,
            4.7834,
        ),
        (
            0, -2.2, -4, -3.2, -9.8, -1.2, -3.4, -5.2, -7.6, -3, -8.9, -9, -4.8, -5.7, -7.5, -1.9,
            -7.6, -12.2, -9.8, -11.4, -14.9, -9.2, -11.3,
        ),
    ),
    "TDL-C": (
        (
            0, 0.2099, 0.2219, 0.2329, 0.2176, 0.6366, 0.6448, 0.656, 0.6584, 0.7935, 0.8213,
            0.9336, 1.2285, 1.3083, 2.1704, 2.7105, 4.2589, 4.6003, 5.4902, 5.6077, 6.3065,
            6.6374, 7.0427, 8.6523,
        ),
        (
            -4.4, -1.2, -3.5, -5.2, -2.5, 0, -2.2, -3.9, -7.4, -7.1, -10.7, -11.1, -5.1, -6.8,
            -8.7, -13.2, -13.9, -13.9, -15.8, -17.1, -16, -15.7, -21.6, -22.8,
        ),
    ),
}
# fmt: on
DELAY_SPREADS_S = (10e-9, 30e-9, 100e-9, 300e-9, 1000e-9)
SINUSOIDS = 6


@dataclass(frozen=True)
class Channel:
    """Taps of one path from a sender: ``delays`` (s), ``gains`` complex64 (taps, sinusoids),
    ``doppler`` (taps, sinusoids) in Hz. Mean power 1."""

    delays: Tensor
    gains: Tensor
    doppler: Tensor

    def response(self, times: Tensor, frequencies: Tensor) -> Tensor:
        """H at ``times`` (T,) seconds and ``frequencies`` (F,) Hz: complex64 (T, F), or (1, F)
        where the channel stands still."""
        most = float(self.doppler.abs().max())
        step = len(times)
        if most > 0 and len(times) > 1:
            spacing = float(times[-1] - times[0]) / (len(times) - 1)
            # Hold the response while its fastest part turns by less than a twentieth of a radian.
            step = int(0.05 / (2 * math.pi * most * spacing))
        step = max(1, min(step, len(times)))
        moments = times[::step]
        turns = (moments[:, None, None] * self.doppler).remainder(1.0) * (2 * math.pi)
        taps = (self.gains * torch.polar(torch.ones_like(turns), turns)).sum(2)
        turns = (frequencies[None, :] * self.delays[:, None]).remainder(1.0) * (-2 * math.pi)
        held = taps @ torch.polar(torch.ones_like(turns), turns)
        if held.shape[0] == 1:
            return held
        return held.repeat_interleave(step, 0)[: len(times)]


def draw_channel(rng: Rng) -> Channel | None:
    """A profile with a delay spread, Doppler and line of sight; None for a cable."""
    if rng.chance(0.25):
        return None
    if rng.chance(0.5):
        delays, powers = LTE_PROFILES[rng.choice(tuple(LTE_PROFILES))]
        scale = 1e-9
    else:
        delays, powers = TDL_PROFILES[rng.choice(tuple(TDL_PROFILES))]
        scale = rng.choice(DELAY_SPREADS_S, (0.15, 0.25, 0.3, 0.25, 0.05))
    # 5, 70 and 300 Hz are 36.101's; a receiver on a roof hears almost none.
    most = rng.choice((rng.log_uniform(0.1, 5.0), 5.0, 70.0, 300.0), (0.4, 0.3, 0.2, 0.1))
    return make_channel(delays, powers, scale, most, rng.choice((0.0, 1.0, 4.0)), rng)


def make_channel(delays, powers, scale: float, doppler: float, line: float, rng: Rng) -> Channel:
    """Rayleigh taps (a sum of sinusoids with Jakes' spectrum up to ``doppler`` Hz); ``line``: power
    of a steady first path over the sum of the others."""
    power = 10 ** (torch.tensor(powers, dtype=torch.float32) / 10)
    shape = (len(powers), SINUSOIDS)
    gains = torch.view_as_complex(rng.normal(*shape, 2) * 0.5**0.5)
    gains = gains * (power / power.sum() / SINUSOIDS).sqrt()[:, None]
    gains[0, 0] += line**0.5
    gains = gains / (1 + line) ** 0.5
    spread = torch.cos(rng.tensor(*shape) * (2 * math.pi)) * doppler
    return Channel(torch.tensor(delays, dtype=torch.float32) * scale, gains, spread)
