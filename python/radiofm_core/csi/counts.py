# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the packets: for status messages and for what a command prints at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST_FOUND = 20


@dataclass
class CsiCounts:
    """Counters of a framer, since it was made.

    ``packets``: all that came. ``refused_packets`` by reason: ``other_sender`` (the MAC filter),
    ``broken`` (no CSI, not finite, all zero, wrong shape or time), ``band`` (the subcarriers do
    not cover the spec's), ``repeated`` (a time that was already there), ``out_of_order``,
    ``antenna`` (of the sender's other one, between which it switches).
    ``refused_windows`` by reason: ``rate``, ``gap``, ``missing`` (see CsiSpec), ``cut`` (begun,
    and never complete), ``mixed`` (packets of two senders with one address), ``constant`` (the
    receiver repeats its estimates, clips them, or most subcarriers never change), ``noise``
    (without a channel). ``cuts`` by reason:
    ``pause`` (longer than a window, or the clock jumped ahead), ``clock_back``, ``channel`` (the
    receiver changed it), ``bandwidth`` (packets fill another part of a wide capture), ``link``
    (another sender, layout or number of antennas took the place),
    ``mixed``. ``outliers`` were replaced, ``gain_steps`` undone. ``reason``: the last refusal
    or cut in words (few different ones: PMT symbols are never freed). ``found``: what streams hold
    that their layout does not say, in lines, of how many streams; further lines than MOST_FOUND are
    left out.
    """

    packets: int = 0
    windows: int = 0
    outliers: int = 0
    gain_steps: int = 0
    refused_packets: Counter = field(default_factory=Counter)
    refused_windows: Counter = field(default_factory=Counter)
    cuts: Counter = field(default_factory=Counter)
    reason: str = ""
    found: Counter = field(default_factory=Counter)

    def find(self, line: str) -> None:
        """Note what a stream holds."""
        if line in self.found or len(self.found) < MOST_FOUND:
            self.found[line] += 1

    def refuse_packet(self, kind: str, reason: str) -> None:
        """Count a packet that is not used."""
        self.refused_packets[kind] += 1
        self.reason = reason

    def refuse_window(self, kind: str, reason: str) -> None:
        """Count a window that is not given out."""
        self.refused_windows[kind] += 1
        self.reason = reason

    def cut(self, kind: str, reason: str) -> None:
        """Count a stream that begins anew."""
        self.cuts[kind] += 1
        self.reason = reason
