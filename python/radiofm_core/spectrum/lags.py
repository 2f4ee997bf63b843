# SPDX-License-Identifier: GPL-3.0-or-later
"""What it says of an emission that its samples repeat after a given time.

Each symbol of OFDM is preceded by a copy of its end, its cyclic prefix: the samples repeat after
1 / subcarrier spacing. Reference and synchronisation signals repeat within a symbol and from frame
to frame. Carriers that are narrower than 1 / lag are coherent at every lag, so other lags near by
are controls.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

# Lags from here on compare frames and not symbols (s): each kind has its own controls
FRAME_LAG_S = 1e-3
# Two lags are the same within this share
SAME_LAG = 1e-3


@dataclass(frozen=True)
class LagMeaning:
    """A lag (s), in words what repeats after it, the subcarrier spacing (Hz) of which it is a
    symbol (0: of none), and the least coherence that says so: below it others show as much.

    ``as_lte``: what it is called where the symbols are those of 15 kHz.
    """

    lag_s: float
    words: str
    spacing_hz: float = 0.0
    least: float = 0.015
    as_lte: str = ""


# 3GPP TS 36.211 (LTE; cell reference signals: 6.10.1, each third carrier of two ports' together),
# 38.211 (NR: 4.2, synchronisation signals: TS 38.213, 4.1), IEEE 802.11-2020 (17.3.2, 19.3.6) and
# 802.11ax (27.3.9)
MEANINGS = (
    LagMeaning(1 / 15e3, "symbols of 15 kHz", 15e3),
    LagMeaning(1 / 30e3, "symbols of 30 kHz", 30e3, as_lte="every second carrier of 15 kHz"),
    LagMeaning(1 / 60e3, "symbols of 60 kHz", 60e3, as_lte="every fourth carrier of 15 kHz"),
    LagMeaning(1 / 45e3, "repeats every 22.2 us", least=0.02, as_lte="LTE's reference symbols"),
    LagMeaning(12.8e-6, "802.11ax symbols", 78.125e3, least=0.05),
    LagMeaning(6.4e-6, "802.11 symbols at 10 MHz", 156.25e3, least=0.08),
    # LTE and NR, and whatever a filter has coloured, show up to 0.06 here
    LagMeaning(3.2e-6, "802.11 symbols", 312.5e3, least=0.08),
    LagMeaning(10e-3, "repeats every 10 ms", least=0.05, as_lte="repeats with LTE's frame"),
    LagMeaning(20e-3, "repeats every 20 ms, the period of NR's SS/PBCH blocks", least=0.05),
)
CONTROLS_S = (24e-6, 50e-6, 9.7e-3)
# What repeats after the first of these repeats after the second as well, which then says nothing
ONE_FRAME_S, TWO_FRAMES_S = 10e-3, 20e-3


@lru_cache(maxsize=256)
def meaning_of(lag_s: float) -> LagMeaning | None:
    """What a lag says; None of a control and of a lag that nothing is known of."""
    return next((m for m in MEANINGS if _is_same(m.lag_s, lag_s)), None)


def is_control(lag_s: float) -> bool:
    """Whether nothing but a narrow carrier repeats after this time."""
    return any(_is_same(control, lag_s) for control in CONTROLS_S)


@lru_cache(maxsize=256)
def controls_of(lag_s: float, lags: tuple[float, ...]) -> list[int]:
    """Places among ``lags`` of those that a lag is held against."""
    is_long = lag_s >= FRAME_LAG_S
    return [
        i for i, each in enumerate(lags) if is_control(each) and is_long == (each >= FRAME_LAG_S)
    ]


def _is_same(a: float, b: float) -> bool:
    return abs(a - b) <= SAME_LAG * a
