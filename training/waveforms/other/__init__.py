# SPDX-License-Identifier: GPL-3.0-or-later
"""Emissions that are neither LTE nor NR, by family, and how they become part of a scene."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from radiofm_core.spectrum.spectrogram import spectrogram_db

from ..rng import Rng
from ..span import FIRST_OTHER, Emission, Span
from . import broadcast, shortrange, sweeps, wifi
from .base import multicarrier

__all__ = ["KINDS", "NAMES", "draw_kind", "emit", "multicarrier"]

# Each kind with the least sample rate at which it looks like itself, and how often it comes
_KINDS = (
    (wifi.wifi, 5e6, 5.0),
    (wifi.wide_bursts, 3e6, 0.7),
    (broadcast.dvb_t, 2.1e6, 0.7),
    (broadcast.dab, 2.1e6, 0.3),
    (broadcast.single_carrier, 0.9e6, 1.0),
    (broadcast.gsm, 0.9e6, 0.9),
    (broadcast.tetra, 0.9e6, 0.3),
    (broadcast.dect, 5e6, 0.4),
    (shortrange.bluetooth, 5e6, 1.2),
    (shortrange.zigbee, 4e6, 0.6),
    (shortrange.fsk_bursts, 0.9e6, 1.5),
    (shortrange.ook_bursts, 0.9e6, 1.0),
    (shortrange.transponders, 0.9e6, 1.5),
    (sweeps.lora, 0.9e6, 0.6),
    (sweeps.radar, 0.9e6, 0.5),
    (sweeps.fm, 0.9e6, 1.0),
    (sweeps.tones, 0.9e6, 1.0),
    (sweeps.pulses, 0.9e6, 0.5),
)
# A kind may have no burst in the frame.
SILENT_DB = -150.0
KINDS = tuple((kind, least) for kind, least, _ in _KINDS)
# In the order of their numbers in a truth, from FIRST_OTHER on
NAMES = tuple(kind.__name__ for kind, _, _ in _KINDS)
# By name: the kind, the least sample rate, how often it comes
TABLE = {kind.__name__: (kind, least, weight) for kind, least, weight in _KINDS}


def emit(kind, span: Span, snr_db: float, rng: Rng) -> Emission:
    """One emission of ``kind``; its truth is where its own spectrogram holds its energy."""
    iq, bandwidth = kind(span, rng)
    iq = iq * (10.0 ** (snr_db / 10) * max(bandwidth, 1e3) / span.sample_rate) ** 0.5
    level = spectrogram_db(iq, span.spec, span.hops_per_row, span.rows)[0]
    power = 10.0 ** (level / 10) / span.noise_per_pixel
    # Within 24 dB of its strongest pixels is the emission; the next 6 dB, where its skirts begin,
    # are neither it nor noise (cover 0.3 is left out of training).
    peak = level.flatten().topk(max(1, level.numel() // 2000)).values[-1]
    peak = peak.clamp_min(SILENT_DB)
    cover = torch.where(level > peak - 24, 1.0, torch.where(level > peak - 30, 0.3, 0.0))
    number = FIRST_OTHER + NAMES.index(kind.__name__)
    inside = torch.ones_like(cover, dtype=torch.bool)
    return Emission(number, iq, power, cover, inside, by_energy=True)


def draw_kind(span: Span, rng: Rng, table: Iterable[tuple] = _KINDS):
    """A kind of ``table`` (kind, least sample rate, weight) that fits in the span."""
    fitting = [(kind, weight) for kind, least, weight in table if span.sample_rate >= least]
    return rng.choice([kind for kind, _ in fitting], [weight for _, weight in fitting])
