# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes over the serial port of an ESP32, in pieces."""

import csi_samples

from fuzz import csi_file, fields
from radiofm_core.csi.live.esp32_serial import Esp32SerialSource

MOST_BYTES = 16384
mutate = fields.mutate
# One prime to most lines' lengths
_PIECE_BYTES = 997


def seeds() -> dict[str, bytes]:
    """Two programs' lines."""
    return csi_file.seeds("esp-csi", "esp32-csi-tool")


class _Port:
    """A serial port at which ``data`` comes in pieces."""

    def __init__(self, data: bytes):
        self.rest = data
        self.in_waiting = _PIECE_BYTES

    def read(self, size: int) -> bytes:
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece


def run(data: bytes) -> None:
    """Read all that comes."""
    source = Esp32SerialSource("/dev/null")
    source._serial = _Port(data)
    while source._serial.rest:
        for packet in source._read():
            if source.tally.accept(packet):
                csi_samples.check([packet])
