# SPDX-License-Identifier: GPL-3.0-or-later
"""How many samples the pipe between a source and its flowgraph holds."""

from __future__ import annotations

from radiofm_core.errors import UsageError

from .bursts import BurstPlan

# Samples that may wait for the flowgraph behind (s, and bytes at most)
HELD_S = 1.0
HELD_BYTES = 64 << 20
LEAST_HELD = 1 << 16
# Of bursts, which are held whole
MOST_BURST_BYTES = 1 << 30
_SAMPLE_BYTES = 8


def pipe_capacity(rate: float, plan: BurstPlan | None) -> int:
    """For a rate in S/s and bursts, if any; raises UsageError for bursts that do not fit."""
    if plan is None or not plan.is_lossless:
        most = HELD_BYTES // _SAMPLE_BYTES
        return int(min(most, max(LEAST_HELD, HELD_S * rate)))
    samples = round(plan.longest * rate) + 2
    if samples * _SAMPLE_BYTES > MOST_BURST_BYTES:
        longest = MOST_BURST_BYTES / _SAMPLE_BYTES / rate
        raise UsageError(
            f"bursts of {plan.longest:g} s at {rate / 1e6:g} MS/s do not fit into memory; at most "
            f"{longest:.2g} s do at this rate"
        )
    return samples
