# SPDX-License-Identifier: GPL-3.0-or-later
"""The ESP32 source: live CSI from a serial port."""

from __future__ import annotations

from radiofm_core.csi.live.esp32_serial import BAUD_RATE, Esp32SerialSource
from radiofm_core.fields import whole_parameter

from .csi_source import live_csi_source


class esp32_serial_source(live_csi_source):
    """Sends packets of CSI that an ESP32 with esp-csi or the ESP32-CSI-Tool prints.

    Output messages: ``csi``, ``status``: see :class:`csi_source`.

    Args:
        port: as ``/dev/ttyUSB0``, or any URL that pyserial opens.
        baud_rate: bits per second.

    Raises:
        UsageError: a baud rate that there cannot be.
    """

    def __init__(self, port: str, baud_rate: int = BAUD_RATE):
        self._settings = (str(port), whole_parameter("baud_rate", baud_rate, 1))
        live_csi_source.__init__(self, "esp32_serial_source")

    def make_source(self) -> Esp32SerialSource:
        """A port that is not yet open."""
        return Esp32SerialSource(*self._settings)
