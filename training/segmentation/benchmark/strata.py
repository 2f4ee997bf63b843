# SPDX-License-Identifier: GPL-3.0-or-later
"""What each frame of the benchmark is: its part, and what is set of it before its seed decides on
the rest.

``mixed``: the training generator's scenarios, radio and labels, at set sample rates. ``paper``:
the frames of :mod:`.side_by_side`.

``snr_db`` holds for every emission of the frame: the power spectral density of a resource element
of amplitude 1 (of other emissions: in their bandwidth) over that of the noise. Boosted, faded and
quiet parts of a carrier lie above and below it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ...waveforms.side_by_side import FFT_15K, LTE_HZ, NR_HZ, Pair, fits

NAME = "radiofm-bench-1"
FIRST_SEED = 900_000_000
MIXED, PAPER = "mixed", "paper"

MIXED_SNR_DB = (-5.0, 0.0, 5.0, 10.0, 20.0, 30.0)
# Sample rates over 15 kHz: 1.92, 2.4, 3.84, 9.6, 15.36, 30.72, 61.44 and 122.88 MS/s
MIXED_FFT_15K = (128, 160, 256, 640, 1024, 2048, 4096, 8192)
# Spans within one carrier are for narrow receivers.
INSIDE_MOST_FFT_15K = 1024
# The kinds that are neither LTE nor NR, with the least sample rate at which each comes, and how
# often. They are the benchmark's own: what the training generator learns to draw later is not here
OTHER_KINDS = (
    ("wifi", 5e6, 5.0),
    ("wide_bursts", 3e6, 0.7),
    ("dvb_t", 2.1e6, 0.7),
    ("dab", 2.1e6, 0.3),
    ("single_carrier", 0.9e6, 1.0),
    ("gsm", 0.9e6, 0.9),
    ("tetra", 0.9e6, 0.3),
    ("dect", 5e6, 0.4),
    ("bluetooth", 5e6, 1.2),
    ("zigbee", 4e6, 0.6),
    ("fsk_bursts", 0.9e6, 1.5),
    ("ook_bursts", 0.9e6, 1.0),
    ("transponders", 0.9e6, 1.5),
    ("lora", 0.9e6, 0.6),
    ("radar", 0.9e6, 0.5),
    ("fm", 0.9e6, 1.0),
    ("tones", 0.9e6, 1.0),
    ("pulses", 0.9e6, 0.5),
)
# Frames of each scenario, SNR and rate
SCENARIOS = {
    "lte": 5,
    "nr": 5,
    "cellular": 5,
    "inside": 5,
    "other": 5,
    "mixed": 5,
    "empty": 1,
}

PAPER_SNR_DB = (0.0, 10.0, 15.0, 20.0, 40.0)
PAPER_LOADS = (0.2, 0.6, 1.0)
# Frames of each SNR, pair of bandwidths and load
PAPER_FRAMES = 2


@dataclass(frozen=True)
class Stratum:
    """What is set of a frame. ``fft_15k``: sample rate over 15 kHz. In the paper's part, ``nr_hz``
    and ``lte_hz``: the carriers' channel bandwidths, ``load``: share of the shared channels in
    use; in the other these are None, and drawn."""

    part: str
    scenario: str
    snr_db: float
    fft_15k: int
    nr_hz: float | None = None
    lte_hz: float | None = None
    load: float | None = None

    @property
    def pair(self) -> Pair:
        """Of a frame of the paper's part."""
        return Pair(self.nr_hz, self.lte_hz, self.snr_db, self.load)


def _mixed() -> list[Stratum]:
    return [
        Stratum(MIXED, scenario, snr_db, fft_15k)
        for scenario, count in SCENARIOS.items()
        for snr_db, fft_15k in itertools.product(MIXED_SNR_DB, MIXED_FFT_15K)
        if scenario != "inside" or fft_15k <= INSIDE_MOST_FFT_15K
        for _ in range(count)
    ]


def _paper() -> list[Stratum]:
    choices = itertools.product(PAPER_SNR_DB, NR_HZ, LTE_HZ, PAPER_LOADS)
    return [
        Stratum(PAPER, "side by side", snr_db, FFT_15K, nr_hz, lte_hz, load)
        for snr_db, nr_hz, lte_hz, load in choices
        if fits(nr_hz, lte_hz)
        for _ in range(PAPER_FRAMES)
    ]


def _spread(strata: list[Stratum]) -> tuple[Stratum, ...]:
    """In an order in which every beginning holds some of all: by multiples of the golden ratio."""
    ratio = (5**0.5 - 1) / 2
    order = sorted(range(len(strata)), key=lambda i: i * ratio % 1)
    return tuple(strata[i] for i in order)


STRATA = _spread(_mixed() + _paper())
FRAMES = len(STRATA)
SEEDS = range(FIRST_SEED, FIRST_SEED + FRAMES)
