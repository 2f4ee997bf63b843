# SPDX-License-Identifier: GPL-3.0-or-later
"""PicoScenes: ``.csi`` files of Intel 5300, AX200/AX210, QCA9300 and USRP receivers.

A frame is a length, a magic word, named and versioned segments, and the received 802.11 frame
(PicoScenes manual, "PicoScenes MATLAB Toolbox"; its open ``rxs_parsing_core``). Of the segments
``RxSBasic`` tells the time, ``CSI`` holds the estimate, and ``MVMExtra`` the clock of an Intel AX
card, whose ``RxSBasic`` has none or, of some packets, another one; others are not needed here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from ..capture import CUT_OFF, Tally
from ..clocks import MicrosecondClock
from ..mac_header import sender_of
from ..packet import CsiPacket
from .intel_ax import parse_header
from .picoscenes_csi import DEVICES, CsiFault, read_csi_segment

NAME = "PicoScenes"
ADVICE = "record it again with PicoScenes"

MAGIC = 0x20150315
# length (of what follows it), magic, version, number of segments
_FRAME = struct.Struct("<IIHB")
_FRAME_VERSION = 1
# A frame of a 160 MHz packet with its samples is a few MB
_MAX_FRAME_BYTES = 64 << 20
_FRAME_HEAD_BYTES = 24
# Where RxSBasic has the noise floor and then the RSSI, by version. In version 1 and 2 the RSSI
# counts from the noise floor
_RSSI = {1: (21, True), 2: (23, True), 3: (27, False)}
# A clock that counts from 1970 reads more than these: nanoseconds (USRP), microseconds
_ABSOLUTE_NS = 10**17
_ABSOLUTE_US = 10**14


def sniff(head: bytes) -> bool:
    """Whether a file that begins so is of this format."""
    return len(head) >= _FRAME.size and _FRAME.unpack_from(head)[1] == MAGIC


def read(file: BinaryIO, tally: Tally) -> Iterator[CsiPacket]:
    """The packets of a file.

    ``time_ns`` is since 1970 where the receiver's clock is set (USRP), else the card's microsecond
    clock since any start. A packet with several estimates gives the first.

    Args:
        file: at its beginning.
        tally: where the device and skipped frames are noted.
    """
    ax_clock = MicrosecondClock()
    while prefix := file.read(4):
        length = int.from_bytes(prefix, "little")
        if len(prefix) == 4 and not _FRAME.size - 4 <= length <= _MAX_FRAME_BYTES:
            tally.skip("damaged from a frame of impossible length on")
            return
        frame = prefix + file.read(length)
        if len(frame) < 4 + length:
            tally.skip(CUT_OFF)
            return
        try:
            yield _packet(frame, tally, ax_clock)
        except CsiFault as fault:
            tally.skip(str(fault))


def _packet(frame: bytes, tally: Tally, ax_clock: MicrosecondClock) -> CsiPacket:
    _, magic, version, count = _FRAME.unpack_from(frame)
    if magic != MAGIC or version != _FRAME_VERSION:
        raise CsiFault("frame of an unknown kind")
    segments, end = _segments(frame, count)
    if "RxSBasic" not in segments or "CSI" not in segments:
        raise CsiFault("frame without CSI")
    device, ticks, rssi = _basic(*segments["RxSBasic"])
    csi, indices, spacing, carrier_mhz = read_csi_segment(*segments["CSI"])
    tally.chip = DEVICES.get(device, f"0x{device:04x}")
    mac, sequence = sender_of(frame[end : end + _FRAME_HEAD_BYTES])
    if ticks <= _ABSOLUTE_US and (
        header := parse_header(segments.get("MVMExtra", (0, b""))[1][2:])
    ):
        ticks = ax_clock.nanoseconds(header.clock_us) // 1000
    return CsiPacket(
        csi=csi,
        subcarriers=indices,
        time_ns=ticks if ticks > _ABSOLUTE_NS else ticks * 1000,
        time_is_absolute=ticks > _ABSOLUTE_US,
        rssi_dbm=rssi,
        mac=mac,
        sequence=sequence,
        subcarrier_hz=spacing,
        channel=carrier_mhz,
    )


def _segments(frame: bytes, count: int) -> tuple[dict[str, tuple[int, bytes]], int]:
    """({name: (version, contents)}, where they end)."""
    found: dict[str, tuple[int, bytes]] = {}
    start = _FRAME.size
    for _ in range(count):
        if start + 5 > len(frame):
            raise CsiFault("frame with damaged segments")
        length, name_length = struct.unpack_from("<IB", frame, start)
        contents = start + 5 + name_length + 2
        end = start + 4 + length
        if not contents <= end <= len(frame):
            raise CsiFault("frame with damaged segments")
        # some versions count the zero after the name
        name = frame[start + 5 : contents - 2].rstrip(b"\0").decode("latin-1")
        found.setdefault(
            name, (struct.unpack_from("<H", frame, contents - 2)[0], frame[contents:end])
        )
        start = end
    return found, start


def _basic(version: int, data: bytes) -> tuple[int, int, float | None]:
    """(device, clock reading, RSSI in dBm or None) of an RxSBasic segment."""
    if len(data) < 10:
        raise CsiFault("frame with damaged segments")
    device, ticks = struct.unpack_from("<HQ", data)
    place, above_floor = _RSSI.get(version, (0, False))
    if not place or len(data) < place + 2:
        return device, ticks, None
    floor, rssi = struct.unpack_from("<bb", data, place)
    # A USRP that knows neither writes zeros
    if not (floor or rssi):
        return device, ticks, None
    return device, ticks, float(floor + rssi if above_floor else rssi)
