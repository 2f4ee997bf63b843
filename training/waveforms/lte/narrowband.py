# SPDX-License-Identifier: GPL-3.0-or-later
"""NB-IoT in a resource block of an LTE carrier or beside it (36.211 clause 10.2)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..ofdm import RB_SUBCARRIERS
from ..rng import Rng
from ..sequences import gold_qpsk
from .carrier import FRAME_SUBFRAMES, LteCarrier
from .sequences import MOST_BLOCKS, npss, nsss

BOOST = 10.0 ** (6.0 / 20)


def put(values: Tensor, truth: Tensor, cell: LteCarrier, control: Tensor, rng: Rng):
    """Add the narrowband carrier to (symbols, subcarriers) and (symbols, blocks): in-band over
    what that block held, but for control region and reference signals; in the guard band in
    blocks put beside the carrier. Returns both."""
    guard = cell.guard_blocks
    if guard:
        side = guard * RB_SUBCARRIERS
        values = torch.nn.functional.pad(values, (side, side))
        truth = torch.nn.functional.pad(truth, (guard, guard))
    low = (cell.nb_iot + guard) * RB_SUBCARRIERS
    host = values[:, low : low + RB_SUBCARRIERS].unflatten(0, (-1, cell.symbols)).clone()
    own = torch.zeros_like(host)
    subframes = host.shape[0]
    used = rng.walk(subframes, 0.0, 1.0, 0.2) < rng.uniform(0.2, 1.0)
    for i in range(subframes):
        place = i % FRAME_SUBFRAMES
        first = 0 if guard else int(control[i])
        if place == 5:
            own[i, 3:14, :11] = npss()
        elif place == 9 and i // FRAME_SUBFRAMES % 2 == 0:
            own[i, 3:14] = nsss(cell.nb_id, i // FRAME_SUBFRAMES)
        else:
            if place == 0:
                own[i, 3:] = rng.data((11, RB_SUBCARRIERS))
            elif bool(used[i]):
                own[i, first:] = rng.data((cell.symbols - first, RB_SUBCARRIERS))
            _put_reference(own[i], cell, place)
    own *= BOOST
    if not guard:
        keep = torch.zeros(subframes, cell.symbols, 1, dtype=torch.bool)
        keep[:, :1] = True
        keep |= (torch.arange(cell.symbols) < control[:, None])[..., None]
        comb = torch.arange(low, low + RB_SUBCARRIERS) % 3 == cell.cell_id % 3
        reference = torch.zeros(cell.symbols, dtype=torch.bool)
        reference[[0, 4, 7, 11] + ([1, 8] if cell.ports == 4 else [])] = True
        keep = keep | (reference[:, None] & comb)
        own = torch.where(keep, host, own)
    values[:, low : low + RB_SUBCARRIERS] = own.flatten(0, 1)
    truth = truth.clone()
    truth[:, cell.nb_iot + guard] = True
    return values, truth


def _put_reference(own: Tensor, cell: LteCarrier, subframe: int) -> None:
    """Narrowband reference signal of one port (10.2.6): the last two symbols of both slots."""
    for slot in (0, 1):
        for symbol, v in ((5, 0), (6, 3)):
            c_init = 1024 * (7 * (2 * subframe + slot + 1) + symbol + 1) * (2 * cell.nb_id + 1)
            r = gold_qpsk(torch.tensor([c_init + 2 * cell.nb_id + 1]), MOST_BLOCKS + 1)[0]
            first = (v + cell.nb_id) % 6
            own[7 * slot + symbol, first::6] = r[MOST_BLOCKS - 1 : MOST_BLOCKS + 1]
