# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sent a frame, and its number: MAC addresses, and what an 802.11 frame's header tells."""

from __future__ import annotations

import re
from functools import lru_cache

from ..errors import UsageError

# Sequence numbers start again here (12 bits)
SEQUENCE_NUMBERS = 4096

MAC_TEXT = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_CONTROL = 1
# Control frames that name their sender (IEEE Std 802.11-2020, 9.3.1): block ack request and
# block ack, PS-Poll, RTS, CF-End
_WITH_SENDER = {8, 9, 10, 11, 14}


def mac_text(address: bytes) -> str:
    """Six bytes as ``aa:bb:cc:dd:ee:ff``."""
    return address.hex(":")


def parse_mac(text: str) -> str:
    """``aa:bb:cc:dd:ee:ff`` of a MAC address with colons or dashes; raises UsageError."""
    return _parsed(str(text))


@lru_cache(maxsize=256)
def _parsed(text: str) -> str:
    mac = text.strip().lower().replace("-", ":")
    if not MAC_TEXT.fullmatch(mac):
        raise UsageError(f"expected a MAC address such as 00:11:22:aa:bb:cc, got {text!r}")
    return mac


def sequence_number(sequence_control: int) -> int:
    """The number in the 16-bit sequence control field, whose lowest 4 count fragments."""
    return (sequence_control >> 4) % SEQUENCE_NUMBERS


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
