# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sources of CSI by one string."""

from __future__ import annotations

import re

from ...errors import UsageError
from .esp32_serial import BAUD_RATE, Esp32SerialSource
from .nexmon_udp import NexmonUdpSource
from .recorded import RecordedSource
from .source import CsiSource

EXAMPLES = "'nexmon=5500', 'esp32=/dev/ttyUSB0' or 'file=capture.pcap'"


def live_csi(text: str) -> CsiSource:
    """A source, not open yet, to be used once.

    Args:
        text: ``nexmon=PORT`` or ``nexmon=HOST:PORT`` (the address of this machine to listen at),
            ``esp32=DEVICE`` or ``esp32=DEVICE,baud=RATE``, ``file=PATH``, played at its own pace.

    Raises:
        UsageError: it is none of these.
        InputError: the file cannot be read.
    """
    kind, _, what = text.partition("=")
    if kind == "file" and what:
        return RecordedSource(what)
    if kind == "esp32" and (match := re.fullmatch(r"(.+?)(?:,baud=(\d{1,8}))?", what)):
        return Esp32SerialSource(match[1], int(match[2] or BAUD_RATE))
    match = re.fullmatch(r"(?:([^\s:]+):)?(\d{1,5})", what)
    if kind == "nexmon" and match and int(match[2]) < 65536:
        return NexmonUdpSource(int(match[2]), match[1] or "")
    raise UsageError(f"--live: expected {EXAMPLES}, got {text!r}")
