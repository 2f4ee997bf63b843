# SPDX-License-Identifier: GPL-3.0-or-later
"""The 20, 40 or 80 MHz of a wider capture that a packet fills, wherever in it they lie.

A receiver that listens to 40, 80 or 160 MHz hears packets of less, too, in one of the 20 MHz
channels that these are made of; the rest of the estimate is noise. A part in a fade is no empty
one: it is weaker, but smooth over frequency.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from .packet import CsiPacket

CHANNEL_HZ = 20e6
WIDTHS_HZ = (20e6, 40e6, 80e6, 160e6)
# A layout is one of a width if it spans this share of it
_LEAST_SPAN = 0.85
# Around a channel's centre, what carries something in every format (26 of 312.5 kHz)
_INNER_HZ = 8.2e6
# A part is empty where it is so far (dB) below the strongest one, or so far and as rough from one
# subcarrier to the next as noise: its mean step is 0.59 of its mean amplitude, give or take 0.05 of
# 53 subcarriers; that of a channel 10 dB above its noise is 0.26. Between the two limits it is
# taken for what it was in the packet before
EMPTY_DB, WEAK_DB = 25.0, 10.0
SMOOTH, ROUGH = 0.33, 0.39
_WEAK = 10 ** (-WEAK_DB / 10)
_SMALLEST = 1e-30
# Layouts that are remembered; the one that came first makes room
_MAX_LAYOUTS = 64


@dataclass(frozen=True)
class Channel:
    """A part of a capture: ``centre_hz`` relative to the capture's, ``width_hz``."""

    centre_hz: float
    width_hz: float

    @property
    def words(self) -> str:
        return f"{self.width_hz / 1e6:g} MHz at {self.centre_hz / 1e6:+g} MHz"


def capture_width_hz(subcarriers: np.ndarray, subcarrier_hz: float) -> float:
    """20, 40, 80 or 160 MHz, or 0 where a layout is not as wide as any of them."""
    span = float(subcarriers[-1] - subcarriers[0]) * subcarrier_hz
    for width in WIDTHS_HZ:
        if _LEAST_SPAN * width <= span <= width:
            return width
    return 0.0


class FilledChannel:
    """Finds the part of a capture that single packets fill. ``width_hz``: of the capture.

    Args:
        subcarriers: int (subcarriers,), ascending.
        subcarrier_hz: their spacing.
        width_hz: of the capture, 40 MHz or more.
    """

    def __init__(self, subcarriers: np.ndarray, subcarrier_hz: float, width_hz: float):
        self._count = round(width_hz / CHANNEL_HZ)
        self.width_hz = width_hz
        there = np.asarray(subcarriers, np.float64) * subcarrier_hz
        self._parts = [
            np.flatnonzero(np.abs(there - self._centre_hz(k, 1)) <= _INNER_HZ)
            for k in range(self._count)
        ]
        self._is_known = all(part.size > 2 for part in self._parts)
        shares = np.zeros((there.size, self._count), np.float32)
        for k, part in enumerate(self._parts):
            shares[part, k] = 1 / max(part.size, 1)
        # for amplitudes, and for real and imaginary parts in turn
        self._shares = {1: shares, 2: np.repeat(shares, 2, axis=0)}

    def of(self, csi: np.ndarray, before: Channel | None = None) -> Channel | None:
        """The smallest channel of 802.11 that holds all that a packet carries; None: all of it.

        Args:
            csi: (antennas, subcarriers), complex or amplitudes.
            before: what the sender's packet before filled, which settles what is not clear.
        """
        if not self._is_known:
            return None
        values = np.ascontiguousarray(csi)
        values = values.view(values.real.dtype)
        means = np.square(values) @ self._shares[values.shape[1] // csi.shape[1]]
        means = (means[0] if len(means) == 1 else means.sum(axis=0)).tolist()
        # enough for nearly all packets
        if min(means) > max(means) * _WEAK:
            return None
        return self._smallest(self._filled(csi, before))

    def inside(self, channel: Channel | None, csi: np.ndarray) -> list[Channel]:
        """The narrower channels within one (None: the capture), wide ones first, then strong ones.

        Args:
            channel: what the packets fill.
            csi: (packets, antennas, subcarriers) of them.
        """
        first, size = self._place(channel)
        power = np.mean(np.abs(csi) ** 2, axis=(0, 1))
        levels = [float(np.median(power[part])) if part.size else 0.0 for part in self._parts]
        found = []
        while size > 1:
            size //= 2
            begins = range(first, first + self._place(channel)[1], size)
            begins = sorted(begins, key=lambda k: -sum(levels[k : k + size]))
            found += [Channel(self._centre_hz(k, size), size * CHANNEL_HZ) for k in begins]
        return found

    def _filled(self, csi: np.ndarray, before: Channel | None) -> list[int]:
        """Numbers of the parts of 20 MHz that carry something."""
        power = np.sum(np.abs(csi) ** 2, axis=0)
        levels = [10 * np.log10(max(float(np.median(power[p])), _SMALLEST)) for p in self._parts]
        strongest = max(levels)
        first, size = self._place(before)
        found = []
        for k, (level, part) in enumerate(zip(levels, self._parts, strict=True)):
            is_filled = level >= strongest - WEAK_DB
            if not is_filled and level >= strongest - EMPTY_DB:
                rough = _roughness(csi[:, part])
                is_filled = rough < (ROUGH if first <= k < first + size else SMOOTH)
            if is_filled:
                found.append(k)
        return found

    def _smallest(self, filled: list[int]) -> Channel | None:
        size = 1
        while size < self._count:
            if filled[0] // size == filled[-1] // size:
                first = filled[0] // size * size
                return Channel(self._centre_hz(first, size), size * CHANNEL_HZ)
            size *= 2
        return None

    def _place(self, channel: Channel | None) -> tuple[int, int]:
        """Number of the first part, and how many."""
        if channel is None:
            return 0, self._count
        low_hz = channel.centre_hz - channel.width_hz / 2 + self.width_hz / 2
        return round(low_hz / CHANNEL_HZ), round(channel.width_hz / CHANNEL_HZ)

    def _centre_hz(self, first: int, size: int) -> float:
        return (first + size / 2) * CHANNEL_HZ - self.width_hz / 2


class Captures:
    """Finds the part that packets fill of captures of any layout."""

    def __init__(self):
        # None of layouts of 20 MHz
        self._known: OrderedDict[tuple, FilledChannel | None] = OrderedDict()
        # of each sender's last packet
        self._last: OrderedDict[tuple, Channel | None] = OrderedDict()

    def part_of(
        self, packet: CsiPacket, layout: bytes
    ) -> tuple[FilledChannel | None, Channel | None]:
        """What knows the packet's layout, and the channel that it fills (None: all).

        Args:
            packet: a packet.
            layout: the bytes of its subcarriers' indices.
        """
        key = (layout, packet.subcarrier_hz)
        if key not in self._known:
            self._known[key] = _filled_channel(packet)
            if len(self._known) > _MAX_LAYOUTS:
                self._known.popitem(last=False)
        filled = self._known[key]
        if filled is None:
            return None, None
        sender = (packet.mac, packet.channel, *key)
        part = filled.of(packet.csi, self._last.get(sender))
        self._last[sender] = part
        if len(self._last) > _MAX_LAYOUTS:
            self._last.popitem(last=False)
        return filled, part


def _filled_channel(packet: CsiPacket) -> FilledChannel | None:
    width_hz = capture_width_hz(packet.subcarriers, packet.subcarrier_hz)
    if width_hz <= CHANNEL_HZ:
        return None
    return FilledChannel(packet.subcarriers, packet.subcarrier_hz, width_hz)


def _roughness(csi: np.ndarray) -> float:
    """The mean step between neighbours of (antennas, subcarriers), as a share of the amplitude."""
    amplitude = np.abs(csi)
    return float(np.abs(np.diff(amplitude, axis=-1)).mean() / max(amplitude.mean(), _SMALLEST))
