# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reader of CSI has found: packets, and an account of those it could not use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .packet import CsiPacket

ZERO_CSI = "all-zero CSI"
NOT_FINITE = "CSI not finite"
BAD_TIME = "time out of range"
CUT_OFF = "cut off at the end of the file"

# Seconds that 64-bit nanoseconds can tell
_TIME_LIMIT_NS = 2**63
_MAX_REASONS = 50
_SHOWN_REASONS = 5


class Tally:
    """The account that a reader keeps while it runs.

    ``chip``: what the source says of the receiver, "" until it has. ``packets``: how many were
    good. ``skipped``: how many were not, by reason. ``steps_back``: how many good packets have a
    time before the one preceding them.
    """

    def __init__(self):
        self.chip = ""
        self.packets = 0
        self.skipped: Counter[str] = Counter()
        self.steps_back = 0
        self._last_ns: int | None = None

    def skip(self, reason: str, count: int = 1) -> None:
        """Count packets that cannot be used."""
        # Damage can make up reasons without end
        known = reason in self.skipped or len(self.skipped) < _MAX_REASONS
        self.skipped[reason if known else "other damage"] += count

    def accept(self, packet: CsiPacket) -> bool:
        """Count a packet; False, with its reason counted, when its numbers cannot be used."""
        reason = fault_of(packet)
        if reason:
            self.skip(reason)
            return False
        if self._last_ns is not None and packet.time_ns < self._last_ns:
            self.steps_back += 1
        self._last_ns = packet.time_ns
        self.packets += 1
        return True

    def summary(self) -> str:
        """The reasons for which packets were skipped, the most common first; "" if none was."""
        # A copy, as a live source's thread may be adding to it
        found = sorted(dict(self.skipped).items(), key=lambda item: -item[1])
        return ", ".join(f"{count} × {reason}" for reason, count in found[:_SHOWN_REASONS])


def fault_of(packet: CsiPacket) -> str:
    """Why a packet cannot be used, or ""."""
    if not np.isfinite(packet.csi).all():
        return NOT_FINITE
    if not packet.csi.any():
        return ZERO_CSI
    return time_fault_of(packet)


def time_fault_of(packet: CsiPacket) -> str:
    """Why a packet's time cannot be used, or ""."""
    return "" if -_TIME_LIMIT_NS <= packet.time_ns < _TIME_LIMIT_NS else BAD_TIME


@dataclass(frozen=True)
class CsiCapture:
    """The packets of a file, in the order in which they were received.

    ``format`` and ``chip`` name what wrote it. ``skipped`` says how many packets were left out
    and why. ``steps_back`` counts packets with a time before the one preceding them; they stay in
    their place, for order of arrival is what the receiver saw and its clock is what went wrong.
    Packets of one file can differ in antennas, subcarriers and their indices.
    """

    path: Path
    format: str
    chip: str
    packets: Sequence[CsiPacket] = field(repr=False)
    skipped: dict[str, int] = field(default_factory=dict)
    steps_back: int = 0
