# SPDX-License-Identifier: GPL-3.0-or-later
"""A file's packets mirrored in time at its two ends, so that windows reach beyond them.

What is said of a window holds for its middle. Without more than the file holds, its first and
last moments would have no answer, and a file shorter than a window none at all. A mirror image
moves as the room does, backwards; a copy of the last packet would stand still.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from .packet import CsiPacket
from .spec import CsiSpec

# Packets that are held back at the beginning, and remembered for the end
MOST_HELD = 4096


class StreamMirror:
    """Puts mirror images before the first and after the last packet of one stream.

    The images' times ascend, without the packets' own; ``is_mirrored`` tells them from those.
    They reach half of what a window is longer than its hop before the first packet, to the
    nanosecond, and as far and nearly a hop more after the last one: so the first answer holds from
    the first packet on, and the last one to the last packet or beyond, by less than a hop. A
    stream that is
    shorter than this is mirrored again and again; one of less than half a hop is left as it
    is, as no motion could be seen in it.

    Only the file's two ends are mirrored, not what lies at a pause or where a clock was set back.

    Args:
        spec: of the windows.
    """

    def __init__(self, spec: CsiSpec):
        reach_s = max(spec.duration_s - spec.hop_s, 0) / 2
        self._before_ns = round(reach_s * 1e9)
        # a window's last row lies a row before its end, and may lie another after the last packet
        self._after_ns = round((reach_s + spec.hop_s - 2 / spec.rate_hz) * 1e9)
        self._least_ns = round(spec.hop_s / 2 * 1e9)
        self._pause_ns = round(spec.duration_s * 1e9)
        self._held: list[CsiPacket] | None = []
        self._last: deque[CsiPacket] = deque(maxlen=MOST_HELD)

    def push(self, packet: CsiPacket) -> list[CsiPacket]:
        """Take the next packet; return those, and images, that can go on."""
        self._remember(packet)
        if self._held is None:
            return [packet]
        self._held.append(packet)
        is_whole = packet.time_ns - self._held[0].time_ns >= self._before_ns
        return self._release() if is_whole or len(self._held) == MOST_HELD else []

    def finish(self) -> list[CsiPacket]:
        """What is still held back, and the images after the last packet."""
        packets = self._release() if self._held is not None else []
        return packets + self._images(list(reversed(self._last)), 1, self._after_ns)

    def _release(self) -> list[CsiPacket]:
        held, self._held = self._held or [], None
        return self._images(held, -1, self._before_ns)[::-1] + held

    def _remember(self, packet: CsiPacket) -> None:
        last = self._last
        if last and packet.time_ns < last[-1].time_ns:
            last.clear()
        last.append(packet)
        # the one beyond the reach too: it lands on it
        while len(last) > 2 and packet.time_ns - last[1].time_ns >= self._after_ns:
            last.popleft()

    def _images(
        self, packets: Sequence[CsiPacket], outwards: int, reach_ns: int
    ) -> list[CsiPacket]:
        """Images of packets that lead inwards from an end, on its other side, leading outwards:
        to earlier (-1) or to later times (1)."""
        inwards = self._unbroken(packets, -outwards)
        if not inwards or abs(inwards[-1].time_ns - inwards[0].time_ns) < self._least_ns:
            return []
        images: list[CsiPacket] = []
        distance, place, step = 0, 0, 1
        while distance < reach_ns:
            if not 0 <= place + step < len(inwards):
                step = -step
            distance += abs(inwards[place + step].time_ns - inwards[place].time_ns)
            place += step
            # the last one is moved to the reach itself
            time_ns = inwards[0].time_ns + outwards * min(distance, reach_ns)
            images.append(replace(inwards[place], time_ns=time_ns, is_mirrored=True))
        return images

    def _unbroken(self, packets: Sequence[CsiPacket], direction: int) -> list[CsiPacket]:
        """From the first one on those whose times lead in a direction, up to a pause."""
        found = list(packets[:1])
        for packet in packets[1:]:
            step = (packet.time_ns - found[-1].time_ns) * direction
            if step > self._pause_ns:
                break
            if step > 0:
                found.append(packet)
        return found
