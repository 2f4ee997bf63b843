# SPDX-License-Identifier: GPL-3.0-or-later
"""What each frame of the benchmark is: its part, and what is set of it before its seed decides on
the rest.

``mixed``: emissions of set kinds through the training generator's radio, with its labels, at set
sample rates and lengths. ``paper``: the frames of :mod:`training.waveforms.side_by_side`.

``snr_db`` holds for every emission of the frame as it is sent: the power spectral density of a
resource element of amplitude 1 (of other emissions: in their bandwidth) over that of the noise.
Boosted, faded and quiet parts of a carrier lie above and below it, and so does what a receiver's
filter leaves.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ...waveforms.floors import Shapes
from ...waveforms.side_by_side import DURATION_S, FFT_15K, LTE_HZ, NR_HZ, Pair, fits

NAME = "radiofm-bench-2"
FIRST_SEED = 910_000_000
MIXED, PAPER = "mixed", "paper"

MIXED_SNR_DB = (-5.0, 0.0, 5.0, 10.0, 20.0, 30.0)
# Sample rates over 15 kHz: 1.92, 2.4, 4.98, 10.02, 15.36, 19.98, 30.72, 61.44 and 122.88 MS/s
MIXED_FFT_15K = (128, 160, 332, 668, 1024, 1332, 2048, 4096, 8192)
# Seconds of a frame, and whether the receiver has heard what came before
DURATIONS_S = (5e-3, 20e-3, 40e-3)
BEFORE = (False, True)
# Of floors: the benchmark's own, as it is frozen
FLOOR_SHAPES = Shapes(narrowest_bump=0.02, step_db=12.0, steepest_step=0.002)
# 40 ms at this rate are more than the generator makes.
SHORT_FFT_15K = 8192
# Seconds that are known of before, if any: more than LTE's frame and NR's longest common period of
# SS/PBCH blocks
BEFORE_S = 20.3e-3

# Kinds that are neither LTE nor NR by family, with the least sample rate at which each comes, and
# how often. They are the benchmark's own: what the training generator learns to draw later is not
# here.
FAMILIES: dict[str, tuple[tuple[str, float, float], ...]] = {
    "wifi": (
        ("wifi", 5e6, 4.5),
        ("wifi_ax", 5e6, 2.5),
        ("wifi_cut", 0.9e6, 1.5),
        ("wifi_p", 4e6, 0.7),
        ("wifi_b", 2e6, 1.2),
    ),
    "ofdm": (
        ("halow", 1.5e6, 0.6),
        ("wide_bursts", 0.9e6, 0.8),
        ("ofdm_link", 0.9e6, 2.0),
        ("drone", 0.9e6, 2.0),
        ("power_line", 0.9e6, 0.5),
        ("power_line_narrow", 0.9e6, 0.2),
        ("dvb_t", 2.1e6, 0.7),
        ("dvb_t2", 2.1e6, 0.4),
        ("isdb_t", 0.9e6, 0.4),
        ("dab", 2.1e6, 0.4),
        ("drm", 0.9e6, 0.2),
    ),
    "analogue": (
        ("video_fm", 0.9e6, 1.2),
        ("video_am", 0.9e6, 0.8),
        ("fm_broadcast", 0.9e6, 1.2),
        ("fm", 0.9e6, 0.8),
    ),
    "packets": (
        ("bluetooth", 2e6, 1.5),
        ("zigbee", 2e6, 1.2),
        ("dect", 2e6, 0.5),
        ("fsk_bursts", 0.9e6, 1.2),
        ("ook_bursts", 0.9e6, 1.0),
        ("remote_control", 0.9e6, 1.2),
        ("transponders", 0.9e6, 1.0),
        ("lora", 0.9e6, 0.6),
    ),
    "cellular": (
        ("single_carrier", 0.9e6, 0.9),
        ("umts", 2e6, 1.0),
        ("cdma2000", 0.9e6, 0.4),
        ("gsm", 0.9e6, 0.9),
        ("tetra", 0.9e6, 0.4),
    ),
    "plain": (
        ("radar", 0.9e6, 0.6),
        ("gnss", 0.9e6, 0.5),
        ("tones", 0.9e6, 0.8),
        ("pulses", 0.9e6, 0.5),
    ),
}
# What one of these sends can lie in several bands, with nothing in between: hops, telegrams of
# several transmitters, stations side by side
MANY_BANDS = (
    *(name for family in ("packets", "plain") for name, *_ in FAMILIES[family]),
    *("gsm", "tetra", "fm", "fm_broadcast"),
)
# Families that share bands, and the rate (over 15 kHz) from which on one is seen beside the other
SHARING, SHARING_FFT_15K = ("wifi", "packets"), 668
# In scenes of several technologies, how often each family comes beside LTE and NR
GROUP_WEIGHTS = {
    "lte": 1.0,
    "nr": 1.4,
    "wifi": 0.9,
    "ofdm": 0.4,
    "analogue": 0.25,
    "packets": 0.4,
    "cellular": 0.3,
    "plain": 0.15,
}
NR_SPACINGS_HZ = {"nr 15 kHz": 15e3, "nr 30 kHz": 30e3}
# Frames of each scenario, SNR and rate
SCENARIOS = {
    "lte": 2,
    "nr 15 kHz": 2,
    "nr 30 kHz": 2,
    "wifi": 2,
    "ofdm": 2,
    "analogue": 1,
    "packets": 2,
    "cellular": 1,
    "plain": 1,
    # Two to four emissions of different technologies
    "several": 3,
    # A span within one carrier, or in which one fills all but its guard band
    "inside": 2,
    # Emissions behind a filter that leaves a plateau of noise, and the plateau alone
    "plateau": 2,
    "plateau of noise": 1,
    "empty": 1,
}
PLATEAUS = ("plateau", "plateau of noise")
SILENT = ("plateau of noise", "empty")
# Rates (over 15 kHz) at which a scenario can be: the narrowest NR carrier has 5 MHz, and no carrier
# is much wider than 100 MHz; radio packets are looked at with narrow receivers
LEAST_FFT_15K = {"nr 15 kHz": 332, "nr 30 kHz": 332}
MOST_FFT_15K = {"inside": 2048, "packets": 668}

PAPER_SNR_DB = (0.0, 10.0, 15.0, 20.0, 40.0)
PAPER_LOADS = (0.2, 0.6, 1.0)


@dataclass(frozen=True)
class Stratum:
    """What is set of a frame. ``fft_15k``: sample rate over 15 kHz; ``length_s``: about how long
    it lasts; ``before``: whether what came before it is known. In the paper's part, ``nr_hz`` and
    ``lte_hz``: the carriers' channel bandwidths, ``load``: share of the shared channels in use; in
    the other these are None, and drawn."""

    part: str
    scenario: str
    snr_db: float
    fft_15k: int
    length_s: float
    before: bool
    nr_hz: float | None = None
    lte_hz: float | None = None
    load: float | None = None

    @property
    def pair(self) -> Pair:
        """Of a frame of the paper's part."""
        return Pair(self.nr_hz, self.lte_hz, self.snr_db, self.load)


# Multiples of these spread evenly over 0 to 1, however many there are
GOLDEN, ROOT = (5**0.5 - 1) / 2, 2**0.5


def _mixed() -> list[Stratum]:
    cells = [
        (scenario, snr_db, fft_15k)
        for scenario, count in SCENARIOS.items()
        for snr_db, fft_15k in itertools.product(MIXED_SNR_DB, MIXED_FFT_15K)
        if LEAST_FFT_15K.get(scenario, 0) <= fft_15k <= MOST_FFT_15K.get(scenario, fft_15k)
        for _ in range(count)
    ]
    out = []
    for i, (scenario, snr_db, fft_15k) in enumerate(cells):
        lengths = DURATIONS_S[:2] if fft_15k >= SHORT_FFT_15K else DURATIONS_S
        choices = list(itertools.product(lengths, BEFORE))
        length_s, before = choices[int(i * ROOT % 1 * len(choices))]
        out.append(Stratum(MIXED, scenario, snr_db, fft_15k, length_s, before))
    return out


def _paper() -> list[Stratum]:
    pairs = [pair for pair in itertools.product(NR_HZ, LTE_HZ) if fits(*pair)]
    return [
        Stratum(
            PAPER,
            "side by side",
            snr_db,
            FFT_15K,
            DURATION_S,
            False,
            *pair,
            PAPER_LOADS[(i + j) % len(PAPER_LOADS)],
        )
        for i, snr_db in enumerate(PAPER_SNR_DB)
        for j, pair in enumerate(pairs)
    ]


def _spread(strata: list[Stratum]) -> tuple[Stratum, ...]:
    """In an order in which every beginning holds some of all."""
    order = sorted(range(len(strata)), key=lambda i: i * GOLDEN % 1)
    return tuple(strata[i] for i in order)


STRATA = _spread(_mixed() + _paper())
FRAMES = len(STRATA)
SEEDS = range(FIRST_SEED, FIRST_SEED + FRAMES)
