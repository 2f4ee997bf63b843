# SPDX-License-Identifier: GPL-3.0-or-later
"""What every source of labelled CSI gives: packets, and what went on while they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radiofm_core.csi.packet import CsiPacket


@dataclass(frozen=True)
class Span:
    """``label`` from ``start_ns`` until ``end_ns`` (not included), of the packets' clock."""

    start_ns: int
    end_ns: int
    label: str


@dataclass(frozen=True)
class Clip:
    """Packets of one link in one go. ``name``: unique in its source. ``group``: what must not be
    split between training and scores (a run, a subject, a recording). ``spans``: in order,
    without overlap; empty: unlabelled."""

    name: str
    group: str
    packets: Sequence[CsiPacket]
    spans: tuple[Span, ...] = ()


def amplitude_packets(
    amplitude: np.ndarray, subcarriers: np.ndarray, rate_hz: float
) -> list[CsiPacket]:
    """Packets at an even rate.

    Args:
        amplitude: (packets, subcarriers) or (packets, antennas, subcarriers).
        subcarriers: int (subcarriers,), the indices of 802.11.
        rate_hz: packets per second.
    """
    values = np.ascontiguousarray(amplitude, np.float32)
    if values.ndim == 2:
        values = values[:, None]
    times = np.round(np.arange(len(values)) * (1e9 / rate_hz)).astype(np.int64)
    return [
        CsiPacket(value, subcarriers, int(time)) for value, time in zip(values, times, strict=True)
    ]


def spans_of(labels: Sequence[str], times_ns: Sequence[int], end_ns: int) -> tuple[Span, ...]:
    """One label a packet to spans; the last one ends at ``end_ns``."""
    starts = [0] + [i for i in range(1, len(labels)) if labels[i] != labels[i - 1]]
    ends = [times_ns[i] for i in starts[1:]] + [end_ns]
    return tuple(Span(times_ns[i], end, labels[i]) for i, end in zip(starts, ends, strict=True))
