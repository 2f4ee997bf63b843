# SPDX-License-Identifier: GPL-3.0-or-later
"""One edge of an emission's band, from all that was seen of it."""

from __future__ import annotations

from collections import defaultdict

# Of the time on the air, what may lie beyond the edge: one frame that took in a neighbour does not
# widen a carrier that was seen in twenty
BEYOND = 0.05


class Edge:
    """Edges that were seen, in Hz, weighted by the seconds for which they hold.

    ``outwards`` is 1 of the upper edge, -1 of the lower one. Edges are kept in steps of ``step_hz``
    (the first one that is given), so that memory is bounded by the span.
    """

    def __init__(self, outwards: int):
        self._outwards = outwards
        self._step = 0.0
        # by step: seconds, and Hz x seconds
        self._seen: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def add(self, hertz: float, seconds: float, step_hz: float) -> None:
        """Take one in."""
        self._step = self._step or max(step_hz, 1.0)
        entry = self._seen[round(hertz / self._step)]
        entry[0] += max(seconds, 1e-9)
        entry[1] += hertz * max(seconds, 1e-9)

    def absorb(self, other: Edge) -> None:
        """Take in what another emission that turned out to be the same one has seen."""
        for seconds, product in other._seen.values():
            self.add(product / seconds, seconds, other._step)

    def value(self, tolerance_hz: float) -> float:
        """The outermost edge that is more than a rare one; the mean of those near to it."""
        total = sum(seconds for seconds, _ in self._seen.values())
        beyond, outermost = 0.0, 0.0
        for place in sorted(self._seen, reverse=self._outwards > 0):
            seconds, product = self._seen[place]
            beyond += seconds
            outermost = product / seconds
            if beyond > BEYOND * total:
                break
        near = [
            (seconds, product)
            for seconds, product in self._seen.values()
            if abs(product / seconds - outermost) <= tolerance_hz
        ]
        return sum(product for _, product in near) / sum(seconds for seconds, _ in near)
