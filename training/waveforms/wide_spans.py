# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of a receiver of a wide span: carriers side by side and, among and over them, packets,
hops and other emissions that are neither LTE nor NR. Scenes of all kinds hold such frames too, but
as one of many."""

from __future__ import annotations

from . import plans
from .rng import Rng
from .scene import SceneMaker
from .span import Emission, Span

# 20 to 122.88 MS/s in units of 15 kHz, and how often each comes
FFT_SIZES = {
    1344: 1,
    1536: 1,
    1668: 1,
    2048: 3,
    2560: 1,
    2668: 1,
    3072: 1,
    3332: 1,
    3732: 1,
    4096: 6,
    6144: 1,
    8192: 2,
}
MOST_CARRIERS = 4
MOST_OTHERS = 3
# Some spans hold no carrier, so that one is not taken for granted.
NO_CARRIER_SHARE = 0.15


class WideSpanMaker(SceneMaker):
    """Draws frames of wide spans with several emissions, of which at least one is no carrier."""

    def draw_span(self, rng: Rng) -> Span:
        """A sample rate of :data:`FFT_SIZES`."""
        size = rng.choice(list(FFT_SIZES), list(FFT_SIZES.values()))
        rate = Span(size, 1, self.rows, self.spec).sample_rate
        hops = self.spec.hops_per_row(rate, self.draw_duration(rate, rng))
        return Span(size, hops, self.rows, self.spec)

    def draw_emissions(self, span: Span, rng: Rng) -> list[Emission]:
        """Carriers side by side and other emissions anywhere."""
        carriers = 0 if rng.chance(NO_CARRIER_SHARE) else rng.integer(1, MOST_CARRIERS)
        groups = [rng.choice(("lte", "nr")) for _ in range(carriers)]
        groups += [rng.choice(("wifi", "other")) for _ in range(rng.integer(1, MOST_OTHERS))]
        taken: list[plans.Band] = []
        planned = (plans.draw_emission(g, span, taken, False, False, rng) for g in groups)
        return [e for p in planned if p is not None for e in self.emit(p, span, rng)]
