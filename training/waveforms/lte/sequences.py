# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE's synchronisation and reference sequences (36.211 clauses 6.10.1, 6.11, 10.2)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..sequences import gold_qpsk, m_sequence, zadoff_chu

PSS_ROOTS = (25, 29, 34)
MOST_BLOCKS = 110
NPSS_CODE = (1, 1, 1, 1, -1, -1, 1, 1, 1, -1, 1)


@lru_cache(maxsize=3)
def pss(n_id_2: int) -> Tensor:
    """Primary synchronisation signal (6.11.1.1): complex64 (62,)."""
    whole = zadoff_chu(PSS_ROOTS[n_id_2], 63)
    return torch.cat([whole[:31], whole[32:]])


@lru_cache(maxsize=64)
def sss(cell_id: int) -> Tensor:
    """Secondary synchronisation signal (6.11.2.1): complex64 (2, 62), for subframes 0 and 5."""
    n1, n2 = divmod(cell_id, 3)
    q = (n1 + (n1 // 30) * (n1 // 30 + 1) // 2) // 30
    m = n1 + q * (q + 1) // 2
    m0 = m % 31
    m1 = (m0 + m // 31 + 1) % 31
    start = (0, 0, 0, 0, 1)
    s = m_sequence(5, (2, 0), start)
    c = m_sequence(5, (3, 0), start)
    z = m_sequence(5, (4, 2, 1, 0), start)
    n = np.arange(31)
    s0, s1 = s[(n + m0) % 31], s[(n + m1) % 31]
    c0, c1 = c[(n + n2) % 31], c[(n + n2 + 3) % 31]
    z0, z1 = z[(n + m0 % 8) % 31], z[(n + m1 % 8) % 31]
    d = np.empty((2, 62), np.complex64)
    d[0, ::2], d[0, 1::2] = s0 * c0, s1 * c1 * z0
    d[1, ::2], d[1, 1::2] = s1 * c0, s0 * c1 * z1
    return torch.from_numpy(d)


def crs(cell_id: int, blocks: int, slots: Tensor, symbol: int, extended: bool) -> Tensor:
    """Cell-specific reference signals r(m') of a symbol in each of ``slots`` (0 to 19; 6.10.1.1):
    complex64 (slots, 2 blocks)."""
    c_init = 1024 * (7 * (slots + 1) + symbol + 1) * (2 * cell_id + 1)
    c_init = c_init + 2 * cell_id + (0 if extended else 1)
    r = gold_qpsk(c_init, 2 * MOST_BLOCKS)
    return r[:, MOST_BLOCKS - blocks : MOST_BLOCKS + blocks]


@lru_cache(maxsize=1)
def npss() -> Tensor:
    """Narrowband primary synchronisation signal (10.2.7.1): complex64 (11 symbols, 11)."""
    n = np.arange(11)
    row = np.exp(-1j * np.pi * 5 * n * (n + 1) / 11)
    return torch.from_numpy((np.array(NPSS_CODE)[:, None] * row).astype(np.complex64))


def nsss(cell_id: int, frame: int) -> Tensor:
    """Narrowband secondary synchronisation signal (10.2.7.2) of an even ``frame``: complex64
    (11 symbols, 12)."""
    n = np.arange(132)
    m = n % 128
    # Row of the Hadamard matrix of order 128: the sign is the parity of row AND column.
    row = (0, 31, 63, 127)[cell_id // 126]
    sign = 1 - 2 * (np.array([bin(row & int(i)).count("1") for i in m]) % 2)
    theta = 33 / 132 * (frame // 2 % 4)
    u = cell_id % 126 + 3
    p = n % 131
    d = sign * np.exp(-2j * np.pi * theta * n) * np.exp(-1j * np.pi * u * p * (p + 1) / 131)
    return torch.from_numpy(d.astype(np.complex64).reshape(11, 12))
