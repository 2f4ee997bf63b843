# SPDX-License-Identifier: GPL-3.0-or-later
"""Atheros: the ``.dat`` files of the Atheros CSI Tool (QCA9300 family).

A record is its length (16 bits), a header of 25 bytes, the channel estimate and the received
frame (tool's user guide, ``csi_fun.h``). Numbers have the byte order of the machine that wrote
them: a PC's are little-endian, a router's mostly big-endian; newer versions of the tool begin the
file with a byte that tells (0xff: big-endian).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from .. import subcarriers
from ..capture import CUT_OFF, Tally
from ..mac_header import sender_of
from ..packet import CsiPacket
from .packed import ATHEROS_TONES, MAX_CHAINS, atheros_bytes, unpack_atheros

NAME = "Atheros"
ADVICE = "record it again with the CSI tool's recv_csi"

# timestamp, csi_len, channel, err_info, noise floor, rate, bandwidth, tones, nr, nc, rssi ×4,
# payload_len
_FIELDS = "QHHBBBBBBBBBBBH"
_HEADER_BYTES = 25
# ath9k counts RSSI from this noise floor; the header's own field is always 0
_NOISE_FLOOR_DBM = -95
_NO_RSSI = 0x80
_FRAME_HEAD_BYTES = 24


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    return _layout(head) is not None


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a file.

    ``time_ns`` counts from any start (the card's microsecond clock); ``mac`` and ``sequence`` are
    from the received frame where the file holds it. ``rssi_dbm`` supposes a noise floor of
    -95 dBm, as the driver does.

    Args:
        file: at its beginning.
        tally: where chip and skipped packets are noted.
    """
    tally.chip = "QCA9300"
    order, skip = _layout(file.read(1 + 2 + _HEADER_BYTES)) or ("<", 0)
    header = struct.Struct(order + _FIELDS)
    file.seek(skip)
    while prefix := file.read(2):
        length = int.from_bytes(prefix, "little" if order == "<" else "big")
        body = file.read(length)
        if len(prefix) < 2 or len(body) < length:
            tally.skip(CUT_OFF)
            return
        fields = header.unpack_from(body) if length >= _HEADER_BYTES else None
        fault = _fault(length, fields)
        if fault:
            tally.skip(fault)
            continue
        yield _packet(fields, body)


def _layout(head: bytes) -> tuple[str, int] | None:
    """(byte order, bytes before the first record) that make sense of the first header."""
    for skip, orders in ((0, "<>"), (1, ">" if head[:1] == b"\xff" else "<")):
        for order in orders:
            if len(head) < skip + 2 + _HEADER_BYTES:
                continue
            (length,) = struct.unpack_from(order + "H", head, skip)
            fields = struct.unpack_from(order + _FIELDS, head, skip + 2)
            if _fault(length, fields) in ("", _NO_CSI):
                return order, skip
    return None


_NO_CSI = "record without CSI"


def _fault(length: int, fields: tuple | None) -> str:
    """Why a record cannot be read, or ""."""
    if fields is None:
        return "record shorter than its header"
    csi_bytes, tones, receivers, streams, payload = fields[1], *fields[7:10], fields[14]
    if length < _HEADER_BYTES + csi_bytes + payload:
        return "record with a wrong length"
    if csi_bytes == 0:
        # A zero length fits much that is no record at all
        return _NO_CSI if 2000 < fields[2] < 7200 and payload else "record with a wrong length"
    if not (1 <= receivers <= MAX_CHAINS and 1 <= streams <= MAX_CHAINS):
        return "record with an impossible number of antennas"
    if tones not in ATHEROS_TONES:
        return "record with an impossible number of subcarriers"
    if csi_bytes < atheros_bytes(tones, receivers, streams):
        return "record with a wrong length"
    return ""


def _packet(fields: tuple, body: bytes) -> CsiPacket:
    ticks, csi_bytes, channel, _, _, _, _, tones, receivers, streams, rssi, *_, payload = fields
    start = _HEADER_BYTES + csi_bytes
    mac, sequence = sender_of(body[start : start + min(payload, _FRAME_HEAD_BYTES)])
    return CsiPacket(
        csi=unpack_atheros(body[_HEADER_BYTES:], tones, receivers, streams),
        subcarriers=subcarriers.HT_20 if tones == ATHEROS_TONES[0] else subcarriers.HT_40,
        time_ns=ticks * 1000,
        rssi_dbm=None if rssi == _NO_RSSI else float(rssi + _NOISE_FLOOR_DBM),
        mac=mac,
        sequence=sequence,
        channel=channel,
    )
