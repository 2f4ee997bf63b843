# SPDX-License-Identifier: GPL-3.0-or-later
"""When the stations of an 802.11 network send (IEEE 802.11-2020 clause 10.3): exchanges of data
and acknowledgements, beacons, single packets, and trains as from a cable."""

from __future__ import annotations

from dataclasses import dataclass

from ..rng import Rng

SIFS_S, SLOT_S = 16e-6, 9e-6
DIFS_S = SIFS_S + 2 * SLOT_S
# At 24 Mbit/s: 14 bytes of an acknowledgement or a clear to send, 32 of a block acknowledgement
ANSWERS_S = (28e-6, 32e-6)
REQUEST_S = 28e-6
# The longest packet that the standards allow (aPPDUMaxTime)
LONGEST_S = 5.484e-3
MOST_PACKETS = 400


@dataclass(frozen=True)
class Sent:
    """A packet: its start and length in seconds, its station's number, and whether it is a control
    packet in the format that every station reads."""

    start: float
    length: float
    station: int
    control: bool = False


def cable(duration: float, rng: Rng) -> list[Sent]:
    """Packets of one length after each other, as a tester or an edited recording has them."""
    length, gap = rng.log_uniform(30e-6, 1e-3), rng.log_uniform(2e-6, 100e-6)
    steady = rng.chance(0.5)
    time, out = -rng.uniform(0, length), []
    while time < duration:
        out.append(Sent(time, length, 0))
        time += length + gap
        if not steady:
            length = min(LONGEST_S, max(30e-6, length * rng.uniform(0.7, 1.4)))
    return out


def busy(duration: float, rng: Rng) -> list[Sent]:
    """Exchanges between an access point and its clients, back-off between them."""
    longest = rng.log_uniform(100e-6, LONGEST_S)
    shortest = min(longest, rng.log_uniform(40e-6, 1e-3))
    clients = rng.integer(1, 3)
    reserve, answer = rng.chance(0.25), rng.choice(ANSWERS_S)
    window = rng.choice((7, 15, 15, 63))
    time, out = -rng.uniform(0, longest), []
    while time < duration and len(out) < MOST_PACKETS:
        client = rng.integer(1, clients)
        sender, receiver = (0, client) if rng.chance(0.7) else (client, 0)
        if reserve:
            for station, length in ((sender, REQUEST_S), (receiver, ANSWERS_S[0])):
                out.append(Sent(time, length, station, control=True))
                time += length + SIFS_S
        length = rng.log_uniform(shortest, longest)
        out.append(Sent(time, length, sender))
        time += length + SIFS_S
        out.append(Sent(time, answer, receiver, control=True))
        time += answer + DIFS_S + rng.integer(0, window) * SLOT_S
        if rng.chance(0.05):
            time += rng.log_uniform(100e-6, 5e-3)
    return out


def sparse(duration: float, rng: Rng) -> list[Sent]:
    """Short packets far apart, each acknowledged."""
    gap = rng.log_uniform(300e-6, 10e-3)
    time, out = rng.uniform(-1e-4, min(gap, 0.8 * duration)), []
    while time < duration and len(out) < MOST_PACKETS:
        length = rng.log_uniform(30e-6, 400e-6)
        station = rng.integer(0, 3)
        out.append(Sent(time, length, station))
        if rng.chance(0.7):
            reply = Sent(time + length + SIFS_S, ANSWERS_S[0], (station + 1) % 4, control=True)
            out.append(reply)
        time += length + 60e-6 + rng.log_uniform(0.1, 3.0) * gap
    return out


def beacons(duration: float, rng: Rng) -> list[Sent]:
    """Beacons of several access points on one channel, one each 102.4 ms from each."""
    out = []
    for station in range(rng.integer(1, 12)):
        time = rng.uniform(-2e-3, 102.4e-3)
        if station == 0:
            time = rng.uniform(0, 0.8) * duration
        if time < duration:
            out.append(Sent(time, rng.log_uniform(100e-6, 2.5e-3), station % 4, control=True))
    return out


def draw_traffic(duration: float, rng: Rng) -> list[Sent]:
    """Packets that meet the first ``duration`` seconds, at least one as a rule."""
    manner = rng.choice((cable, busy, sparse, beacons), (0.25, 0.4, 0.25, 0.1))
    return manner(duration, rng)
