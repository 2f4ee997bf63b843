# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings with packets left out, as slower senders and busy channels have them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radiofm_core.csi.packet import CsiPacket

# Packets that a burst of losses, or what lies between two of them, has, at least and at most
BURST = (5, 30)


def slower(packets: Sequence[CsiPacket], rate_hz: float) -> list[CsiPacket]:
    """At most one packet in each interval of a sender of ``rate_hz`` packets a second."""
    kept, number = [], -1
    for packet in packets:
        # the first one in each interval of the slower sender
        interval = int((packet.time_ns - packets[0].time_ns) * 1e-9 * rate_hz + 1e-6)
        if interval > number:
            kept.append(packet)
            number = interval
    return kept


def burst_losses(packets: Sequence[CsiPacket], rng: np.random.Generator) -> list[CsiPacket]:
    """Half of the packets lost, in bursts of BURST packets."""
    kept = np.ones(len(packets), bool)
    place = 0
    while place < len(packets):
        place += int(rng.integers(BURST[0], BURST[1] + 1))
        lost = int(rng.integers(BURST[0], BURST[1] + 1))
        kept[place : place + lost] = False
        place += lost
    return [packet for packet, is_kept in zip(packets, kept, strict=True) if is_kept]
