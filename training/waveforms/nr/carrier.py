# SPDX-License-Identifier: GPL-3.0-or-later
"""What an NR carrier is configured to do (38.104 clause 5.3.2, 38.213 clause 4.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..rng import Rng

# Resource blocks by (subcarrier spacing, bandwidth), 38.104 table 5.3.2-1
RESOURCE_BLOCKS = {
    15e3: {5e6: 25, 10e6: 52, 15e6: 79, 20e6: 106, 25e6: 133, 30e6: 160, 40e6: 216, 50e6: 270},
    30e3: {
        5e6: 11,
        10e6: 24,
        15e6: 38,
        20e6: 51,
        25e6: 65,
        30e6: 78,
        40e6: 106,
        50e6: 133,
        60e6: 162,
        80e6: 217,
        100e6: 273,
    },
    60e3: {10e6: 11, 20e6: 24, 40e6: 51, 60e6: 79, 100e6: 135},
}
BANDWIDTHS = sorted({b for table in RESOURCE_BLOCKS.values() for b in table})
SSB_BLOCKS = 20
SSB_SYMBOLS = 4
SLOT_SYMBOLS = 14
# In the order in which networks use them, as in band n78: periods of 2.5 and 5 ms at 30 kHz
TDD_PATTERNS = ("DDDSU", "DDDDDDDSUU", "DDDSUUDDDD", "DDDSUDDSUU", "DDSUU", "DSUUU")
TDD_WEIGHTS = (0.3, 0.25, 0.15, 0.15, 0.1, 0.05)
# First symbols of a half frame's blocks by case, 38.213 clause 4.1: of groups, and their distance
SSB_CASES = {"A": ((2, 8), 14), "B": ((4, 8, 16, 20), 28), "C": ((2, 8), 14)}


@dataclass(frozen=True)
class NrCarrier:
    """One downlink carrier.

    ``tdd``: a slot pattern, or None for FDD. ``ssb_beams`` blocks in every ``ssb_period_ms``, in
    the half frame ``ssb_half_frame`` of the grid, from resource block ``ssb_block`` and
    ``ssb_shift`` subcarriers (k_SSB) on; at a spacing of 60 kHz blocks have 30 kHz and count in
    its resource blocks. ``widest_user``: the most resource blocks that one user is given (None:
    all). ``dmrs_added``: additional DMRS positions; ``dmrs_type``: 1 or 2.
    """

    resource_blocks: int
    subcarrier_hz: float
    tdd: str | None
    ssb_beams: int
    ssb_period_ms: int
    ssb_block: int
    load: float
    control_load: float
    trs_period_slots: int
    ssb_boost_db: float
    widest_user: int | None = None
    cell_id: int = 0
    ssb_case: str | None = None
    ssb_shift: int = 0
    ssb_half_frame: int = 0
    dmrs_type: int = 1
    dmrs_added: int = 1
    csi_period_slots: int = 0
    special_symbols: int = 10
    sib1: bool = False

    @property
    def ssb_hz(self) -> float:
        """Subcarrier spacing of the SS/PBCH blocks."""
        return min(self.subcarrier_hz, 30e3)

    @property
    def case(self) -> str:
        """Of 38.213 clause 4.1."""
        return "A" if self.ssb_hz == 15e3 else self.ssb_case or "C"

    @property
    def slots_per_ms(self) -> int:
        """1, 2 or 4."""
        return round(self.subcarrier_hz / 15e3)

    def ssb_symbols(self) -> list[int]:
        """First symbols of the blocks in a half frame, at :attr:`ssb_hz`."""
        starts, distance = SSB_CASES[self.case]
        return [starts[i % len(starts)] + distance * (i // len(starts)) for i in range(8)][
            : self.ssb_beams
        ]

    def downlink_symbols(self, slots: int) -> Tensor:
        """(slots, 14) bool: symbols that the base station may use."""
        down = torch.ones(slots, SLOT_SYMBOLS, dtype=torch.bool)
        if self.tdd is not None:
            for i in range(slots):
                kind = self.tdd[i % len(self.tdd)]
                if kind == "U":
                    down[i] = False
                elif kind == "S":
                    down[i, self.special_symbols :] = False
        return down


def draw_carrier(rng: Rng, bandwidth: float) -> NrCarrier:
    """A random carrier of ``bandwidth`` (Hz); the spacing is one that has this bandwidth."""
    spacings = [s for s in (15e3, 30e3, 60e3) if bandwidth in RESOURCE_BLOCKS[s]]
    spacing = rng.choice(spacings, [{15e3: 0.5, 30e3: 0.6, 60e3: 0.05}[s] for s in spacings])
    blocks = RESOURCE_BLOCKS[spacing][bandwidth]
    # In the block's own spacing
    room = blocks * (2 if spacing == 60e3 else 1) - SSB_BLOCKS
    if room > 0 and rng.chance(0.4):
        place = room // 2
    else:
        place = rng.integer(0, max(0, room))
    # A phone that knows nothing yet expects 20 ms (38.213 clause 4.1): hardly a network dares else.
    period = rng.choice((5, 10, 20, 40, 80, 160), (0.04, 0.08, 0.7, 0.1, 0.04, 0.04))
    per_ms = round(spacing / 15e3)
    cell = NrCarrier(
        resource_blocks=blocks,
        subcarrier_hz=spacing,
        tdd=rng.choice(TDD_PATTERNS, TDD_WEIGHTS)
        if rng.chance(0.7 if spacing > 15e3 else 0.15)
        else None,
        ssb_beams=rng.choice((1, 2, 4, 6, 8), (0.5, 0.15, 0.15, 0.05, 0.15)) if room >= 0 else 0,
        ssb_period_ms=period,
        ssb_block=place,
        load=rng.choice(
            (0.0, rng.uniform(0, 0.3), rng.uniform(0.3, 1), 1.0), (0.25, 0.3, 0.3, 0.15)
        ),
        control_load=rng.uniform(0.0, 1.0),
        trs_period_slots=per_ms * rng.choice((0, 20, 40, 80), (0.4, 0.2, 0.2, 0.2)),
        ssb_boost_db=rng.choice((0.0, 3.0, 6.0), (0.6, 0.3, 0.1)),
        widest_user=None if rng.chance(0.7) else rng.integer(1, min(12, blocks)),
        cell_id=rng.integer(0, 1007),
        ssb_case=rng.choice(("B", "C", "C")),
        ssb_shift=rng.integer(0, 11) if place < room and rng.chance(0.7) else 0,
        ssb_half_frame=rng.integer(0, max(1, period // 5 - 1)),
        dmrs_type=rng.choice((1, 1, 2)),
        dmrs_added=rng.choice((0, 1, 1, 2, 3)),
        csi_period_slots=per_ms * rng.choice((0, 20, 40)),
        special_symbols=rng.choice((10, 6, 8, 12)),
        sib1=rng.chance(0.6),
    )
    # A cell that serves nobody sends its SS/PBCH blocks and nothing else.
    return idle(cell) if cell.load == 0.0 and rng.chance(0.5) else cell


def idle(cell: NrCarrier) -> NrCarrier:
    """The carrier with its SS/PBCH blocks alone."""
    silent = {"trs_period_slots": 0, "csi_period_slots": 0, "sib1": False}
    return replace(cell, load=0.0, control_load=0.0, **silent)
