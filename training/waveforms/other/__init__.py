# SPDX-License-Identifier: GPL-3.0-or-later
"""Emissions that are neither LTE nor NR, by family, and how they become part of a scene."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from radiofm_core.spectrum.spectrogram import spectrogram_db

from ..rng import Rng
from ..span import FIRST_OTHER, Emission, Span
from . import (
    arbitrary,
    broadcast,
    cdma,
    drones,
    fm,
    mobile,
    ofdm_links,
    power_lines,
    shortrange,
    sweeps,
    telegrams,
    video,
    wifi,
    wifi_ah,
    wifi_b,
)
from .base import multicarrier
from .echoes import HILLS_S, ROOM_S, with_echoes

__all__ = ["KINDS", "NAMES", "WIFI", "draw_kind", "emit", "multicarrier"]

# Each kind with the least sample rate at which it looks like itself, and how often it comes. Those
# that are wider than narrow spans are cut by them, so that a rate tells little of what is there.
_KINDS = (
    (wifi.wifi, 5e6, 4.0),
    (wifi.wifi_ax, 5e6, 2.5),
    (wifi.wifi_cut, 0.9e6, 3.0),
    (wifi.wifi_p, 4e6, 0.7),
    (wifi_b.wifi_b, 2e6, 1.2),
    (wifi_ah.halow, 0.9e6, 0.6),
    (ofdm_links.wide_bursts, 0.9e6, 0.8),
    (ofdm_links.ofdm_link, 0.9e6, 2.0),
    (drones.drone, 0.9e6, 2.0),
    (power_lines.power_line, 0.9e6, 0.5),
    (power_lines.power_line_narrow, 0.9e6, 0.2),
    (broadcast.dvb_t, 2.1e6, 0.7),
    (broadcast.dvb_t2, 2.1e6, 0.4),
    (broadcast.isdb_t, 0.9e6, 0.4),
    (broadcast.dab, 2.1e6, 0.4),
    (broadcast.drm, 0.9e6, 0.2),
    (mobile.single_carrier, 0.9e6, 0.9),
    (cdma.umts, 2e6, 1.0),
    (cdma.cdma2000, 0.9e6, 0.4),
    (cdma.gnss, 0.9e6, 0.5),
    (mobile.gsm, 0.9e6, 0.9),
    (mobile.tetra, 0.9e6, 0.3),
    (mobile.dect, 2e6, 0.5),
    (shortrange.bluetooth, 2e6, 1.5),
    (shortrange.zigbee, 2e6, 1.0),
    (telegrams.fsk_bursts, 0.9e6, 1.2),
    (telegrams.ook_bursts, 0.9e6, 1.0),
    (telegrams.remote_control, 0.9e6, 1.0),
    (telegrams.transponders, 0.9e6, 1.0),
    (sweeps.lora, 0.9e6, 0.6),
    (sweeps.radar, 0.9e6, 0.5),
    (video.video_fm, 0.9e6, 1.2),
    (video.video_am, 0.9e6, 0.6),
    (fm.fm_broadcast, 0.9e6, 1.2),
    (fm.fm, 0.9e6, 0.6),
    (sweeps.tones, 0.9e6, 0.8),
    (sweeps.pulses, 0.9e6, 0.5),
)
# Kinds that come in scenes of their own alone
_APART = ((arbitrary.arbitrary, 0.9e6, 0.0),)
# A kind may have no burst in the frame.
SILENT_DB = -150.0
# How far below its strongest pixels an emission's own may be (dB): a carrier with sidebands has
# most of its power in one pixel.
DEPTH_DB = {"video_am": 45.0, "video_fm": 45.0}
MOST_DEPTH_DB = 24.0
KINDS = tuple((kind, least) for kind, least, _ in _KINDS + _APART)
# In the order of their numbers in a truth, from FIRST_OTHER on
NAMES = tuple(kind.__name__ for kind, _, _ in _KINDS + _APART)
# Those that are IEEE 802.11 below 7 GHz as everybody calls it
WIFI = tuple(name for name in NAMES if name.startswith("wifi"))
# By name: the kind, the least sample rate, how often it comes
TABLE = {kind.__name__: (kind, least, weight) for kind, least, weight in _KINDS + _APART}
# Those that come in scenes of all kinds
USUAL = tuple(kind.__name__ for kind, _, _ in _KINDS)


def emit(kind, span: Span, snr_db: float, rng: Rng) -> Emission:
    """One emission of ``kind``; its truth is where its own spectrogram holds its energy."""
    iq, bandwidth = kind(span, rng)
    indoors = kind.__name__ in (*WIFI, "bluetooth", "zigbee", "dect")
    iq = with_echoes(iq, span, rng, ROOM_S if indoors else HILLS_S)
    iq = iq * (10.0 ** (snr_db / 10) * max(bandwidth, 1e3) / span.sample_rate) ** 0.5
    level = spectrogram_db(iq, span.spec, span.hops_per_row, span.rows)[0]
    power = 10.0 ** (level / 10) / span.noise_per_pixel
    # Within the kind's depth of its strongest pixels is the emission; what is weaker and above the
    # noise all the same is neither (cover 0.3 is left out of training).
    peak = level.flatten().topk(max(1, level.numel() // 2000)).values[-1]
    peak = peak.clamp_min(SILENT_DB)
    own = level > peak - DEPTH_DB.get(kind.__name__, MOST_DEPTH_DB)
    cover = torch.where(own, 1.0, torch.where(power > 0.3, 0.3, 0.0))
    number = FIRST_OTHER + NAMES.index(kind.__name__)
    inside = torch.ones_like(cover, dtype=torch.bool)
    return Emission(number, iq, power, cover, inside, by_energy=True)


def draw_kind(span: Span, rng: Rng, table: Iterable[tuple] = _KINDS):
    """A kind of ``table`` (kind, least sample rate, weight) that fits in the span."""
    fitting = [(kind, weight) for kind, least, weight in table if span.sample_rate >= least]
    return rng.choice([kind for kind, _ in fitting], [weight for _, weight in fitting])
