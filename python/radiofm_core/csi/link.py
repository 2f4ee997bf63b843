# SPDX-License-Identifier: GPL-3.0-or-later
"""One sender's packets on their way to windows: their clock, their losses, their values."""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np

from .antennas import ANTENNA, WORDS, Antennas
from .cleaning import PacketCleaner
from .counts import CsiCounts
from .faults import Repeats, window_fault
from .gain_flips import GainFlips
from .layout import StreamLayout
from .mac_header import SEQUENCE_NUMBERS
from .measured import Measured
from .mirrored import StreamMirror
from .mixed import MixedSenders
from .packet import CsiPacket
from .spec import CsiSpec
from .time_grid import GridWindow, TimeGrid

# Intervals that tell a sender's rhythm, and how many of them are needed
_RHYTHM = 32
_LEAST_RHYTHM = 8
MIXED = "packets of two senders with one address; give each its own, or switch one off"


class CsiLink:
    """Packets of one sender, one layout and one number of antennas.

    Their times must ascend. A single packet from the past is left out; two in a row say that
    the clock was set back, and the stream is cut there: what came before and what comes after
    never meet in one window. The same happens after a pause longer than a window.

    A stream's first packets wait until they tell which subcarriers hold a channel
    (:mod:`.carriers`): fewer than a window needs, so that none comes later for it.

    Args:
        spec: the windows' definition.
        packet: the first one (it still is to be pushed).
        layout: which columns its packets give.
        counts: where to count; shared with other links.
        mirror_ends: whether the windows reach beyond the first and the last packet
            (:class:`.mirrored.StreamMirror`).
        refuse_faults: whether windows without a channel (:mod:`.faults`) are refused.
    """

    def __init__(
        self,
        spec: CsiSpec,
        packet: CsiPacket,
        layout: StreamLayout,
        counts: CsiCounts,
        mirror_ends: bool = False,
        refuse_faults: bool = True,
    ):
        self.spec = spec
        self.mac = packet.mac
        self.antennas = packet.csi.shape[0]
        self.time_is_absolute = packet.time_is_absolute
        self._counts = counts
        self._layout = layout
        self._pause_ns = round(spec.duration_s * 1e9)
        self._mirror = StreamMirror(spec) if mirror_ends else None
        self._refuse_faults = refuse_faults
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
        windows = self._release()
        found = [window for packet in self._cleaner.finish() for window in self._place(packet)]
        found += self._grid.finish()
        return windows + self._given_out(found)

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
        # and how many were lost before each; None once it is known what they hold
        self._waiting: list[CsiPacket] | None = []
        self._lost: list[int] = []
        self._repeats = Repeats()
        self._flips = GainFlips()
        self._channels = Antennas(self.antennas)
        self._cleaner = PacketCleaner()
        self._senders = MixedSenders()
        # up to when packets were of two senders (ns since the stream's start)
        self._mixed_ns: int | None = None
        self._grid = TimeGrid(self.spec)
        self._intervals: deque[int] = deque(maxlen=_RHYTHM)

    def _accept(self, packet: CsiPacket) -> list:
        if self._last is None:
            self._start_ns = packet.time_ns
        lost = self._lost_before(packet)
        self._last = packet
        if self._waiting is None:
            return self._take(packet, self._measured(packet, lost))
        self._waiting.append(packet)
        self._lost.append(lost)
        return self._release() if self._layout.is_enough(self._waiting) else []

    def _release(self) -> list:
        """Find where the packets that wait hold a channel, and let them go on."""
        if not self._waiting:
            return []
        waiting, self._waiting = self._waiting, None
        self._layout.learn(waiting)
        for line in self._layout.found:
            self._counts.find(line)
        lost, self._lost = self._lost, []
        measured = [self._measured(*each) for each in zip(waiting, lost, strict=True)]
        self._channels.learn([each.shape for each in measured])
        pairs = zip(waiting, measured, strict=True)
        return [window for each in pairs for window in self._take(*each)]

    def _measured(self, packet: CsiPacket, lost: int) -> Measured:
        time_ns = packet.time_ns - self._start_ns
        measured = Measured(time_ns, self._columns(packet.csi), self.antennas, lost)
        measured.is_own = not packet.is_mirrored
        return measured

    def _take(self, packet: CsiPacket, measured: Measured) -> list:
        if self._layout.problem:
            self._counts.refuse_packet("band", self._layout.problem)
            return []
        if measured.is_own and self._refuse_faults:
            measured.says_nothing = self._repeats.take(packet.csi, measured.shape)
        if self._senders.take(packet.sequence, measured.shape):
            if self._mixed_ns is None:
                self._counts.cut("mixed", MIXED)
            self._mixed_ns = measured.time_ns
        if not self._channels.takes(measured.shape):
            self._counts.refuse_packet(ANTENNA, WORDS)
            return []
        decided = self._cleaner.push(self._flips.take(measured))
        return self._given_out([w for packet in decided for w in self._place(packet)])

    def _columns(self, csi: np.ndarray) -> np.ndarray:
        """(antennas, layout) -> float32 (columns, channels): amplitudes, cosines, sines."""
        parts = [self._layout.to_columns(np.abs(csi))]
        if np.iscomplexobj(csi) and self.antennas > 1:
            # the difference first, then over frequency: a packet's delay, which turns the phase
            # from subcarrier to subcarrier, is common to the antennas and gone by then
            turned = self._layout.to_columns(_unit(csi[1:] * np.conj(csi[0])))
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
            begin_ns = round(window.first_row * 1e9 / self.spec.rate_hz)
            if self._mixed_ns is not None and begin_ns <= self._mixed_ns and not window.refused:
                window.refused, window.why = "mixed", MIXED
            if self._refuse_faults and not window.refused:
                window.refused, window.why = window_fault(window.values[..., : self.antennas])
            if window.refused:
                self._counts.refuse_window(window.refused, window.why)
                continue
            self._normalise(window.values)
            self._counts.windows += 1
            start_ns = self._start_ns + begin_ns
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
