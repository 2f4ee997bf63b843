# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE's control region (36.211 clauses 6.2.4, 6.7 to 6.9): PCFICH, PHICH and PDCCH."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from ..ofdm import RB_SUBCARRIERS
from ..rng import Rng
from .carrier import FRAME_SUBFRAMES, TDD_SUBFRAMES, LteCarrier

CCE_GROUPS = 9
# Column order of the interleaver of convolutional codes, 36.212 table 5.1.4-2
# fmt: off
INTERLEAVER = (
    1, 17, 9, 25, 5, 21, 13, 29, 3, 19, 11, 27, 7, 23, 15, 31,
    0, 16, 8, 24, 4, 20, 12, 28, 2, 18, 10, 26, 6, 22, 14, 30,
)
# fmt: on
# PHICH groups over those of FDD by uplink-downlink configuration and subframe, table 6.9-1
PHICH_FACTORS = (
    (2, 1, 0, 0, 0, 2, 1, 0, 0, 0),
    (0, 1, 0, 0, 1, 0, 1, 0, 0, 1),
    (0, 0, 0, 1, 0, 0, 0, 0, 1, 0),
    (1, 0, 0, 0, 0, 0, 0, 0, 1, 1),
    (0, 0, 0, 0, 0, 0, 0, 0, 1, 1),
    (0, 0, 0, 0, 0, 0, 0, 0, 1, 0),
    (1, 1, 0, 0, 0, 1, 1, 0, 0, 1),
)


def control_symbols(cell: LteCarrier, subframes: int, rng: Rng) -> Tensor:
    """(subframes,) symbols of the control region: one to three, one more in 1.4 MHz; at most two
    in MBSFN subframes and in the special ones and subframe 6 of TDD (table 6.7-1)."""
    narrow = cell.resource_blocks <= 10
    drawn = rng.integer(2, 4) if narrow else rng.integer(1, 3)
    symbols = torch.full((subframes,), cell.control_symbols or drawn)
    for i in range(subframes):
        place = i % FRAME_SUBFRAMES
        if place in cell.mbsfn or (cell.tdd is not None and place in (1, 6)):
            symbols[i] = min(2, int(symbols[i]))
    return symbols


@lru_cache(maxsize=32)
def _layout(blocks: int, ports: int, cell_id: int, extended: bool, sixths: int, symbols: int):
    """Resource element groups of a control region: their number in the mapping order for each
    element (symbols, subcarriers; -1: a reference signal's), those of the PCFICH, those of each
    PHICH group of FDD, and the order in which the PDCCH fills the rest."""
    count = blocks * RB_SUBCARRIERS
    k = torch.arange(count)
    # First subcarrier and symbol in one number, which sorts as the PDCCH's mapping does
    places: list[int] = []
    number = torch.full((symbols, count), -1)
    first_groups: list[int] = []
    for symbol in range(symbols):
        # Two groups of six in symbols with reference signals (of two ports at least), else three
        # of four (6.2.4)
        reference = symbol == 0 or (symbol == 1 and ports == 4) or (symbol == 3 and extended)
        size = 6 if reference else 4
        number[symbol] = k // size + len(places)
        if reference:
            number[symbol, k % 3 == cell_id % 3] = -1
        if symbol == 0:
            first_groups = list(range(count // size))
        places += range(symbol, 4 * count + symbol, 4 * size)
    # PCFICH: four groups about a quarter of the band apart (6.7.4)
    start = 6 * (cell_id % (2 * blocks))
    pcfich = [((start + (i * blocks // 2) * 6) % count) // 6 for i in range(4)]
    free = [g for g in first_groups if g not in pcfich]
    # PHICH of normal duration: three groups a third of the band apart (6.9.3)
    groups = math.ceil(sixths / 6 * blocks / 8) * (2 if extended else 1)
    phich = [
        [free[(cell_id + m + i * len(free) // 3) % len(free)] for i in range(3)]
        for m in range(min(2 * groups, len(free) // 3))
    ]
    taken = set(pcfich)
    return number, places, pcfich, phich, groups, taken


@lru_cache(maxsize=64)
def _pdcch_order(cell: tuple, phich_groups: int) -> Tensor:
    """Group numbers in the order in which control channel elements use them (6.8.5): time first,
    interleaved, shifted by the cell's identity."""
    _, places, _, phich, _, taken = _layout(*cell)
    used = taken.union(*phich[:phich_groups]) if phich_groups else taken
    free = [g for g in range(len(places)) if g not in used]
    free.sort(key=lambda g: places[g])
    rows = -(-len(free) // 32)
    dummies = rows * 32 - len(free)
    order = [
        r * 32 + c - dummies for c in INTERLEAVER for r in range(rows) if r * 32 + c >= dummies
    ]
    # Quadruplet order[j] of the elements' sequence lands, shifted, on the j-th free group.
    at = [0] * len(free)
    for j in range(len(free)):
        at[order[(j + cell[2]) % len(free)]] = free[j]
    return torch.tensor(at, dtype=torch.long)


def put_control(
    amplitude: Tensor, cell: LteCarrier, control: Tensor, sent: Tensor, rng: Rng
) -> None:
    """Clear the control regions and fill them with PCFICH, PHICH and some PDCCHs of one to eight
    control channel elements each."""
    subframes = amplitude.shape[0]
    busy = cell.control_load * rng.walk(subframes, 0.2, 1.0, 0.5)
    boost = 10.0 ** (rng.tensor(4) * 4 / 20)
    kinds: dict[tuple[int, int], list[int]] = {}
    for i in range(subframes):
        if bool(sent[i, 0]):
            place = i % FRAME_SUBFRAMES
            factor = 1 if cell.tdd is None else PHICH_FACTORS[cell.tdd][place]
            if cell.tdd is not None and TDD_SUBFRAMES[cell.tdd][place] == "U":
                continue
            kinds.setdefault((int(control[i]), factor), []).append(i)
    for (symbols, factor), members in kinds.items():
        key = (
            *(cell.resource_blocks, cell.ports, cell.cell_id, cell.extended),
            *(cell.phich_sixths, symbols),
        )
        number, places, pcfich, phich, groups, _ = _layout(*key)
        index = torch.tensor(members)
        on = torch.zeros(len(members), len(places) + 1)
        order = _pdcch_order(key, factor * groups)
        elements = len(order) // CCE_GROUPS
        size = rng.choice((1, 2, 4, 8), (0.2, 0.4, 0.25, 0.15))
        runs = -(-elements // size)
        level = boost[torch.randint(0, 4, (len(members), runs), generator=rng.generator)]
        chosen = (rng.tensor(len(members), runs) < busy[index, None]) * level
        chosen = chosen.repeat_interleave(size * CCE_GROUPS, 1)[:, : elements * CCE_GROUPS]
        on[:, order[: chosen.shape[1]]] = chosen
        on[:, pcfich] = 1.0
        acknowledged = rng.tensor(len(members), max(1, factor * groups)) < busy[index, None]
        for m, three in enumerate(phich[: factor * groups]):
            on[:, three] = acknowledged[:, m : m + 1].float()
        # The last column stands for elements of reference signals.
        amplitude[index, :symbols] = on[:, number.flatten()].view(len(members), symbols, -1)
