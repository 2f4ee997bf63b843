# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets without times of their own, placed at the rate at which they were sent.

Logs without a clock give all packets one time, or none. Their rate is told by the user; where they
have sequence numbers, packets that are missing leave their gaps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice, pairwise
from statistics import multimode

from ..errors import InputError, UsageError
from ..fields import finite_number, shown
from .mac_header import SEQUENCE_NUMBERS
from .packet import CsiPacket

# Packets that are looked at before the first is given on, and how many are enough where each has a
# time of its own
LOOK_AHEAD, ENOUGH = 256, 16
# From this share of packets with the time of the one before on, times are no measurement
_REPEATED_SHARE = 0.5
MAX_RATE_HZ = 1e5
_MAX_SENDERS = 64
# A number so far ahead is of a sender that began anew
_LARGEST_STEP = SEQUENCE_NUMBERS // 2
NO_TIMES = (
    "its packets have no times; tell at how many packets a second they were sent "
    "(--packet-rate 100)"
)


def checked_rate(packet_rate: float | None) -> float | None:
    """Packets per second, or None; raises UsageError for anything else."""
    if packet_rate is None:
        return None
    rate = finite_number(packet_rate)
    if rate is None or not 0 < rate <= MAX_RATE_HZ:
        raise UsageError(
            f"packet_rate: expected packets per second, above 0 and up to {MAX_RATE_HZ:g}, got "
            f"{shown(packet_rate)}"
        )
    return rate


class Placing:
    """Gives packets times where they have none.

    Args:
        packet_rate: packets per second of each sender, for packets without times; None: such
            packets are refused.

    ``how``: how times were made, once the first packet was given on; "" where the packets' own are
    used.
    """

    def __init__(self, packet_rate: float | None = None):
        self.packet_rate = packet_rate
        self.how = ""
        # of each sender: its last time (ns) and number
        self._last: OrderedDict[str | None, tuple[int, int | None]] = OrderedDict()
        self._usual_step: dict[str | None, int] = {}

    def place(self, packets: Iterable[CsiPacket]) -> Iterator[CsiPacket]:
        """The packets in their order, with times.

        Raises:
            InputError: they have no times, and no rate is known; without the file's name.
        """
        packets = iter(packets)
        first = list(islice(packets, ENOUGH))
        if _repeated(first):
            first += islice(packets, LOOK_AHEAD - ENOUGH)
        if _have_times(first):
            yield from chain(first, packets)
            return
        if self.packet_rate is None:
            raise InputError(NO_TIMES)
        self._learn_steps(first)
        by_number = ", by their sequence numbers" if self._usual_step else ""
        self.how = f"none in the file: packets are placed at {self.packet_rate:g}/s{by_number}"
        for packet in chain(first, packets):
            yield replace(packet, time_ns=self._time(packet), time_is_absolute=False)

    def _learn_steps(self, packets: list[CsiPacket]) -> None:
        """By how much the number of a sender usually goes up: it counts frames to others, too."""
        steps: dict[str | None, list[int]] = {}
        last: dict[str | None, int] = {}
        for packet in packets:
            if packet.sequence is None:
                continue
            if packet.mac in last:
                step = (packet.sequence - last[packet.mac]) % SEQUENCE_NUMBERS
                steps.setdefault(packet.mac, []).append(step)
            last[packet.mac] = packet.sequence
        for mac, found in steps.items():
            ahead = [step for step in found if 0 < step < _LARGEST_STEP]
            # a number that stands still or jumps about places nothing
            if len(ahead) > len(found) / 2:
                self._usual_step[mac] = min(multimode(ahead))

    def _time(self, packet: CsiPacket) -> int:
        interval_ns = 1e9 / self.packet_rate
        if packet.mac not in self._last:
            time_ns = 0
        else:
            last_ns, number = self._last[packet.mac]
            time_ns = last_ns + round(interval_ns * self._steps(packet, number))
        self._last[packet.mac] = time_ns, packet.sequence
        self._last.move_to_end(packet.mac)
        if len(self._last) > _MAX_SENDERS:
            self._last.popitem(last=False)
        return time_ns

    def _steps(self, packet: CsiPacket, number: int | None) -> float:
        usual = self._usual_step.get(packet.mac)
        if usual is None or packet.sequence is None or number is None:
            return 1.0
        step = (packet.sequence - number) % SEQUENCE_NUMBERS
        return step / usual if 0 < step < _LARGEST_STEP else 1.0


def _have_times(packets: list[CsiPacket]) -> bool:
    if len(packets) < 2:
        return True
    return _repeated(packets) < _REPEATED_SHARE * (len(packets) - 1)


def _repeated(packets: list[CsiPacket]) -> int:
    return sum(one.time_ns == other.time_ns for one, other in pairwise(packets))
