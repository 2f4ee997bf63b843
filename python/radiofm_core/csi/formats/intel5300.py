# SPDX-License-Identifier: GPL-3.0-or-later
"""Intel 5300: the ``.dat`` files of the Linux 802.11n CSI Tool.

A record is a big-endian length (16 bits), a code, and length - 1 bytes. Code 0xbb holds a channel
estimate; the others that ``log_to_file`` can write do not (tool's FAQ, ``read_bf_file.m``,
``iwl-connector.h``). The values are in the card's own scale, which follows its gain control.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import BinaryIO

from .. import subcarriers
from ..capture import CUT_OFF, Tally
from ..clocks import MicrosecondClock
from ..packet import CsiPacket
from .packed import MAX_CHAINS, antenna_order, intel_bytes, unpack_intel

NAME = "Intel 5300"
ADVICE = "record it again with the CSI tool's log_to_file"

ESTIMATE = 0xBB
PAYLOAD = 0xC1
# timestamp_low, bfee_count, (reserved), Nrx, Ntx, rssi a-c, noise, agc, antenna_sel, len, rate
_HEADER = struct.Struct("<IHHBBBBBbBBHH")
# rate_n_flags of the driver: the packet is 40 MHz wide
_HT40 = 1 << 11


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    if len(head) < 3:
        return False
    length, code = struct.unpack_from(">HB", head)
    if code == ESTIMATE and len(head) >= 3 + _HEADER.size:
        return _fault(length, _HEADER.unpack_from(head, 3)) == ""
    # A record with a frame's payload comes first if its CSI was not logged
    return code == PAYLOAD and len(head) > length + 4 and head[length + 4] in (ESTIMATE, PAYLOAD)


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a file.

    ``time_ns`` counts from any start (the card's 32-bit microsecond clock, made to run on);
    ``rssi_dbm`` is the power at the antennas together. The file tells no address and no number.

    Args:
        file: at its beginning.
        tally: where chip and skipped packets are noted.
    """
    tally.chip = "IWL5300"
    clock = MicrosecondClock()
    while prefix := file.read(3):
        length = int.from_bytes(prefix[:2], "big")
        body = file.read(length - 1) if length else b""
        if len(prefix) < 3 or len(body) < length - 1:
            tally.skip(CUT_OFF)
            return
        if prefix[2] != ESTIMATE:
            if length == 0:
                tally.skip("damaged from a record of length zero on")
                return
            tally.skip("record without CSI")
            continue
        header = _HEADER.unpack_from(body) if len(body) >= _HEADER.size else None
        fault = _fault(length, header)
        if fault:
            tally.skip(fault)
            continue
        yield _packet(header, body[_HEADER.size :], clock)


def _fault(length: int, header: tuple | None) -> str:
    """Why a record of an estimate cannot be read, or ""."""
    if header is None:
        return "record shorter than its header"
    receivers, streams, payload = header[3], header[4], header[11]
    if not (1 <= receivers <= MAX_CHAINS and 1 <= streams <= MAX_CHAINS):
        return "record with an impossible number of antennas"
    if payload != intel_bytes(receivers, streams) or length != 1 + _HEADER.size + payload:
        return "record with a wrong length"
    return ""


def _packet(header: tuple, data: bytes, clock: MicrosecondClock) -> CsiPacket:
    ticks, _, _, receivers, streams, *rssi, _, gain, selection, _, rate = header
    return CsiPacket(
        csi=unpack_intel(data, receivers, streams, antenna_order(selection, receivers)),
        subcarriers=subcarriers.INTEL_5300_40 if rate & _HT40 else subcarriers.INTEL_5300_20,
        time_ns=clock.nanoseconds(ticks),
        rssi_dbm=_total_rssi(rssi, gain),
    )


def _total_rssi(rssi: list[int], gain: int) -> float | None:
    """dBm, from the antennas' dB above the card's reference (tool's ``get_total_rss.m``)."""
    heard = [10 ** (level / 10) for level in rssi if level]
    return 10 * math.log10(sum(heard)) - 44 - gain if heard else None
