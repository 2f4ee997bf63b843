# SPDX-License-Identifier: GPL-3.0-or-later
"""The one type that every source of CSI gives: a packet's channel estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .subcarriers import SPACING_HZ


@dataclass(frozen=True)
class CsiPacket:
    """The channel as a receiver estimated it from one packet.

    ``csi``: complex64, or float32 where only the amplitude is known, (antennas, subcarriers);
    an antenna is a pair of a transmitting and a receiving one, receiving ones running fastest.
    ``subcarriers``: int16 (subcarriers,), ascending indices of 802.11 (0 is DC), each spaced by
    ``subcarrier_hz``. ``time_ns``: integer nanoseconds, since 1970 where ``time_is_absolute``,
    else since any start. ``rssi_dbm``, ``mac`` (the sender's, ``aa:bb:cc:dd:ee:ff``) and
    ``sequence`` (12 bits): None where the source does not tell. ``channel``: that the receiver was
    tuned to, as it calls it (a number of 802.11, or MHz), or None. ``is_mirrored``: not received,
    but the image of one that was (:mod:`.mirrored`).
    """

    csi: np.ndarray
    subcarriers: np.ndarray
    time_ns: int
    time_is_absolute: bool = False
    rssi_dbm: float | None = None
    mac: str | None = None
    sequence: int | None = None
    subcarrier_hz: float = SPACING_HZ
    is_mirrored: bool = False
    channel: int | None = None
