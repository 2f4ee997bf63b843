# SPDX-License-Identifier: GPL-3.0-or-later
"""The clocks of Wi-Fi chips, which count microseconds, start again at 2³² and know no date."""

from __future__ import annotations

# Times from here on (s; 2001) can only be since 1970, those before it are since any start
ABSOLUTE_S = 1e9
# Microseconds before the largest reading (10 minutes) from which on a counter starts again: few
# pauses are longer, and a receiver that restarts is seldom just so old
_NEAR_END = 600_000_000


def seconds_to_ns(seconds: float) -> int:
    """Nanoseconds, exact to what the float can tell: times 1e9 it would lose digits."""
    whole, fraction = divmod(seconds, 1)
    return int(whole) * 10**9 + round(fraction * 1e9)


class MicrosecondClock:
    """Makes a 32-bit count of microseconds (about 72 minutes) run on.

    It goes on after its largest value if it was within _NEAR_END of that. A smaller reading is a
    step back in time otherwise, as after a restart of the receiver, and so is one that is less than
    36 minutes before the one preceding it.
    """

    def __init__(self):
        self._last: int | None = None

    def nanoseconds(self, ticks: int) -> int:
        """The time of a reading, in ns since the counter was 0 before the first reading."""
        if self._last is None:
            self._last = ticks % 2**32
        else:
            ticks, before = ticks % 2**32, self._last % 2**32
            step = (ticks - before) % 2**32
            if step >= 2**31:
                step -= 2**32
            elif ticks < before < 2**32 - _NEAR_END:
                step = ticks - before
            self._last += step
        return self._last * 1000


class HostTime:
    """Moves the times of a live receiver's own clock to those of this machine.

    The receiver's clock spaces packets far better than their arrival over a serial port does. Its
    offset is taken from the first packet, and again when the two differ by more than a second:
    after a restart of the receiver, or hours of drift.
    """

    def __init__(self):
        self._offset_ns: int | None = None

    def absolute(self, own_ns: int, arrival_ns: int) -> int:
        """Nanoseconds since 1970 of a packet with the receiver's time ``own_ns``, which came at
        ``arrival_ns``."""
        if self._offset_ns is None or abs(own_ns + self._offset_ns - arrival_ns) > 10**9:
            self._offset_ns = arrival_ns - own_ns
        return own_ns + self._offset_ns
