# SPDX-License-Identifier: GPL-3.0-or-later
"""The nexmon source: live CSI from a chip with nexmon's firmware."""

from __future__ import annotations

from radiofm_core.csi.formats.nexmon import PORT
from radiofm_core.csi.live.nexmon_udp import NexmonUdpSource
from radiofm_core.fields import whole_parameter

from .csi_source import live_csi_source


class nexmon_udp_source(live_csi_source):
    """Sends packets of CSI as nexmon's firmware sends them in datagrams.

    Output messages: ``csi``, ``status``: see :class:`csi_source`.

    Args:
        port: UDP port.
        host: the address of this machine to listen at; empty: all of them.

    Raises:
        UsageError: a port that there cannot be.
    """

    def __init__(self, port: int = PORT, host: str = ""):
        self._address = (whole_parameter("port", port, 0, 65535), str(host))
        live_csi_source.__init__(self, "nexmon_udp_source")

    def make_source(self) -> NexmonUdpSource:
        """A socket that is not yet open."""
        return NexmonUdpSource(*self._address)
