# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of emissions that are neither LTE, NR nor Wi-Fi, every kind as often as every other.
Scenes of all kinds hold such frames too, but of some three dozen kinds each comes in few of them.
"""

from __future__ import annotations

from . import plans
from .other import TABLE
from .rng import Rng
from .scene import SceneMaker
from .span import Emission, Span

MOST_OTHERS = 3
# In so many of the spans there is a carrier or Wi-Fi, too
COMPANY_SHARE = 0.35


class OtherSpansMaker(SceneMaker):
    """Draws frames with one to three kinds of the others, and sometimes one of the rest."""

    def draw_emissions(self, span: Span, rng: Rng) -> list[Emission]:
        """Other emissions anywhere, of kinds that fit in the span."""
        fitting = [n for n in plans.OTHER if span.sample_rate >= TABLE[n][1]]
        free = (span, [], False, False)
        planned = []
        for _ in range(rng.integer(1, MOST_OTHERS)):
            name = fitting.pop(rng.integer(0, len(fitting) - 1))
            planned.append(plans.draw_emission("other", *free, rng, TABLE[name][0]))
        if rng.chance(COMPANY_SHARE):
            group = rng.choice(("lte", "nr", "wifi"))
            planned.append(plans.draw_emission(group, *free, rng))
        return [e for p in planned if p is not None for e in self.emit(p, span, rng)]
