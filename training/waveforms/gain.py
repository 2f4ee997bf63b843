# SPDX-License-Identifier: GPL-3.0-or-later
"""Automatic gain control: steps, ramps, and loops that follow the signal's power."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .rng import Rng

# Pieces in which a loop measures
PIECES = 1500


def controlled(iq: Tensor, rng: Rng) -> Tensor:
    """Samples under a gain that changes: by steps, along ramps, or with the bursts."""
    way = rng.choice((stepped, ramped, followed), (0.5, 0.2, 0.3))
    return way(iq, rng)


def stepped(iq: Tensor, rng: Rng) -> Tensor:
    """A control that changes its mind once to three times."""
    gain = torch.ones(iq.numel())
    for _ in range(rng.choice((1, 1, 2, 3))):
        gain[rng.integer(0, iq.numel() - 1) :] *= 10 ** (rng.uniform(-15, 10) / 20)
    return iq * gain


def ramped(iq: Tensor, rng: Rng) -> Tensor:
    """A gain that slides by up to 20 dB along a part of the frame, or settles like a capacitor."""
    begin = rng.integer(-iq.numel() // 2, iq.numel() - 1)
    length = iq.numel() * rng.log_uniform(0.02, 1.5)
    along = ((torch.arange(iq.numel()) - begin) / length).clamp_min(0)
    along = along.clamp_max(1) if rng.chance(0.5) else 1 - torch.exp(-3 * along)
    return iq * 10 ** (along * (rng.uniform(-20, 20) / 20))


def followed(iq: Tensor, rng: Rng) -> Tensor:
    """A loop that turns the gain down fast when a burst comes and up slowly after it."""
    size = -(-iq.numel() // PIECES)
    parts = torch.view_as_real(iq)
    count = iq.numel() // size
    power = parts[: count * size].square().view(count, -1).mean(1)
    levels = (10 * torch.log10(power + float(power.mean()) * 1e-6 + 1e-30)).tolist()
    attack, decay = rng.log_uniform(0.05, 1.0), rng.log_uniform(0.003, 0.1)
    strength = rng.uniform(0.3, 1.0)
    held, gains = levels[0], []
    for level in levels:
        held += (level - held) * (attack if level > held else decay)
        gains.append(10 ** (-strength * held / 20))
    gain = torch.tensor(gains)
    gain = (gain / math.exp(float(gain.log().mean()))).repeat_interleave(size)
    missing = iq.numel() - len(gain)
    return iq * torch.cat([gain, gain[-1:].expand(missing)])
