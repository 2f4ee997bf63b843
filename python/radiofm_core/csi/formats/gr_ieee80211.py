# SPDX-License-Identifier: GPL-3.0-or-later
"""What the GNU Radio module gr-ieee802-11 tells of a packet, once it is plain Python."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...errors import InputError
from ...keys import CSI
from .. import subcarriers
from ..capture import fault_of
from ..mac_header import sender_of
from ..packet import CsiPacket


def packet_from_gr_ieee80211(
    metadata: Mapping, time_ns: int, frame: bytes | np.ndarray = b""
) -> CsiPacket:
    """The packet of a PDU from gr-ieee802-11's ``decode_mac``.

    Args:
        metadata: the PDU's dict; ``csi`` is complex (52,), the long training symbols' estimate of
            subcarriers -26…-1 and +1…+26 (``frame_equalizer``).
        time_ns: when it came, in ns since 1970: the PDU has no time of its own.
        frame: the PDU's bytes, the 802.11 frame without its check sequence; it names the sender.

    Raises:
        InputError: no ``csi``, or not 52 finite numbers of which some are not zero.
    """
    if CSI not in metadata:
        raise InputError(
            f"a message without {CSI!r} (it has {', '.join(map(repr, metadata)) or 'nothing'}); "
            "connect the port `out` of gr-ieee802-11's decode_mac"
        )
    csi = np.asarray(metadata[CSI])
    wanted = len(subcarriers.NON_HT_20)
    if csi.dtype.kind not in "fiuc" or csi.shape != (wanted,):
        raise InputError(
            f"a message's {CSI!r}: expected {wanted} complex numbers, got {csi.dtype} of shape "
            f"{csi.shape}"
        )
    mac, sequence = sender_of(bytes(frame[:24]))
    with np.errstate(over="ignore", invalid="ignore"):
        values = csi.astype(np.complex64)
    packet = CsiPacket(
        csi=values[np.newaxis],
        subcarriers=subcarriers.NON_HT_20,
        time_ns=time_ns,
        time_is_absolute=True,
        mac=mac,
        sequence=sequence,
    )
    fault = fault_of(packet)
    if fault:
        raise InputError(f"a message of gr-ieee802-11 cannot be used ({fault})")
    return packet
