# SPDX-License-Identifier: GPL-3.0-or-later
"""NR carriers (3GPP TS 38.211, 38.213): downlink, uplink."""

from .carrier import BANDWIDTHS, RESOURCE_BLOCKS, NrCarrier, draw_carrier, idle
from .grid import build_grid, build_grids, close_gaps, ss_block, truth_of_values

__all__ = [
    "BANDWIDTHS",
    "RESOURCE_BLOCKS",
    "NrCarrier",
    "build_grid",
    "build_grids",
    "close_gaps",
    "draw_carrier",
    "idle",
    "ss_block",
    "truth_of_values",
]
