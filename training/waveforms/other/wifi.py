# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of 802.11 OFDM: a, g, n, ac; ax; p at a half or a quarter of the clock; and what a span
within a channel sees of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..ofdm import shifted
from ..rng import Rng
from ..span import Span
from .base import frequency, resampled, resampling
from .traffic import draw_traffic
from .wifi_packets import WIDTHS, occupied_hz, packet

__all__ = ["network", "packet", "wifi", "wifi_ax", "wifi_cut", "wifi_p"]

# More native samples than this make a frame too dear.
MOST_NATIVE = 3_500_000
# And from here on a channel goes without what is beside it.
MOST_SHOULDERS = 2_000_000
# What a station's carrier may be off: 20 ppm of 5.5 GHz
MOST_OFFSET_HZ = 110e3


def network(
    span: Span, rng: Rng, form: str, width: int, over: int, centre: float, clock: float = 1.0
) -> tuple[Tensor, float]:
    """Packets of one network in ``form`` at ``width`` MHz of the full clock, and control packets
    in the format that all stations read.

    ``clock``: the network's, relative to 20 MHz for 20 MHz; ``over``: samples at so many times
    the width. Returns samples and the bandwidth (Hz).
    """
    native = over * width * 1e6 * clock
    count, wide = resampling(span.samples, span.sample_rate, native)
    x = torch.zeros(count, dtype=torch.complex64)
    # Stations differ in strength and in frequency; from a cable comes one.
    levels = 10 ** (rng.tensor(4) * -rng.choice((0.0, 6.0, 20.0)) / 20)
    offsets = (rng.tensor(4) * 2 - 1) * MOST_OFFSET_HZ * clock
    levels[0] = 1.0
    legacy = rng.chance(0.8)
    # Acknowledgements differ in little but the scrambler's state: a few serve for all.
    known: dict[tuple, Tensor] = {}
    for sent in draw_traffic(span.duration * clock, rng):
        a, b = (round(t / clock * native) for t in (sent.start, sent.start + sent.length))
        if b <= 0 or a >= count:
            continue
        own = "a" if sent.control and legacy else form
        key = (b - a, own, sent.station, rng.integer(0, 2)) if sent.control else None
        piece = known.get(key)
        if piece is None:
            piece = packet(b - a, width, own, rng, over).mul_(levels[sent.station])
            piece = shifted(piece, float(offsets[sent.station]), native)
            if key:
                known[key] = piece
        first, last = max(0, a), min(count, a + piece.numel())
        x[first:last] += piece[first - a : last - a]
    if rng.chance(0.4):
        # A power amplifier near its limit: shoulders beside the channel
        x = x * (1 - rng.uniform(0.02, 0.1) * x.abs().square().clamp_max(4.0))
    return resampled(x, wide, span, centre), occupied_hz(form, width) * clock


def _within(span: Span, rng: Rng, forms: tuple[str, ...], clock: float = 1.0):
    """A network whose channel lies in the span, fills it or is a little cut by its ends."""
    form = rng.choice(forms)
    most = 1.6 * span.sample_rate / 1e6 / clock
    widths = [w for w in WIDTHS[form] if w <= most] or [20]
    width = rng.choice(widths, [w**-0.5 for w in widths])
    channel = width * 1e6 * clock
    if span.sample_rate <= 1.3 * channel and rng.chance(0.6):
        centre = rng.uniform(-0.02, 0.02) * channel
    else:
        centre = frequency(span, rng, channel, cut=True)
    over = 2 if 2 * channel * span.duration <= MOST_SHOULDERS else 1
    return network(span, rng, form, width, over, centre, clock)


def wifi(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """802.11a, g, n and ac: symbols of 3.2 us, channels of 20 to 160 MHz."""
    return _within(span, rng, ("a", "n", "ac"))


def wifi_ax(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """802.11ax: symbols of 12.8 us behind a preamble of 3.2 us."""
    return _within(span, rng, ("ax",))


def wifi_p(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """802.11p and others at a half or a quarter of the clock: symbols of 6.4 or 12.8 us in
    channels of 10 or 5 MHz (clause 17.3.2.3)."""
    clock = 0.5 if span.sample_rate >= 8e6 and rng.chance(0.85) else 0.25
    return network(span, rng, "a", 20, 2, frequency(span, rng, 20e6 * clock, cut=True), clock)


def wifi_cut(span: Span, rng: Rng) -> tuple[Tensor, float]:
    """A channel wider than the span, or mostly outside of it: packets without edges in
    frequency."""
    form = rng.choice(("a", "n", "ac", "ax"))
    most = min(160.0, MOST_NATIVE / span.duration / 1e6)
    widths = [w for w in WIDTHS[form] if span.sample_rate / 1e6 <= 0.9 * w <= 0.9 * most]
    if not widths:
        # A part of a channel at an end of the span
        widths = [w for w in WIDTHS[form] if w <= most] or [20]
        width = rng.choice(widths)
        reach = span.sample_rate / 2 + rng.uniform(-0.4, 0.25) * width * 1e6
    else:
        width = rng.choice(widths, [1 / w for w in widths])
        reach = rng.uniform(0, max(0.0, 0.5 * occupied_hz(form, width) - 0.3 * span.sample_rate))
    return network(span, rng, form, width, 1, math.copysign(reach, rng.uniform(-1, 1)))
