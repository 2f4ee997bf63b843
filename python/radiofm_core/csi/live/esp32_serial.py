# SPDX-License-Identifier: GPL-3.0-or-later
"""ESP32 live: the lines that esp-csi or the ESP32-CSI-Tool print on a serial port."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

from ...errors import InputError, reason_of
from ...installation import how_to_install
from ..clocks import HostTime
from ..formats.esp32 import MAX_LINE_BYTES, LineParser
from ..packet import CsiPacket
from .source import POLL_S, QUEUE_PACKETS, CsiSource

# What esp-csi and the ESP32-CSI-Tool set up
BAUD_RATE = 921600


class Esp32SerialSource(CsiSource):
    """Packets from an ESP32; their spacing is the chip's clock's, their date this machine's.

    Args:
        port: as ``/dev/ttyUSB0``, or any URL that pyserial opens.
        baud_rate: bits per second.
        queue_packets: how many packets wait at most.
    """

    def __init__(self, port: str, baud_rate: int = BAUD_RATE, queue_packets: int = QUEUE_PACKETS):
        super().__init__(queue_packets)
        self.port = port
        self.baud_rate = baud_rate
        self._serial = None
        self._parser = LineParser(self.tally)
        self._host_time = HostTime()
        self._rest = b""

    def _open(self) -> None:
        try:
            import serial
        except ImportError as error:
            raise InputError(
                f"{self.port}: pyserial is missing ({error}); {how_to_install('serial')}"
            ) from error
        try:
            self._serial = serial.serial_for_url(
                self.port, self.baud_rate, timeout=POLL_S, exclusive=True
            )
        # pyserial lets errors of termios through, which are of no common class
        except Exception as error:
            reason = reason_of(error)
            raise InputError(
                f"{self.port}: the serial port cannot be opened ({reason}); check that it is "
                "plugged in, not in use, and that your user may open it (group dialout)"
            ) from error

    def _read(self) -> Iterator[CsiPacket]:
        try:
            data = self._serial.read(self._serial.in_waiting or 1)
        except Exception as error:
            reason = reason_of(error)
            raise InputError(
                f"{self.port}: the serial port was lost ({reason}); plug it in again"
            ) from error
        arrival_ns = time.time_ns()
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest = b""
            self.tally.skip("line without an end (check the baud rate)")
        for line in lines:
            packet = self._parser.parse(line)
            if packet is not None and packet.time_is_absolute:
                yield packet
            elif packet is not None:
                time_ns = arrival_ns
                if self._parser.has_clock:
                    time_ns = self._host_time.absolute(packet.time_ns, arrival_ns)
                yield dataclasses.replace(packet, time_ns=time_ns, time_is_absolute=True)

    def _close(self) -> None:
        self._serial.close()
