# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sent a frame, and its number: what the MAC header of an 802.11 frame tells."""

from __future__ import annotations

_CONTROL = 1
# Control frames that name their sender (IEEE Std 802.11-2020, 9.3.1): block ack request and
# block ack, PS-Poll, RTS, CF-End
_WITH_SENDER = {8, 9, 10, 11, 14}


def mac_text(address: bytes) -> str:
    """Six bytes as ``aa:bb:cc:dd:ee:ff``."""
    return address.hex(":")


def sequence_number(sequence_control: int) -> int:
    """The 12-bit number in the 16-bit sequence control field, whose lowest 4 count fragments."""
    return (sequence_control >> 4) & 0xFFF


def sender_of(frame: bytes) -> tuple[str | None, int | None]:
    """The transmitter's address and the sequence number of an 802.11 frame.

    Args:
        frame: it begins with the frame control field (IEEE Std 802.11-2020, 9.2.3); the rest may
            be cut off.

    Returns:
        ``(mac, sequence)``; None for what the frame does not carry, as an ACK has neither.
    """
    if len(frame) < 16:
        return None, None
    version, kind, subtype = frame[0] & 3, frame[0] >> 2 & 3, frame[0] >> 4
    if version != 0 or kind == 3 or (kind == _CONTROL and subtype not in _WITH_SENDER):
        return None, None
    mac = mac_text(frame[10:16])
    if kind == _CONTROL or len(frame) < 24:
        return mac, None
    return mac, sequence_number(int.from_bytes(frame[22:24], "little"))
