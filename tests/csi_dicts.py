# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets of CSI as the messages that the framer block takes."""

from __future__ import annotations

from radiofm_core import keys

START_S = 1_700_000_000
SENDER = "00:11:22:aa:bb:cc"


def csi_dict(packet, **fields) -> dict:
    """Our own message of a packet."""
    seconds, nanoseconds = divmod(packet.time_ns, 10**9)
    return {
        keys.CSI: packet.csi,
        keys.ROWS: packet.csi.shape[0],
        keys.COLS: packet.csi.shape[1],
        keys.RX_TIME: (START_S + seconds, nanoseconds * 1e-9),
        **fields,
    }
