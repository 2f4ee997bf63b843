# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from a sender to a receiver, for kinds that are made as samples: echoes that make a wide
band fade in parts. (Carriers of LTE and NR have the channels of :mod:`..channel`.)"""

from __future__ import annotations

import math

from torch import Tensor

from ..rng import Rng
from ..span import Span

# Of the last echo, in seconds: rooms, and streets to hills
SHORTEST_S, ROOM_S, HILLS_S = 30e-9, 400e-9, 3e-6


def with_echoes(iq: Tensor, span: Span, rng: Rng, longest: float) -> Tensor:
    """Of power as before on the average, the last echo ``longest`` seconds late at most; from a
    cable, as often, as it is."""
    if not rng.chance(0.5):
        return iq
    longest = rng.log_uniform(SHORTEST_S, longest)
    # (samples, gain) of one to three
    taps = []
    for _ in range(rng.integer(1, 3)):
        delay = round(rng.uniform(0.1, 1.0) * longest * span.sample_rate)
        if 0 < delay < iq.numel():
            turn = rng.uniform(0, 2 * math.pi)
            size = 10 ** (-rng.uniform(2, 20) / 20)
            taps.append((delay, complex(size * math.cos(turn), size * math.sin(turn))))
    if not taps:
        return iq
    out = iq.clone()
    for delay, gain in taps:
        out[delay:].add_(iq[:-delay], alpha=gain)
    return out.mul_((1 + sum(abs(gain) ** 2 for _, gain in taps)) ** -0.5)
