# SPDX-License-Identifier: GPL-3.0-or-later
"""FeitCSI: files of Intel AX200 and AX210 cards.

A record is a header of 272 bytes and the estimate (FeitCSI, "CSI format"). Packets of 802.11a/g, n,
ac and ax of 20 to 160 MHz are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ..capture import CUT_OFF, Tally
from ..clocks import HostTime, MicrosecondClock
from ..packet import CsiPacket
from .intel_ax import HEADER_BYTES, AxHeader, ax_layout, parse_header, read_estimate

NAME = "FeitCSI"
ADVICE = "record it again with feitcsi --output-file"

_LEAST_MAC = "00:00:00:00:00:00"


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    return parse_header(head) is not None


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a file.

    ``time_ns`` is spaced by the card's microsecond clock, since 1970 where the file notes the
    host's time (newer versions of FeitCSI), else since any start. The file tells no
    sequence number.

    Args:
        file: at its beginning.
        tally: where chip and skipped packets are noted.
    """
    tally.chip = "AX200/AX210"
    clock, host_time = MicrosecondClock(), HostTime()
    while head := file.read(HEADER_BYTES):
        header = parse_header(head)
        if len(head) < HEADER_BYTES:
            tally.skip(CUT_OFF)
            return
        if header is None:
            tally.skip("damaged from a record with an impossible header on")
            return
        data = file.read(header.csi_bytes)
        if len(data) < header.csi_bytes:
            tally.skip(CUT_OFF)
            return
        layout = ax_layout(header.format, header.width_mhz, header.tones)
        if layout is None:
            tally.skip(
                f"packet of {header.kind} with {header.tones} subcarriers, which is not read"
            )
            continue
        time_ns = clock.nanoseconds(header.clock_us)
        if header.host_us:
            time_ns = host_time.absolute(time_ns, header.host_us * 1000)
        yield CsiPacket(
            csi=read_estimate(data, header.receivers, header.streams, header.tones, layout),
            subcarriers=layout.subcarriers,
            time_ns=time_ns,
            time_is_absolute=bool(header.host_us),
            rssi_dbm=header.rssi_dbm,
            mac=_mac(header),
            subcarrier_hz=layout.subcarrier_hz,
        )


def _mac(header: AxHeader) -> str | None:
    return None if header.mac == _LEAST_MAC else header.mac
