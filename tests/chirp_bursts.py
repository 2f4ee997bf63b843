# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings with bursts of fast sawtooth sweeps, a kind that no model was trained on, and marks of
some of them, as a user makes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE = 2.4e6
CENTER_HZ = 868e6
WIDTH_HZ = 500e3
SWEEP_S = 0.3e-3
SNR_DB = 16.0
SLOT_S = 14e-3


@dataclass(frozen=True)
class Burst:
    """Samples [start, stop), lowest Hz from the centre."""

    start: int
    stop: int
    low_hz: float

    def annotation(self, label: str) -> dict:
        """In SigMF's terms."""
        return {
            "core:sample_start": self.start,
            "core:sample_count": self.stop - self.start,
            "core:freq_lower_edge": CENTER_HZ + self.low_hz,
            "core:freq_upper_edge": CENTER_HZ + self.low_hz + WIDTH_HZ,
            "core:label": label,
        }


def samples_with_bursts(
    count: int, seed: int, rate: float = RATE
) -> tuple[np.ndarray, list[Burst]]:
    """Noise with ``count`` bursts, one in each slot of SLOT_S: complex64 and the bursts."""
    rng = np.random.default_rng(seed)
    slot = round(SLOT_S * rate)
    iq = rng.standard_normal((count * slot, 2)) @ np.array([1, 1j]) / np.sqrt(2)
    amplitude = np.sqrt(10 ** (SNR_DB / 10) * WIDTH_HZ / rate)
    bursts = []
    for number in range(count):
        length = round(rng.uniform(3e-3, 6e-3) * rate)
        start = number * slot + int(rng.integers(0, slot - length))
        low = rng.uniform(-0.45 * rate, 0.45 * rate - WIDTH_HZ)
        hertz = low + WIDTH_HZ * ((np.arange(length) / rate / SWEEP_S) % 1)
        iq[start : start + length] += amplitude * np.exp(2j * np.pi * np.cumsum(hertz) / rate)
        bursts.append(Burst(start, start + length, low))
    return (0.02 * iq).astype(np.complex64), bursts


def write_marked(stem: Path, annotations: list[dict], iq: np.ndarray, rate: float = RATE) -> Path:
    """Write a SigMF pair; returns its description's path."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    iq.astype("<c8").tofile(stem.with_suffix(".sigmf-data"))
    path = stem.with_suffix(".sigmf-meta")
    fields = {
        "global": {
            "core:datatype": "cf32_le",
            "core:sample_rate": rate,
            "core:version": "1.2.5",
        },
        "captures": [{"core:sample_start": 0, "core:frequency": CENTER_HZ}],
        "annotations": annotations,
    }
    path.write_text(json.dumps(fields))
    return path
