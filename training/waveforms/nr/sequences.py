# SPDX-License-Identifier: GPL-3.0-or-later
"""NR's synchronisation and reference sequences (38.211 clauses 7.4.1 to 7.4.3)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..sequences import gold_qpsk, m_sequence


@lru_cache(maxsize=3)
def pss(n_id_2: int) -> Tensor:
    """Primary synchronisation signal (7.4.2.2.1): complex64 (127,)."""
    x = m_sequence(7, (4, 0), (0, 1, 1, 0, 1, 1, 1))
    n = np.arange(127)
    return torch.from_numpy(x[(n + 43 * n_id_2) % 127].astype(np.complex64))


@lru_cache(maxsize=64)
def sss(cell_id: int) -> Tensor:
    """Secondary synchronisation signal (7.4.2.3.1): complex64 (127,)."""
    n1, n2 = divmod(cell_id, 3)
    x0 = m_sequence(7, (4, 0), (1, 0, 0, 0, 0, 0, 0))
    x1 = m_sequence(7, (1, 0), (1, 0, 0, 0, 0, 0, 0))
    n = np.arange(127)
    m0 = 15 * (n1 // 112) + 5 * n2
    d = x0[(n + m0) % 127] * x1[(n + n1 % 112) % 127]
    return torch.from_numpy(d.astype(np.complex64))


def pbch_dmrs(cell_id: int, index: int) -> Tensor:
    """DMRS of the PBCH (7.4.1.4.1): complex64 (144,). ``index``: the block's, with the half frame
    as third bit where a half frame has at most four blocks."""
    c_init = 2048 * (index + 1) * (cell_id // 4 + 1) + 64 * (index + 1) + cell_id % 4
    return gold_qpsk(torch.tensor([c_init]), 144)[0]


def slot_reference(
    identity: Tensor, slots: Tensor, symbol: int, count: int, n_scid: Tensor | int = 0
) -> Tensor:
    """DMRS of PDSCH, PDCCH and PUSCH (7.4.1.1.1, 7.4.1.3.1, 6.4.1.1.1.1) in a symbol of each of
    ``slots`` (numbers in the radio frame) with its scrambling ``identity`` and ``n_scid``:
    complex64 (slots, count)."""
    wide = 2**17 * (14 * slots.long() + symbol + 1) * (2 * identity + 1)
    return gold_qpsk((wide + 2 * identity + n_scid) % 2**31, count)


def csi_rs(identity: int, slots: Tensor, symbol: int, count: int) -> Tensor:
    """CSI-RS (7.4.1.5.2) in a symbol of each of ``slots``: complex64 (slots, count)."""
    c_init = (2**10 * (14 * slots.long() + symbol + 1) * (2 * identity + 1) + identity) % 2**31
    return gold_qpsk(c_init, count)
