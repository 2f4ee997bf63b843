# SPDX-License-Identifier: GPL-3.0-or-later
"""Wi-Fi receivers as people have them: when packets come, and what a chip makes of the channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radiofm_core.csi import subcarriers as tables
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.subcarriers import SPACING_HZ

LIGHT_M_S = 299_792_458.0
# 2.4 GHz, 5 GHz and 6 GHz channels
BANDS_HZ = ((2.412e9, 2.472e9), (5.18e9, 5.825e9), (5.955e9, 7.115e9))
LAYOUTS = (
    tables.HT_20,
    tables.NON_HT_20,
    tables.HT_40,
    tables.VHT_80,
    tables.INTEL_5300_20,
    tables.INTEL_5300_40,
)
USUAL_RATE_HZ = 100.0
SLOWEST_HZ, FASTEST_HZ = 18.0, 400.0
INT8_MAX = 127


@dataclass(frozen=True)
class Receiver:
    """One link's receiver. dB are of amplitude (20 log10).

    ``rate_hz``, ``jitter``: of the packets, the latter as a share of their interval. ``loss``:
    share of packets that are lost one by one; ``bursts_s``: length of the stretches that are lost
    as well as of those between them, at most; 0: none. ``snr_db``: of the mean channel.
    ``tremble_db``: spread of each packet's own gain; ``drift_db``: of the gain's slow walk, over a
    second. ``ripple_db``: how uneven the chip's filters are. ``full_scale``: what part of an
    int8's range the mean amplitude has; 0: not quantised.
    """

    carrier_hz: float
    subcarriers: np.ndarray
    rate_hz: float
    jitter: float
    loss: float
    bursts_s: float
    snr_db: float
    tremble_db: float
    drift_db: float
    ripple_db: float
    full_scale: float

    def times(self, seconds: float, rng: np.random.Generator) -> np.ndarray:
        """Of the packets: float64 s, ascending from 0 on, each once."""
        count = max(round(seconds * self.rate_hz), 4)
        times = np.arange(count) + rng.uniform(-0.5, 0.5, count) * self.jitter
        kept = rng.random(count) >= self.loss
        if self.bursts_s:
            place = 0
            while place < count:
                place += 1 + int(rng.uniform(0, self.bursts_s) * self.rate_hz)
                lost = 1 + int(rng.uniform(0, self.bursts_s) * self.rate_hz)
                kept[place : place + lost] = False
                place += lost
        # the first and the last one tell how long it is
        kept[[0, -1]] = True
        times = np.sort(times[kept]) / self.rate_hz
        return times - times[0]

    def packets(
        self, times: np.ndarray, channel: np.ndarray, rng: np.random.Generator
    ) -> list[CsiPacket]:
        """Amplitudes of a channel, complex (times, subcarriers), as this receiver tells them."""
        count, width = channel.shape
        level = float(np.sqrt(np.mean(np.abs(channel) ** 2)))
        noise = rng.standard_normal((2, count, width)) * level * 10 ** (-self.snr_db / 20) / 2**0.5
        amplitude = np.abs(channel + noise[0] + 1j * noise[1])
        steps = np.diff(times, prepend=0.0)
        gain_db = self.tremble_db * rng.standard_normal(count)
        gain_db += self.drift_db * np.cumsum(rng.standard_normal(count) * np.sqrt(steps))
        turns = rng.uniform(0.5, 4)
        filters_db = self.ripple_db * np.sin(
            np.linspace(0, turns * np.pi, width) + rng.uniform(0, 2 * np.pi)
        )
        amplitude = amplitude * 10 ** ((gain_db[:, None] + filters_db) / 20)
        if self.full_scale:
            unit = level / (self.full_scale * INT8_MAX)
            amplitude = np.minimum(np.round(amplitude / unit), INT8_MAX)
            # a packet of zeros would be refused as broken
            amplitude[:, 0] = np.maximum(amplitude[:, 0], 1)
        return [
            CsiPacket(value[None], self.subcarriers, round(time * 1e9))
            for value, time in zip(amplitude.astype(np.float32), times, strict=True)
        ]

    @property
    def wave_numbers(self) -> np.ndarray:
        """Of the subcarriers, in radians a metre of path: float64 (subcarriers,)."""
        return 2 * np.pi * (self.carrier_hz + self.subcarriers * SPACING_HZ) / LIGHT_M_S


def draw_receiver(rng: np.random.Generator) -> Receiver:
    """One out of many; half of them get about 100 packets a second, and half lose few."""
    rate_hz = USUAL_RATE_HZ
    if rng.random() < 0.5:
        rate_hz = float(np.exp(rng.uniform(np.log(SLOWEST_HZ), np.log(FASTEST_HZ))))
    band = BANDS_HZ[int(rng.choice(len(BANDS_HZ), p=(0.5, 0.3, 0.2)))]
    layout = int(rng.choice(len(LAYOUTS), p=(0.35, 0.2, 0.15, 0.1, 0.1, 0.1)))
    return Receiver(
        carrier_hz=rng.uniform(*band),
        subcarriers=LAYOUTS[layout],
        rate_hz=rate_hz,
        jitter=rng.uniform(0, 0.8),
        loss=rng.uniform(0, 0.15) if rng.random() < 0.8 else rng.uniform(0.15, 0.5),
        bursts_s=0.0 if rng.random() < 0.8 else rng.uniform(0.03, 0.25),
        snr_db=rng.uniform(17, 45),
        tremble_db=0.0 if rng.random() < 0.3 else rng.uniform(0, 0.6),
        drift_db=0.0 if rng.random() < 0.6 else rng.uniform(0, 0.5),
        ripple_db=rng.uniform(0, 3),
        full_scale=0.0 if rng.random() < 0.5 else float(np.exp(rng.uniform(np.log(0.06), 0))) / 2,
    )
