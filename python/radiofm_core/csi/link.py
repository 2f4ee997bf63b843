# SPDX-License-Identifier: GPL-3.0-or-later
"""One sender's packets on their way to windows: their clock, their losses, their values."""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from .cleaning import Measured, PacketCleaner
from .columns import SubcarrierMap
from .counts import CsiCounts
from .mac_header import SEQUENCE_NUMBERS
from .mirrored import StreamMirror
from .packet import CsiPacket
from .spec import CsiSpec
from .time_grid import GridWindow, TimeGrid

# Intervals that tell a sender's rhythm, and how many of them are needed
_RHYTHM = 32
_LEAST_RHYTHM = 8


class CsiLink:
    """Packets of one sender, one layout and one number of antennas.

    Their times must ascend. A single packet from the past is left out; two in a row say that
    the clock was set back, and the stream is cut there: what came before and what comes after
    never meet in one window. The same happens after a pause longer than a window.

    Args:
        spec: the windows' definition.
        packet: the first one, which tells the layout (it still is to be pushed).
        counts: where to count; shared with other links.
        mirror_ends: whether the windows reach beyond the first and the last packet
            (:class:`.mirrored.StreamMirror`).

    Raises:
        InputError: the layout does not cover the spec's frequencies.
    """

    def __init__(
        self, spec: CsiSpec, packet: CsiPacket, counts: CsiCounts, mirror_ends: bool = False
    ):
        self.spec = spec
        self.mac = packet.mac
        self.antennas = packet.csi.shape[0]
        self.time_is_absolute = packet.time_is_absolute
        self._counts = counts
        self._to_columns = SubcarrierMap(packet.subcarriers, packet.subcarrier_hz, spec)
        self._pause_ns = round(spec.duration_s * 1e9)
        self._mirror = StreamMirror(spec) if mirror_ends else None
        self._begin()

    def push(self, packet: CsiPacket) -> list[tuple[CsiLink, int, GridWindow]]:
        """Take a packet; return (self, start in ns, window) of each complete window."""
        if self._mirror is None:
            return self._push(packet)
        return [window for each in self._mirror.push(packet) for window in self._push(each)]

    def finish(self) -> list[tuple[CsiLink, int, GridWindow]]:
        """The windows that the last packets complete."""
        rest = self._mirror.finish() if self._mirror is not None else []
        return [window for each in rest for window in self._push(each)] + self._end()

    def _push(self, packet: CsiPacket) -> list:
        if self._last is None:
            return self._accept(packet)
        step = packet.time_ns - self._last.time_ns
        if step == 0:
            self._counts.refuse_packet("repeated", "two packets with the same time stamp")
            return []
        if step < 0:
            return self._take_past(packet, step)
        if self._past is not None:
            self._past = None
            self._counts.refuse_packet(
                "out_of_order", "a packet with an earlier time stamp than the one before"
            )
        if step > self._pause_ns:
            windows = self._cut("pause", f"{step * 1e-9:.2g} s without a packet")
            self._begin()
            return windows + self._accept(packet)
        return self._accept(packet)

    def _end(self) -> list:
        if self._past is not None:
            self._counts.refuse_packet(
                "out_of_order", "a packet with an earlier time stamp than the one before"
            )
            self._past = None
        found = [window for packet in self._cleaner.finish() for window in self._place(packet)]
        found += self._grid.finish()
        return self._given_out(found)

    def _take_past(self, packet: CsiPacket, step: int) -> list:
        if self._past is None:
            self._past = packet
            return []
        first, self._past = self._past, None
        windows = self._cut("clock_back", f"the clock was set back by {-step * 1e-9:.2g} s")
        self._begin()
        return windows + self._push(first) + self._push(packet)

    def _cut(self, kind: str, reason: str) -> list:
        windows = self._end()
        if self._grid.has_rest:
            self._counts.refuse_window("cut", reason)
        self._counts.cut(kind, reason)
        return windows

    def _begin(self) -> None:
        self._last: CsiPacket | None = None
        self._past: CsiPacket | None = None
        self._cleaner = PacketCleaner()
        self._grid = TimeGrid(self.spec)
        self._intervals: deque[int] = deque(maxlen=_RHYTHM)

    def _accept(self, packet: CsiPacket) -> list:
        if self._last is None:
            self._start_ns = packet.time_ns
        lost = self._lost_before(packet)
        self._last = packet
        measured = Measured(
            packet.time_ns - self._start_ns, self._columns(packet.csi), self.antennas, lost
        )
        decided = self._cleaner.push(measured)
        return self._given_out([w for packet in decided for w in self._place(packet)])

    def _columns(self, csi: np.ndarray) -> np.ndarray:
        """(antennas, layout) -> float32 (columns, channels): amplitudes, cosines, sines."""
        parts = [self._to_columns(np.abs(csi))]
        if np.iscomplexobj(csi) and self.antennas > 1:
            # the difference first, then over frequency: a packet's delay, which turns the phase
            # from subcarrier to subcarrier, is common to the antennas and gone by then
            turned = self._to_columns(_unit(csi[1:] * np.conj(csi[0])))
            turned = _unit(turned)
            parts += [turned.real, turned.imag]
        return np.concatenate(parts).T.astype(np.float32)

    def _lost_before(self, packet: CsiPacket) -> int:
        """Packets missing since the last one: by sequence numbers, else by the usual interval."""
        last = self._last
        if last is None:
            return 0
        interval = packet.time_ns - last.time_ns
        before = list(self._intervals)
        self._intervals.append(interval)
        if packet.is_mirrored or last.is_mirrored:
            # what is missing there is counted where it was received
            return 0
        if packet.sequence is not None and last.sequence is not None:
            ahead = (packet.sequence - last.sequence) % SEQUENCE_NUMBERS
            return ahead - 1 if 0 < ahead < SEQUENCE_NUMBERS // 2 else 0
        if len(before) < _LEAST_RHYTHM:
            return 0
        return max(round(interval / median(before)) - 1, 0)

    def _place(self, packet: Measured) -> list[GridWindow]:
        self._counts.outliers += packet.is_outlier
        self._counts.gain_steps += packet.gain_steps
        return self._grid.push(packet)

    def _given_out(self, found: list[GridWindow]) -> list:
        windows = []
        for window in found:
            if window.refused:
                self._counts.refuse_window(window.refused, window.why)
                continue
            self._normalise(window.values)
            self._counts.windows += 1
            start_ns = self._start_ns + round(window.first_row * 1e9 / self.spec.rate_hz)
            windows.append((self, start_ns, window))
        return windows

    def _normalise(self, values: np.ndarray) -> None:
        """In place: amplitudes in units of the window's median, phases of magnitude 1."""
        amplitude = values[..., : self.antennas]
        np.maximum(amplitude, 0, out=amplitude)
        amplitude /= max(float(np.median(amplitude.mean(axis=(1, 2)))), 1e-30)
        others = self.antennas - 1
        if values.shape[-1] > self.antennas:
            turned = _unit(values[..., -2 * others : -others] + 1j * values[..., -others:])
            values[..., -2 * others : -others] = turned.real
            values[..., -others:] = turned.imag


def _unit(values: np.ndarray) -> np.ndarray:
    """Complex numbers of magnitude 1; zero has the phase 0."""
    magnitude = np.abs(values)
    return np.where(magnitude > 0, values / np.maximum(magnitude, 1e-30), 1)
