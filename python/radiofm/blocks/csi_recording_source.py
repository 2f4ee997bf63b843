# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSI recording source: packets of a file, as fast as they are taken or as they came."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from radiofm_core.csi.capture import Tally
from radiofm_core.csi.live.source import POLL_S
from radiofm_core.csi.packet import CsiPacket
from radiofm_core.csi.reader import open_csi
from radiofm_core.demo_files import demo_csi

from .csi_source import csi_source


class csi_recording_source(csi_source):
    """Sends the packets of a file of CSI; the flowgraph ends with it.

    Output messages: ``csi``, ``status``: see :class:`csi_source`.

    Args:
        file: Intel 5300 or Atheros ``.dat``, nexmon ``.pcap``, PicoScenes ``.csi``, ESP32
            ``.csv``, FeitCSI, ``.npz``, or a table of amplitudes, ``.mat`` or ``.csv``. Empty: the
            demo file that comes with the package, of a simulated room.
        real_time: packets come as far apart as they were received, instead of as fast as the
            blocks after this one take them.
        packet_rate: packets per second, for files without times; 0: there are times.

    Raises:
        InputError: the file cannot be read, or is none of these.
        UsageError: the rate is negative.
    """

    def __init__(
        self, file: str | os.PathLike = "", real_time: bool = False, packet_rate: float = 0.0
    ):
        self._reader = open_csi(demo_csi() if file == "" else file, packet_rate or None)
        self._real_time = bool(real_time)
        csi_source.__init__(self, "csi_recording_source")

    def read(self) -> Iterator[CsiPacket | None]:
        """The file's packets."""
        first_ns, begin = None, time.monotonic()
        for packet in self._reader:
            # one whose clock was set back does not wait
            if first_ns is None or packet.time_ns < first_ns:
                first_ns, begin = packet.time_ns, time.monotonic()
            due = begin + (packet.time_ns - first_ns) * 1e-9
            while self._real_time and (left := due - time.monotonic()) > 0:
                time.sleep(min(left, POLL_S))
                yield None
            yield packet

    def account(self) -> tuple[Tally, int]:
        """Of the file; nothing is dropped."""
        return self._reader.tally, 0
