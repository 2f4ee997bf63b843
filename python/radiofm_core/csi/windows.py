# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSI framer: packets at any times in, windows on an even grid of time and frequency out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .capture import fault_of, time_fault_of
from .channels import Captures
from .counts import CsiCounts
from .layout import StreamLayout
from .link import CsiLink
from .mac_header import parse_mac
from .packet import CsiPacket
from .spec import CsiSpec

# Senders (and their layouts) that are followed at a time; the one longest silent makes room
MAX_LINKS = 64
# Whatever a receiver's units, an antenna's largest value is within these; single precision holds
# the squares of them
SMALLEST, LARGEST = 1e-12, 1e12


@dataclass(frozen=True)
class CsiWindow:
    """The channel from one sender over ``rows`` even instants.

    ``values``: float32 (rows, columns, channels). Of A antennas, the first A channels are
    amplitudes, in units of the window's median amplitude over all antennas. If the packets have
    phase and A > 1, A - 1 cosines and A - 1 sines follow: of the phase of antennas 2 .. A less
    that of antenna 1. A packet's own phase is not kept: the clocks of sender and receiver turn
    it at random, and only between antennas that share a clock does this cancel.

    ``time_ns``: of the first row, since 1970 where ``time_is_absolute``. ``hop_s``: from its start
    to the next window's. ``packet_rate``: packets used per second. ``lost_packets``: by the
    sequence numbers; without those estimated by the longer intervals, as if the sender had a
    steady rhythm. ``jitter_s``: standard deviation of the intervals between packets.
    ``received``: bool (rows,), those with a packet of their own; the others are interpolated.
    ``outliers``: packets replaced; ``gain_steps``: of the receiver, undone. ``source``: the
    sender's MAC, or empty.
    """

    values: np.ndarray
    received: np.ndarray
    antennas: int
    time_ns: int
    time_is_absolute: bool
    duration_s: float
    hop_s: float
    packet_rate: float
    lost_packets: int
    jitter_s: float
    outliers: int
    gain_steps: int
    source: str

    @property
    def kind(self) -> tuple[int, ...]:
        """(rows, columns, channels, antennas): a model takes windows of one kind at a time."""
        return (*self.values.shape, self.antennas)

    @property
    def interpolated(self) -> float:
        """Share of the rows without a packet of their own."""
        return 1 - float(self.received.mean())

    @property
    def rate_hz(self) -> float:
        """Rows per second."""
        return len(self.values) / self.duration_s

    @property
    def amplitude(self) -> np.ndarray:
        """float32 (rows, columns, antennas)."""
        return self.values[..., : self.antennas]

    @property
    def phase_difference(self) -> np.ndarray | None:
        """complex64 (rows, columns, antennas - 1) of magnitude 1; None where there is no phase."""
        others = self.antennas - 1
        if self.values.shape[-1] == self.antennas:
            return None
        return self.values[..., -2 * others : -others] + 1j * self.values[..., -others:]


class CsiFramer:
    """Cuts a stream of CSI packets into windows.

    Each sender has windows of its own, and so have packets of another subcarrier layout, channel,
    part of a wide one or number of antennas: one window never mixes two channels. (Packets that do
    not name their sender count as one sender's: set ``mac`` where several send.) Memory is bounded,
    and what comes out depends on the packets only.

    Args:
        spec: the windows' definition.
        mac: use this sender's packets only; None or empty: all.
        mirror_ends: let windows reach beyond a stream's first and last packet, as
            :class:`.mirrored.StreamMirror` does; for files, as it holds packets back.
        refuse_faults: whether windows without a channel (:mod:`.faults`) are refused.

    Raises:
        UsageError: ``mac`` is no MAC address.
    """

    def __init__(
        self,
        spec: CsiSpec,
        mac: str | None = None,
        mirror_ends: bool = False,
        refuse_faults: bool = True,
    ):
        self.spec = spec
        self._mirror_ends = mirror_ends
        self._refuse_faults = refuse_faults
        self.mac = parse_mac(mac) if mac else None
        self.counts = CsiCounts()
        self._links: OrderedDict[tuple, CsiLink] = OrderedDict()
        self._captures = Captures()

    def push(self, packet: CsiPacket) -> list[CsiWindow]:
        """Take a packet; return the windows that are complete now, oldest first.

        Never raises for what a packet holds: one that cannot be used is counted.
        """
        self.counts.packets += 1
        if self.mac and (packet.mac or "").lower() != self.mac:
            self.counts.refuse_packet(
                "other_sender", f"a packet from another sender than {self.mac}, or without one"
            )
            return []
        if problem := packet_problem(packet):
            self.counts.refuse_packet("broken", problem)
            return []
        try:
            link, windows = self._link_of(packet)
        except InputError as error:
            self.counts.refuse_packet("band", str(error))
            return []
        return windows + [_window(*found) for found in link.push(packet)]

    def finish(self) -> list[CsiWindow]:
        """The windows that the last packets complete; the framer is as new then."""
        windows = [_window(*found) for link in self._links.values() for found in link.finish()]
        self._links.clear()
        return windows

    def _link_of(self, packet: CsiPacket) -> tuple[CsiLink, list[CsiWindow]]:
        subcarriers = np.asarray(packet.subcarriers).tobytes()
        filled, part = self._captures.part_of(packet, subcarriers)
        key = (
            packet.mac,
            packet.csi.shape,
            subcarriers,
            packet.subcarrier_hz,
            np.iscomplexobj(packet.csi),
            packet.time_is_absolute,
            packet.channel,
            part,
        )
        if key in self._links:
            self._links.move_to_end(key)
            return self._links[key], []
        layout = StreamLayout(packet, self.spec, filled, part)
        link = CsiLink(
            self.spec, packet, layout, self.counts, self._mirror_ends, self._refuse_faults
        )
        self._links[key] = link
        windows = []
        others = [other for other in self._links if other != key]
        if any(key[:-1] == other[:-1] for other in others):
            self.counts.cut(
                "bandwidth",
                "packets fill another part of the channel, which starts separate windows",
            )
        elif any(key[:-2] == other[:-2] for other in others):
            self.counts.cut(
                "channel", "the receiver changed its channel, which starts separate windows"
            )
        elif len(self._links) > 1:
            antennas, subcarriers = packet.csi.shape
            self.counts.cut(
                "link",
                f"another sender, layout or number of antennas ({antennas} x {subcarriers} "
                "values) starts separate windows",
            )
        if len(self._links) > MAX_LINKS:
            _, oldest = self._links.popitem(last=False)
            windows = [_window(*found) for found in oldest.finish()]
        return link, windows


def frame_packets(
    packets: Iterable[CsiPacket], spec: CsiSpec, mac: str | None = None
) -> Iterator[CsiWindow]:
    """The windows of a finite stream of packets (:class:`CsiFramer` from start to finish)."""
    framer = CsiFramer(spec, mac)
    for packet in packets:
        yield from framer.push(packet)
    yield from framer.finish()


def packet_problem(packet: CsiPacket) -> str:
    """Why a packet's values cannot be used; empty if they can."""
    csi = packet.csi
    if csi.ndim != 2 or csi.shape[1] != len(packet.subcarriers) or not csi.size:
        return f"a packet of shape {csi.shape} with {len(packet.subcarriers)} subcarrier indices"
    largest = np.abs(csi).max(axis=1).tolist()
    # one comparison for nearly all; not a number fails it
    is_usual = all(SMALLEST <= value <= LARGEST for value in largest)
    if fault := (time_fault_of if is_usual else fault_of)(packet):
        return f"a packet that cannot be used ({fault})"
    if is_usual:
        return ""
    if not all(largest):
        return "a packet with an antenna whose CSI is all zero"
    return f"a packet with values of {max(largest):.1e}: expected {SMALLEST:g} to {LARGEST:g}"


def _window(link: CsiLink, start_ns: int, found) -> CsiWindow:
    spec = link.spec
    return CsiWindow(
        values=found.values,
        received=found.received,
        antennas=link.antennas,
        time_ns=start_ns,
        time_is_absolute=link.time_is_absolute,
        duration_s=spec.duration_s,
        hop_s=spec.hop_s,
        packet_rate=found.packets / spec.duration_s,
        lost_packets=found.lost,
        jitter_s=found.jitter_s,
        outliers=found.outliers,
        gain_steps=found.gain_steps,
        source=link.mac or "",
    )
