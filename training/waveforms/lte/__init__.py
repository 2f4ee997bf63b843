# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE carriers (3GPP TS 36.211): downlink, uplink, NB-IoT."""

from .carrier import RESOURCE_BLOCKS, SUBCARRIER_HZ, TDD_SUBFRAMES, LteCarrier, draw_carrier
from .grid import build_grid

__all__ = [
    "RESOURCE_BLOCKS",
    "SUBCARRIER_HZ",
    "TDD_SUBFRAMES",
    "LteCarrier",
    "build_grid",
    "draw_carrier",
]
