# SPDX-License-Identifier: GPL-3.0-or-later
"""What every source of labelled CSI gives: packets, and what went on while they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radiofm_core.csi.packet import CsiPacket

# What bodies do to a channel is slower than half of this
LEAST_RATE_HZ = 250.0


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
    without overlap; empty: unlabelled. ``scored_whole``: the published scores of its data set are
    of whole clips, each of one activity."""

    name: str
    group: str
    packets: Sequence[CsiPacket]
    spans: tuple[Span, ...] = ()
    scored_whole: bool = False


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


def clip_of_one(
    number: int, label: str, amplitude: np.ndarray, subcarriers: np.ndarray, rate_hz: float
) -> Clip:
    """A clip of one activity, scored as a whole; arguments as of :func:`amplitude_packets`.
    ``number``: among those of its label. Groups sort by it, so that folds hold all labels."""
    name = f"{number:05d} {label}"
    packets = amplitude_packets(amplitude, subcarriers, rate_hz)
    end_ns = packets[-1].time_ns + round(1e9 / rate_hz)
    return Clip(name, name, packets, (Span(0, end_ns, label),), scored_whole=True)


def thinned(amplitude: np.ndarray, rate_hz: float) -> tuple[np.ndarray, float]:
    """The means of as many packets in a row as leave LEAST_RATE_HZ and more, and their rate.

    Args:
        amplitude: (packets, ...); packets left over at the end are dropped.
        rate_hz: packets per second.
    """
    count = max(1, int(rate_hz / LEAST_RATE_HZ + 1e-6))
    whole = amplitude[: len(amplitude) // count * count]
    return whole.reshape(-1, count, *whole.shape[1:]).mean(1), rate_hz / count


def from_db(level_db: np.ndarray) -> np.ndarray:
    """Amplitudes, float32."""
    return np.float32(10) ** (np.asarray(level_db, np.float32) / 20)


def spans_of(labels: Sequence[str], times_ns: Sequence[int], end_ns: int) -> tuple[Span, ...]:
    """One label a packet to spans; the last one ends at ``end_ns``."""
    starts = [0] + [i for i in range(1, len(labels)) if labels[i] != labels[i - 1]]
    ends = [times_ns[i] for i in starts[1:]] + [end_ns]
    return tuple(Span(times_ns[i], end, labels[i]) for i, end in zip(starts, ends, strict=True))
