# SPDX-License-Identifier: GPL-3.0-or-later
"""What an LTE carrier is configured to do (36.211 clauses 4 and 5.2, 36.104 table 5.6-1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..rng import Rng

SUBCARRIER_HZ = 15e3
RESOURCE_BLOCKS = {1.4e6: 6, 3e6: 15, 5e6: 25, 10e6: 50, 15e6: 75, 20e6: 100}
FRAME_SUBFRAMES = 10
# Uplink-downlink configurations, 36.211 table 4.2-2
TDD_SUBFRAMES = (
    "DSUUUDSUUU",
    "DSUUDDSUUD",
    "DSUDDDSUDD",
    "DSUUUDDDDD",
    "DSUUDDDDDD",
    "DSUDDDDDDD",
    "DSUUUDSUUD",
)
# Downlink symbols of the special subframe configurations, 36.211 table 4.2-1
DWPTS_SYMBOLS = (3, 9, 10, 11, 12, 3, 9, 10, 11, 6, 6)
DWPTS_SYMBOLS_EXTENDED = (3, 8, 9, 10, 3, 8, 9, 5)
# Reference signals over data by antenna ports, dB: P_A of 36.331's PDSCH-ConfigDedicated, negated.
# Networks lift them so that they are heard at the cell's edge; a lone port has the most to give.
CRS_BOOSTS_DB = {1: (3.0, 4.77, 6.0), 2: (0.0, 1.77, 3.0, 3.0, 3.0, 6.0), 4: (0.0, 3.0, 3.0, 6.0)}
# Subframes that may carry MBSFN, 36.331 MBSFN-SubframeConfig
MBSFN_FDD = (1, 2, 3, 6, 7, 8)
MBSFN_TDD = (3, 4, 7, 8, 9)


@dataclass(frozen=True)
class LteCarrier:
    """One downlink carrier.

    ``tdd``: an uplink-downlink configuration, or None for FDD; ``special``: special subframe
    configuration; ``load``: share of the PDSCH in use; ``extended``: cyclic prefix;
    ``mbsfn``: subframes of a frame that are MBSFN, sent without data (``mbsfn_load`` 0) or with
    it, always without the cell's reference signals; ``nb_iot``: resource block of a narrowband
    carrier (-1 or ``resource_blocks``: the first one in the guard band), ``nb_id`` its identity.
    """

    resource_blocks: int
    tdd: int | None
    special: int
    ports: int
    cell_id: int
    load: float
    control_load: float
    crs_boost_db: float
    extended: bool = False
    mbsfn: tuple[int, ...] = ()
    mbsfn_load: float = 0.0
    control_symbols: int | None = None
    phich_sixths: int = 1
    nb_iot: int | None = None
    nb_id: int = 0

    @property
    def symbols(self) -> int:
        """OFDM symbols of a subframe."""
        return 12 if self.extended else 14

    @property
    def guard_blocks(self) -> int:
        """Resource blocks that the grid has beyond the carrier at each side."""
        outside = self.nb_iot is not None and not 0 <= self.nb_iot < self.resource_blocks
        return 1 if outside else 0

    def sent_symbols(self, subframes: int) -> Tensor:
        """(subframes, symbols) bool: the base station may transmit."""
        sent = torch.ones(subframes, self.symbols, dtype=torch.bool)
        if self.tdd is None:
            return sent
        table = DWPTS_SYMBOLS_EXTENDED if self.extended else DWPTS_SYMBOLS
        for i in range(subframes):
            kind = TDD_SUBFRAMES[self.tdd][i % FRAME_SUBFRAMES]
            if kind == "U":
                sent[i] = False
            elif kind == "S":
                sent[i, table[self.special] :] = False
        return sent

    def plain(self, subframes: int) -> Tensor:
        """(subframes,) bool: not MBSFN."""
        return torch.tensor([i % FRAME_SUBFRAMES not in self.mbsfn for i in range(subframes)])


def draw_carrier(rng: Rng, bandwidth: float) -> LteCarrier:
    """A random carrier of a bandwidth in :data:`RESOURCE_BLOCKS`."""
    blocks = RESOURCE_BLOCKS[bandwidth]
    tdd = rng.choice((1, 2, 2, 2, 0, 3, 4, 5, 6)) if rng.chance(0.4) else None
    extended = rng.chance(0.06)
    mbsfn: tuple[int, ...] = ()
    if rng.chance(0.12):
        allowed = MBSFN_FDD if tdd is None else MBSFN_TDD
        mbsfn = tuple(
            i for i in allowed if rng.chance(0.5) and (tdd is None or TDD_SUBFRAMES[tdd][i] == "D")
        )
    nb_iot = None
    if blocks >= 15 and not extended and tdd is None and rng.chance(0.12):
        inband = (2, blocks // 4, blocks - 3)
        nb_iot = rng.choice((*inband, -1, blocks) if blocks >= 25 else inband)
    ports = rng.choice((1, 2, 4), (0.25, 0.55, 0.2))
    load = rng.choice((0.0, rng.uniform(0, 0.3), rng.uniform(0.3, 1), 1.0), (0.25, 0.4, 0.2, 0.15))
    # A cell that nobody uses sends next to nothing but what every phone needs to find it.
    silent = load == 0.0 and rng.chance(0.6)
    return LteCarrier(
        resource_blocks=blocks,
        tdd=tdd,
        special=rng.integer(0, 7) if extended else rng.choice((*range(11), 5, 6, 7, 7, 7, 7)),
        ports=ports,
        cell_id=rng.integer(0, 503),
        load=load,
        control_load=0.0 if silent else rng.uniform(0.05, 1.0),
        crs_boost_db=rng.choice(CRS_BOOSTS_DB[ports]),
        extended=extended,
        mbsfn=mbsfn,
        mbsfn_load=rng.choice((0.0, 1.0)),
        phich_sixths=rng.choice((1, 3, 6, 12)),
        nb_iot=nb_iot,
        nb_id=rng.integer(0, 503),
    )
